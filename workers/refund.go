package workers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"settled"
	"settled/events"
)

// refund is the pool that gives money back: it takes requests, asks WeChat under one
// number for ever, and goes on asking until WeChat says how it ended.
func (w *Workers) refund(ctx context.Context) error {
	return all(ctx,
		func(ctx context.Context) error {
			return w.consume(ctx, "refund", events.RefundRequested, w.requestRefund)
		},
		func(ctx context.Context) error {
			return w.dueRefunds(ctx, settled.RefundRequested, w.refunding, func(ctx context.Context, r settled.Refund) error {
				return w.giveBack(ctx, r, func(settled.Event) {})
			})
		},
		func(ctx context.Context) error {
			return w.dueRefunds(ctx, settled.RefundAccepted, w.newShares(), w.lookRefund)
		},
		func(ctx context.Context) error {
			return w.dueRefunds(ctx, settled.RefundFailed, w.newShares(), w.lookRefund)
		})
}

// giveBack sends the recorded request, the same bytes whoever sends it and however often,
// and moves the refund by the answer.
func (w *Workers) giveBack(ctx context.Context, r settled.Refund, tell func(settled.Event)) error {
	gateway := w.cfg.Merchants[r.Merchant].Gateway
	repayment, err := gateway.Refund(ctx, r)
	var refusal *settled.Refusal
	if errors.As(err, &refusal) && refusal.Contested {
		return w.contestRefund(ctx, r, refusal, tell)
	}
	switch {
	case err == nil:
		return w.repaid(ctx, r, repayment, tell)
	case refusal != nil:
		return w.moveRefund(ctx, r, settled.RefundFactRefused, refusedRefund(refusal), tell)
	default:
		return w.refundLater(ctx, r, fmt.Errorf("request refund: %w", err))
	}
}

// contestRefund asks what became of a number that WeChat refuses for what it knows of it.
// Only when WeChat does not know the number, more than once, is the refusal its last word.
func (w *Workers) contestRefund(ctx context.Context, r settled.Refund, refusal *settled.Refusal, tell func(settled.Event)) error {
	repayment, err := w.cfg.Merchants[r.Merchant].Gateway.QueryRefund(ctx, r)
	if err != nil {
		return w.refundLater(ctx, r, fmt.Errorf("query contested refund: %w", err))
	}
	r.Attempts = contested(r.Attempts, r.Trouble, refusal)
	switch {
	case repayment.State != settled.RepaymentAbsent:
		return w.repaid(ctx, r, repayment, tell)
	case r.Attempts < contests:
		return w.refundLater(ctx, r, refusal)
	default:
		return w.moveRefund(ctx, r, settled.RefundFactRefused, refusedRefund(refusal), tell)
	}
}

// lookRefund asks WeChat how a refund goes on. It sends nothing: one that WeChat does not
// know is sent in its own turn.
func (w *Workers) lookRefund(ctx context.Context, r settled.Refund) error {
	repayment, err := w.cfg.Merchants[r.Merchant].Gateway.QueryRefund(ctx, r)
	if err != nil {
		return w.refundLater(ctx, r, fmt.Errorf("query refund: %w", err))
	}
	return w.repaid(ctx, r, repayment, func(settled.Event) {})
}

// repaid is the one door through which WeChat's word about a refund comes in, whether an
// answer, a query or a notify brought it.
func (w *Workers) repaid(ctx context.Context, r settled.Refund, t settled.Repayment, tell func(settled.Event)) error {
	if reason, detail := settled.RefundDisagreement(r, t); reason != "" {
		return w.disputeRefund(ctx, r, reason, detail)
	}
	fact, move := refundNews(t)
	if _, leads := settled.NextRefund(r.Status, fact); !leads {
		return w.refundWaits(ctx, r, t)
	}
	return w.moveRefund(ctx, r, fact, move, tell)
}

// flagRefund tells that a person must look at what WeChat says about a refund.
func (w *Workers) flagRefund(ctx context.Context, r settled.Refund, reason settled.FlagReason, detail string) error {
	p, err := w.cfg.Ledger.PaymentByID(ctx, r.PaymentID)
	if err != nil {
		return err
	}
	return w.flag(ctx, p, reason, detail, r.RefundID)
}

// disputeRefund leaves a refund to a person, without forgetting it.
func (w *Workers) disputeRefund(ctx context.Context, r settled.Refund, reason settled.FlagReason, detail string) error {
	if err := w.flagRefund(ctx, r, reason, detail); err != nil {
		return err
	}
	if r.Status == settled.RefundCompleted {
		return nil
	}
	return w.delayRefund(ctx, r, w.cfg.Now().Add(jitter(dispute)), &disagreement{reason, detail})
}

// refundWaits sets when WeChat is asked next about a refund that has not moved.
func (w *Workers) refundWaits(ctx context.Context, r settled.Refund, t settled.Repayment) error {
	switch {
	case r.Status == settled.RefundAccepted && t.State == settled.RepaymentAbsent:
		return w.refundLater(ctx, r, errors.New("WeChat accepted the refund, and says now that it does not know it"))
	case r.Status == settled.RefundAccepted:
		return w.delayRefund(ctx, r, w.nextRefundQuery(r.Attempts+1), nil)
	case r.Status == settled.RefundFailed && r.Held && r.Attempts+1 < len(aftercare):
		return w.delayRefund(ctx, r, w.cfg.Now().Add(jitter(aftercare[r.Attempts+1])), nil)
	case r.Status == settled.RefundFailed:
		return w.delayRefund(ctx, r, time.Time{}, nil)
	default:
		return nil
	}
}
