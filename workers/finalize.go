package workers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"settled"
	"settled/events"
)

// behind is how long a notify waits for the request of its order, which may still be on
// its way: one pause for each delivery, then the order is unknown.
var behind = []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}

// finalize is the pool that takes WeChat's notifies and completes what they pay.
func (w *Workers) finalize(ctx context.Context) error {
	return w.consume(ctx, "finalize", events.NotifyReceived, w.notified)
}

// notified takes one notify. Ingress has verified it; it is verified again, because the
// bus is no proof of where a message comes from. Whoever waits for it (ingress, and behind
// it WeChat) is told after the commit.
func (w *Workers) notified(ctx context.Context, m events.Message) error {
	var n events.Notify
	if err := json.Unmarshal(m.Data, &n); err != nil {
		return events.Park(fmt.Errorf("read notify: %w", err))
	}
	merchant, ok := w.cfg.Merchants[n.Merchant]
	if !ok {
		return events.Park(fmt.Errorf("notify of a merchant that is not configured: %.64q", n.Merchant))
	}
	if n.Kind != events.NotifyPayment {
		return events.Park(fmt.Errorf("no %.16q notify in protocol %s", n.Kind, merchant.Protocol))
	}
	news, err := merchant.Gateway.Notify(settled.Notify{Method: n.Method, Query: n.Query, Header: n.Headers, Body: n.Body})
	if err != nil {
		return events.Park(fmt.Errorf("read notify of %s: %w", n.Merchant, err))
	}
	if news.Trade == nil {
		return events.Park(fmt.Errorf("notify of %s tells of %.64q", n.Merchant, news.Type))
	}
	if err := w.believe(ctx, m, n.Merchant, *news.Trade); err != nil {
		return err
	}
	w.reply(ctx, m, events.ReplyCommitted, struct{}{})
	return nil
}

// believe does what a verified notify means.
func (w *Workers) believe(ctx context.Context, m events.Message, merchant string, t settled.Trade) error {
	p, err := w.cfg.Ledger.Payment(ctx, merchant, t.OrderID)
	switch {
	case errors.Is(err, settled.ErrNotFound):
		return w.unknownOrder(ctx, m, merchant, t)
	case err != nil:
		return err
	case !t.Paid:
		return w.look(ctx, p) // a notify that tells of no payment is a hint to ask
	default:
		return w.complete(ctx, p, t, settled.FromNotify)
	}
}

// unknownOrder waits a while for the order to appear, then flags it.
func (w *Workers) unknownOrder(ctx context.Context, m events.Message, merchant string, t settled.Trade) error {
	unknown := settled.Payment{Merchant: merchant, OrderID: t.OrderID}
	const reason = settled.UnknownOrder
	detail := fmt.Sprintf("WeChat says that transaction %s of %d fen paid this order", t.TransactionID, t.Amount.Total)
	event, err := w.event(unknown, events.PaymentFlagged, events.FlaggedOrder{
		Merchant: merchant, OrderID: t.OrderID, Reason: string(reason), Detail: detail,
	}, string(reason), t.TransactionID)
	if err != nil {
		return err
	}
	if m.Attempt <= len(behind) {
		if told, err := w.cfg.Ledger.Told(ctx, event.ID); err != nil || told {
			return err
		}
		return events.Later(fmt.Errorf("order %s/%s: %w", merchant, t.OrderID, settled.ErrNotFound), behind[m.Attempt-1])
	}
	return w.tellFlag(ctx, event, reason)
}
