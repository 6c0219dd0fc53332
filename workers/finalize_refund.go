package workers

import (
	"context"
	"errors"
	"fmt"

	"settled"
	"settled/events"
)

// believeRefund does what a verified refund notify means, through the same door as an
// answer or a query. One that its protocol does not prove is a hint to ask.
func (w *Workers) believeRefund(ctx context.Context, m events.Message, merchant string, t settled.Repayment) error {
	r, err := w.cfg.Ledger.Refund(ctx, merchant, t.RefundID)
	reason, detail := settled.RefundDisagreement(r, t)
	switch {
	case errors.Is(err, settled.ErrNotFound):
		return w.unknownRefund(ctx, m, merchant, t)
	case err != nil:
		return err
	case t.Unproven && r.Status == settled.RefundCompleted:
		return nil
	case t.Unproven:
		return w.hintRefund(ctx, r)
	case reason != "":
		return w.flagRefund(ctx, r, reason, detail) // WeChat is asked about it as before
	default:
		return w.repaid(ctx, r, t, func(settled.Event) {})
	}
}

// unknownRefund flags money that went back and that nobody here asked for: a refund made
// on WeChat's merchant platform, or by somebody else who has the keys.
func (w *Workers) unknownRefund(ctx context.Context, m events.Message, merchant string, t settled.Repayment) error {
	detail := fmt.Sprintf("WeChat says that refund %s of %d fen is %s, and it was not requested here", t.RefundID, t.Amount, t.State)
	return w.flagUnknown(ctx, m, settled.Payment{Merchant: merchant, OrderID: t.OrderID}, settled.UnknownRefund, detail, t.RefundID)
}
