package workers

import (
	"context"

	"settled"
)

// hint asks WeChat about a payment because a message says that there may be news. The
// hands that take messages are everybody's: a merchant that has its share of them in hand
// already waits for the pool that looks at rows, where its payment comes up at once.
func (w *Workers) hint(ctx context.Context, p settled.Payment) error {
	if w.hinting.take(p.Merchant) {
		defer w.hinting.give(p.Merchant)
		return w.look(ctx, p)
	}
	if p.Status != settled.StatusPrepared {
		return nil // it is asked about in its own time, and has only so many questions
	}
	return w.delay(ctx, settled.Delay{PaymentID: p.ID, Status: p.Status, DueAt: w.cfg.Now(), Attempts: p.Attempts}, nil)
}

// hintRefund is hint for a refund.
func (w *Workers) hintRefund(ctx context.Context, r settled.Refund) error {
	if w.hinting.take(r.Merchant) {
		defer w.hinting.give(r.Merchant)
		return w.lookRefund(ctx, r)
	}
	if r.Status != settled.RefundAccepted {
		return nil
	}
	_, err := w.cfg.Ledger.DelayRefund(ctx, settled.RefundDelay{ID: r.ID, Status: r.Status, DueAt: w.cfg.Now(), Attempts: r.Attempts})
	return err
}
