package workers

import (
	"context"
	"fmt"
	"time"

	"settled"
)

// acknowledgeWithin is how long WeChat waits for the delivernotify of virtual goods (Open
// Platform, APP payment document, delivernotify); after that it counts as late.
const acknowledgeWithin = 24 * time.Hour

// acknowledge is the pool that tells WeChat that the goods of a completed payment were
// delivered, for the merchants that want it: again and again until WeChat takes it.
func (w *Workers) acknowledge(ctx context.Context) error {
	return w.due(ctx, settled.StatusCompleted, w.newShares(), w.deliver)
}

func (w *Workers) deliver(ctx context.Context, p settled.Payment) error {
	gateway := w.cfg.Merchants[p.Merchant].Gateway
	if !gateway.Acknowledges() {
		return w.delay(ctx, settled.Delay{PaymentID: p.ID, Status: p.Status}, nil) // it was switched off meanwhile
	}
	cause := gateway.Acknowledge(ctx, p)
	if cause == nil {
		event, err := w.event(p, settled.EventPaymentAcknowledged, struct{}{})
		if err != nil {
			return err
		}
		_, err = w.cfg.Ledger.Acknowledged(ctx, event)
		return err
	}
	deadline := p.Paid.PaidAt.Add(acknowledgeWithin)
	if w.cfg.Now().Before(deadline) {
		return w.tryLater(ctx, p, fmt.Errorf("acknowledge: %w", cause), deadline)
	}
	detail := fmt.Sprintf("WeChat has not taken the delivernotify within %s: %v", acknowledgeWithin, cause)
	if err := w.flag(ctx, p, settled.AcknowledgeOverdue, detail, p.Paid.TransactionID); err != nil {
		return err
	}
	return w.delay(ctx, settled.Delay{PaymentID: p.ID, Status: p.Status, Attempts: p.Attempts + 1}, cause)
}
