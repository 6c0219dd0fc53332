package workers

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"settled"
	"settled/events"
)

// refundNews says which fact WeChat's word about a refund is, and what the row keeps of it.
func refundNews(t settled.Repayment) (settled.RefundFact, settled.RefundMove) {
	m := settled.RefundMove{
		WechatRefundID: t.WechatRefundID, RefundedAt: t.RefundedAt, Account: t.Account, Held: true,
		Event: settled.Event{RequestID: t.RequestID},
	}
	switch t.State {
	case settled.RepaymentSucceeded:
		return settled.RefundFactRefunded, m
	case settled.RepaymentClosed:
		m.Held, m.Failure = false, settled.Failure{
			Code:    "CLOSED",
			Message: "WeChat has closed the refund and the money stays with the shop: ask for it again under another refund_id",
		}
		return settled.RefundFactRefused, m
	case settled.RepaymentAbnormal:
		m.Failure = settled.Failure{
			Code: "ABNORMAL",
			Message: "WeChat could not pay the customer back, whose account or card is gone: " +
				"say on the merchant platform where the money is to go; do not ask for it again under another refund_id",
		}
		return settled.RefundFactRefused, m
	case settled.RepaymentProcessing:
		return settled.RefundFactAccepted, m
	case settled.RepaymentAbsent:
	}
	return "", m
}

// refusedRefund is what the row keeps of WeChat's refusal: nothing will be paid out under
// this number, so the amount is free again.
func refusedRefund(refusal *settled.Refusal) settled.RefundMove {
	return settled.RefundMove{
		Failure: settled.Failure{Code: refusal.Code, Message: refusal.Message},
		Event:   settled.Event{RequestID: refusal.RequestID},
	}
}

// moveRefund moves a refund by a fact; when somebody else has moved it meanwhile it is
// read again and everything is decided anew.
func (w *Workers) moveRefund(ctx context.Context, r settled.Refund, fact settled.RefundFact, m settled.RefundMove, tell func(settled.Event)) error {
	const tries = 5
	for range tries {
		to, leads := settled.NextRefund(r.Status, fact)
		if !leads {
			return nil
		}
		m, err := w.toldRefund(m, r, fact, to)
		if err != nil {
			return err
		}
		moved, err := w.cfg.Ledger.MoveRefund(ctx, m)
		if errors.Is(err, settled.ErrTooMuch) {
			return w.disputeRefund(ctx, r, settled.AmountMismatch, fmt.Sprintf(
				"WeChat says now that refund %s was paid out, and its amount has been given back under another number", r.RefundID))
		}
		if err != nil {
			return err
		}
		if moved {
			w.cfg.Metrics.RefundMoved(r, to)
			tell(m.Event)
			return nil
		}
		if r, err = w.cfg.Ledger.RefundByID(ctx, r.ID); err != nil {
			return err
		}
	}
	return fmt.Errorf("apply %s to refund %s: others were faster %d times", fact, r.ID, tries)
}

// toldRefund completes a move with where it leads and the event that tells of it.
func (w *Workers) toldRefund(m settled.RefundMove, r settled.Refund, fact settled.RefundFact, to settled.RefundStatus) (settled.RefundMove, error) {
	m.ID, m.PaymentID, m.Fact, m.From, m.To = r.ID, r.PaymentID, fact, r.Status, to
	refund := wireRefund(r, to)
	number := cmp.Or(m.WechatRefundID, r.WechatRefundID)
	var eventType string
	var body any
	switch to {
	case settled.RefundAccepted:
		m.DueAt = w.nextRefundQuery(0)
		eventType, body = events.RefundAccepted, events.AcceptedRefund{Refund: refund, WechatRefundID: number}
	case settled.RefundCompleted:
		if m.RefundedAt.IsZero() {
			m.RefundedAt = w.cfg.Now() // WeChat says that it is done, and not when
		}
		eventType, body = events.RefundCompleted, events.CompletedRefund{
			Refund: refund, WechatRefundID: number, RefundedAt: wireTime(m.RefundedAt), Account: m.Account,
		}
	case settled.RefundFailed, settled.RefundRequested:
		if m.Held {
			m.DueAt = w.cfg.Now().Add(jitter(aftercare[0]))
		}
		eventType, body = events.RefundFailed, events.FailedRefund{
			Refund: refund, WechatRefundID: number, Error: events.Error{Code: m.Failure.Code, Message: m.Failure.Message},
		}
	}
	data, err := json.Marshal(body)
	if err != nil {
		return m, fmt.Errorf("write %s of refund %s: %w", eventType, r.ID, err)
	}
	m.Event = settled.Event{
		ID: settled.EventID(eventType, r.ID), Type: eventType, PaymentID: r.PaymentID, RefundID: r.ID,
		Merchant: r.Merchant, OrderID: r.OrderID, At: w.cfg.Now(), Data: data, RequestID: m.Event.RequestID,
	}
	return m, nil
}

// wireRefund is "the refund" as events tell it, standing at status.
func wireRefund(r settled.Refund, status settled.RefundStatus) events.Refund {
	return events.Refund{
		PaymentID: r.PaymentID, Merchant: r.Merchant, OrderID: r.OrderID, RefundID: r.RefundID, Status: string(status),
		Amount: events.RefundAmount{Refund: int64(r.Amount), Total: int64(r.Total), Currency: r.Currency}, Reason: r.Reason,
	}
}

// refundLater delays a refund of which nobody knows what became of the last call.
func (w *Workers) refundLater(ctx context.Context, r settled.Refund, cause error) error {
	return w.delayRefund(ctx, r, w.cfg.Now().Add(retryPause(r.Attempts, cause)), cause)
}

func (w *Workers) delayRefund(ctx context.Context, r settled.Refund, dueAt time.Time, trouble error) error {
	d := settled.RefundDelay{ID: r.ID, Status: r.Status, DueAt: dueAt, Attempts: r.Attempts + 1}
	if trouble != nil {
		d.Trouble = clip(trouble.Error(), 300)
	}
	_, err := w.cfg.Ledger.DelayRefund(ctx, d)
	return err
}

// nextRefundQuery is when WeChat is asked about an accepted refund that it was asked about
// so many times: by the query schedule, and then again and again at its longest pause.
func (w *Workers) nextRefundQuery(asked int) time.Time {
	schedule := w.cfg.QuerySchedule
	return w.cfg.Now().Add(jitter(schedule[min(asked, len(schedule)-1)]))
}
