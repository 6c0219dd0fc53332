package workers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

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

// requestRefund takes one refund.requested. Like a payment it is recorded, with the exact
// request, before WeChat hears of it; the database refuses more than was paid.
func (w *Workers) requestRefund(ctx context.Context, m events.Message) error {
	request, err := events.ParseRefundRequest(m.Data, w.protocols)
	var problems events.Problems
	if errors.As(err, &problems) {
		return w.refuseRefund(ctx, m, settled.Payment{}, request, events.FailedRefund{
			Error: events.Error{Code: events.CodeInvalid, Message: problems.Error()}, Problems: problems,
		})
	}
	if err != nil {
		return events.Park(err)
	}
	known, err := w.cfg.Ledger.Refund(ctx, request.Merchant, request.RefundID)
	if err == nil {
		return w.numberTaken(ctx, m, request, known)
	}
	if !errors.Is(err, settled.ErrNotFound) {
		return err
	}
	p, refusal, err := w.refundable(ctx, m, request)
	if err != nil {
		return err
	}
	if refusal != nil {
		return w.refuseRefund(ctx, m, p, request, events.FailedRefund{Error: *refusal})
	}
	return w.recordRefund(ctx, m, p, request)
}

// refundable finds the payment that a refund is of, or says why it can't be given back.
// The payment's own request and the news that it was paid may be behind the refund's.
func (w *Workers) refundable(ctx context.Context, m events.Message, r events.RefundRequest) (settled.Payment, *events.Error, error) {
	p, err := w.cfg.Ledger.Payment(ctx, r.Merchant, r.OrderID)
	if errors.Is(err, settled.ErrNotFound) {
		if m.Attempt < 3 {
			return p, nil, events.Later(err, time.Duration(m.Attempt)*time.Second)
		}
		return p, &events.Error{Code: events.CodeUnknownOrder, Message: "there is no such payment"}, nil
	}
	if err != nil {
		return p, nil, err
	}
	if p.Status != settled.StatusCompleted {
		if p, err = w.askPaid(ctx, m, p); err != nil {
			return p, nil, err
		}
	}
	switch {
	case p.Status != settled.StatusCompleted:
		return p, &events.Error{
			Code: events.CodeNotPaid, Message: fmt.Sprintf("the payment is %s, and WeChat has not said that it was paid", p.Status),
		}, nil
	case int64(p.Amount.Total) != r.Amount.Total:
		return p, &events.Error{
			Code: events.CodeTotalMismatch, Message: fmt.Sprintf("the payment was for %d fen", p.Amount.Total),
		}, nil
	}
	return p, nil, nil
}

// askPaid asks WeChat about a payment that money is to be given back of and that nobody
// here knows to be paid. Without an answer it is neither paid nor unpaid, and the request
// waits.
func (w *Workers) askPaid(ctx context.Context, m events.Message, p settled.Payment) (settled.Payment, error) {
	if !w.refunding.take(p.Merchant) {
		return p, events.Later(errors.New("this merchant has its share of refunds in hand"), time.Second)
	}
	defer w.refunding.give(p.Merchant)
	trade, err := w.cfg.Merchants[p.Merchant].Gateway.Query(ctx, p)
	if err != nil {
		return p, events.Later(fmt.Errorf("query order of refund: %w", err), backoff(m.Attempt-1, longestRetry))
	}
	if !trade.Paid {
		return p, nil
	}
	if err := w.paid(ctx, p, trade); err != nil {
		return p, err
	}
	return w.cfg.Ledger.PaymentByID(ctx, p.ID)
}

func (w *Workers) recordRefund(ctx context.Context, m events.Message, p settled.Payment, request events.RefundRequest) error {
	r, err := w.newRefund(p, request)
	var refusal *settled.Refusal
	if errors.As(err, &refusal) {
		return w.refuseRefund(ctx, m, p, request, events.FailedRefund{Error: events.Error{Code: refusal.Code, Message: refusal.Message}})
	}
	if err != nil {
		return err
	}
	recorded, err := w.cfg.Ledger.RecordRefund(ctx, r)
	if errors.Is(err, settled.ErrTooMuch) {
		return w.refuseRefund(ctx, m, p, request, events.FailedRefund{Error: events.Error{
			Code:    events.CodeExceedsPayment,
			Message: fmt.Sprintf("%d of %d fen are given back already or on their way", p.Refunding, p.Amount.Total),
		}})
	}
	if err != nil {
		return err
	}
	if !recorded.Created {
		return w.numberTaken(ctx, m, request, recorded.Refund)
	}
	w.reply(ctx, m, events.ReplyRecorded, wireRefund(recorded.Refund, recorded.Refund.Status))
	return w.takeUp(ctx, m, recorded.Refund)
}

// takeUp asks WeChat for a refund that was recorded just now, if it is its turn and its
// merchant has room in its share. Otherwise the pool has it as soon as that is so: it is
// due already.
func (w *Workers) takeUp(ctx context.Context, m events.Message, r settled.Refund) error {
	if !w.refunding.take(r.Merchant) {
		return nil
	}
	defer w.refunding.give(r.Merchant)
	mine, err := w.cfg.Ledger.DueRefunds(ctx, settled.RefundClaim{
		Status: settled.RefundRequested, ID: r.ID, Merchants: w.merchants, Most: 1, Lease: lease,
	})
	if err != nil || len(mine) == 0 {
		return err
	}
	return w.giveBack(ctx, mine[0], func(e settled.Event) { w.reply(ctx, m, e.Type, e.Data) })
}

func (w *Workers) newRefund(p settled.Payment, request events.RefundRequest) (settled.Refund, error) {
	id, err := uuid.NewRandom()
	if err != nil {
		return settled.Refund{}, fmt.Errorf("make a refund id: %w", err)
	}
	r := settled.Refund{
		ID: id.String(), PaymentID: p.ID, Merchant: p.Merchant, OrderID: p.OrderID, RefundID: request.RefundID,
		Amount: settled.Fen(request.Amount.Refund), Total: p.Amount.Total, Currency: p.Amount.Currency,
		Reason: request.Reason, Fingerprint: request.Fingerprint(), Status: settled.RefundRequested, Held: true,
		CreatedAt: w.cfg.Now(),
	}
	if r.Request, err = w.cfg.Merchants[p.Merchant].Gateway.RefundRequest(p, r); err != nil {
		return settled.Refund{}, fmt.Errorf("write refund request %s/%s: %w", r.Merchant, r.RefundID, err)
	}
	return r, nil
}

// numberTaken answers a request whose number a refund has already: the same content is
// told again what was told of it last, any other is a conflict.
func (w *Workers) numberTaken(ctx context.Context, m events.Message, request events.RefundRequest, r settled.Refund) error {
	if request.Fingerprint() != r.Fingerprint {
		p, err := w.cfg.Ledger.PaymentByID(ctx, r.PaymentID)
		if err != nil {
			return err
		}
		return w.rejectRefund(ctx, m, p, request)
	}
	w.reply(ctx, m, events.ReplyRecorded, wireRefund(r, r.Status))
	news, err := w.cfg.Ledger.RefundNews(ctx, r.ID)
	if errors.Is(err, settled.ErrNotFound) {
		return nil // it is on its way; the one who has it in hand will tell
	}
	if err != nil {
		return err
	}
	if err := w.cfg.Ledger.Repeat(ctx, news.ID); err != nil {
		return err
	}
	w.reply(ctx, m, news.Type, news.Data)
	return nil
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
