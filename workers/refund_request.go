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

// headStart is how long the pool leaves a refund to whoever recorded it, who alone can
// answer the one who asked for it.
const headStart = time.Second

// takeUp asks WeChat for a refund that was recorded just now, if it is its turn and its
// merchant has room in its share. Otherwise the pool has it as soon as that is so and its
// head start is over.
func (w *Workers) takeUp(ctx context.Context, m events.Message, r settled.Refund) error {
	if !w.refunding.take(r.Merchant) {
		return nil
	}
	defer w.refunding.give(r.Merchant)
	mine, err := w.cfg.Ledger.DueRefunds(ctx, settled.RefundClaim{
		Status: settled.RefundRequested, ID: r.ID, DueBy: r.DueAt, Merchants: []string{r.Merchant}, Each: 1, Lease: lease,
	})
	if err != nil || len(mine) == 0 {
		return err
	}
	return w.giveBack(ctx, mine[0], func(e settled.Event) { w.reply(ctx, m, e.Type, e.Data) })
}

func (w *Workers) newRefund(p settled.Payment, request events.RefundRequest) (settled.Refund, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return settled.Refund{}, fmt.Errorf("make a refund id: %w", err)
	}
	now := w.cfg.Now()
	r := settled.Refund{
		ID: id.String(), PaymentID: p.ID, Merchant: p.Merchant, OrderID: p.OrderID, RefundID: request.RefundID,
		Amount: settled.Fen(request.Amount.Refund), Total: p.Amount.Total, Currency: p.Amount.Currency,
		Reason: request.Reason, Fingerprint: request.Fingerprint(), Status: settled.RefundRequested, Held: true,
		DueAt: now.Add(headStart), CreatedAt: now,
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
	return w.repeatNews(ctx, m, news, err)
}
