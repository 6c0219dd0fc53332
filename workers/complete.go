package workers

import (
	"context"
	"errors"
	"fmt"

	"settled"
	"settled/events"
)

// disagreement stops a move: WeChat's trade is not what the order asked for.
type disagreement struct {
	reason settled.FlagReason
	detail string
}

func (d *disagreement) Error() string { return fmt.Sprintf("%s: %s", d.reason, d.detail) }

// complete is the one door through which a payment becomes completed, whether a notify
// or a query brought the news. News that disagrees with the order is flagged instead.
func (w *Workers) complete(ctx context.Context, p settled.Payment, t settled.Trade, source settled.Source) error {
	p, told, err := w.apply(ctx, p, settled.FactPaid, func(p settled.Payment) (settled.Move, error) {
		if reason, detail := settled.Disagreement(p, t); reason != "" {
			return settled.Move{}, &disagreement{reason, detail}
		}
		return w.paidMove(p, t, source)
	})
	var d *disagreement
	switch {
	case errors.As(err, &d):
		return w.flag(ctx, p, d.reason, d.detail, t.TransactionID)
	case err != nil:
		return err
	case told != nil:
		w.cfg.Metrics.Completed(p, source, max(0, w.cfg.Now().Sub(t.PaidAt)))
		return nil
	}
	if source == settled.FromNotify && p.Source == settled.FromQuery && p.Paid.TransactionID == t.TransactionID {
		w.cfg.Metrics.Overtaken(p.Merchant)
	}
	// It was completed before: a repeat, unless this is other money.
	if reason, detail := settled.Disagreement(p, t); reason != "" {
		return w.flag(ctx, p, reason, detail, t.TransactionID)
	}
	if p.Paid.OpenID == "" && t.OpenID != "" {
		return w.cfg.Ledger.LearnPayer(ctx, p.ID, t.OpenID)
	}
	return nil
}

// flag tells that a person must look at a payment. The same thing is flagged once.
func (w *Workers) flag(ctx context.Context, p settled.Payment, reason settled.FlagReason, detail, transactionID string) error {
	event, err := w.event(p, events.PaymentFlagged,
		events.Flagged{Payment: wire(p, p.Status), Reason: string(reason), Detail: detail},
		string(reason), transactionID)
	if err != nil {
		return err
	}
	return w.tellFlag(ctx, event, reason)
}

func (w *Workers) tellFlag(ctx context.Context, event settled.Event, reason settled.FlagReason) error {
	told, err := w.cfg.Ledger.Tell(ctx, event)
	if err != nil || !told {
		return err
	}
	w.cfg.Metrics.Flagged(event.Merchant, reason)
	w.cfg.Log.WarnContext(ctx, "payment flagged", "merchant", event.Merchant, "order_id", event.OrderID, "reason", reason)
	return nil
}
