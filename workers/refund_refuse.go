package workers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"settled"
	"settled/events"
)

// refuseRefund tells that nothing was recorded and WeChat was not asked. The number is
// still free: the same request may be sent again when what was wrong is mended. If it is
// another refund's, nobody may take this for news of that one.
func (w *Workers) refuseRefund(ctx context.Context, m events.Message, p settled.Payment, r events.RefundRequest, why events.FailedRefund) error {
	switch _, err := w.cfg.Ledger.Refund(ctx, r.Merchant, r.RefundID); {
	case err == nil:
		return w.rejectRefund(ctx, m, p, r)
	case !errors.Is(err, settled.ErrNotFound):
		return err
	}
	why.Refund = events.Refund{
		PaymentID: p.ID, Merchant: r.Merchant, OrderID: r.OrderID, RefundID: r.RefundID,
		Status: string(settled.RefundFailed), Amount: r.Amount, Reason: r.Reason,
	}
	return w.tellRefused(ctx, m, p, r, events.RefundFailed, why)
}

// rejectRefund tells that the number belongs to another refund. It is an event of its own
// kind, so that nobody takes it for news of the refund that has the number.
func (w *Workers) rejectRefund(ctx context.Context, m events.Message, p settled.Payment, r events.RefundRequest) error {
	return w.tellRefused(ctx, m, p, r, events.RefundRejected, events.RejectedRefund{
		Merchant: r.Merchant, OrderID: r.OrderID, RefundID: r.RefundID,
		Error: events.Error{Code: events.CodeConflict, Message: "the refund_id was requested before with other content"},
	})
}

// tellRefused tells what became of a request. The same wrong request sent again is the
// same event again.
func (w *Workers) tellRefused(ctx context.Context, m events.Message, p settled.Payment, r events.RefundRequest, eventType string, body any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("write %s: %w", eventType, err)
	}
	content := sha256.Sum256(m.Data)
	return w.refuse(ctx, m, settled.Event{
		ID:   settled.EventID(eventType, hex.EncodeToString(content[:]), string(data)),
		Type: eventType, PaymentID: p.ID, Merchant: r.Merchant, OrderID: r.OrderID, At: w.cfg.Now(), Data: data,
	})
}
