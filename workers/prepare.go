package workers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"settled"
	"settled/events"
)

// longestRetry bounds the pause between two tries of a call whose outcome is unknown: when
// WeChat is back after an hour, nobody waits for more than this.
const longestRetry = time.Minute

// contests is how often a number that WeChat refuses, and that the query shows nothing of,
// is tried again: its books may be behind.
const contests = 2

// prepare is the pool that takes requests and gets prepay ids for them: at once as they
// come, and again as long as WeChat's answer is unknown.
func (w *Workers) prepare(ctx context.Context) error {
	return all(ctx,
		func(ctx context.Context) error {
			return w.consume(ctx, "prepare", events.PaymentRequested, w.request)
		},
		func(ctx context.Context) error {
			return w.due(ctx, settled.StatusRequested, w.preparing, w.prepareAgain)
		})
}

// request takes one payment.requested: it is recorded before anything is sent, so that
// whatever happens next there is a row that says what we were about to do. Once it is
// recorded the row drives it on, and the message is done.
func (w *Workers) request(ctx context.Context, m events.Message) error {
	request, err := events.ParsePaymentRequest(m.Data, w.protocols)
	var problems events.Problems
	if errors.As(err, &problems) {
		return w.reject(ctx, m, request, events.Rejected{Problems: problems})
	}
	if err != nil {
		return events.Park(err)
	}
	if late, err := w.tooLate(ctx, request); err != nil {
		return err
	} else if late {
		problem := events.Problem{Field: "expires_at", Issue: "must be in the future"}
		return w.reject(ctx, m, request, events.Rejected{Problems: events.Problems{problem}})
	}
	p, err := w.newPayment(request)
	if err != nil {
		return err
	}
	recorded, err := w.cfg.Ledger.Record(ctx, p)
	if err != nil {
		return err
	}
	if recorded.Payment.Fingerprint != p.Fingerprint {
		conflict := events.Error{Code: events.CodeConflict, Message: "the order was requested before with other content"}
		return w.reject(ctx, m, request, events.Rejected{Error: &conflict})
	}
	w.reply(ctx, m, events.ReplyRecorded, wire(recorded.Payment, recorded.Payment.Status))
	if !recorded.Created {
		return w.repeat(ctx, m, recorded.Payment)
	}
	if p = recorded.Payment; !w.preparing.take(p.Merchant) {
		// This merchant has its share in hand: the row comes up as soon as there is room.
		return w.delay(ctx, settled.Delay{PaymentID: p.ID, Status: p.Status, DueAt: w.cfg.Now()}, nil)
	}
	defer w.preparing.give(p.Merchant)
	return w.obtain(ctx, p, func(e settled.Event) { w.reply(ctx, m, e.Type, e.Data) })
}

// tooLate reports whether the request's time was over before it was ever recorded. A
// repeat of a recorded one is answered like the first.
func (w *Workers) tooLate(ctx context.Context, r events.PaymentRequest) (bool, error) {
	if r.ExpiresAt.IsZero() || r.ExpiresAt.After(w.cfg.Now()) {
		return false, nil
	}
	_, err := w.cfg.Ledger.Payment(ctx, r.Merchant, r.OrderID)
	if errors.Is(err, settled.ErrNotFound) {
		return true, nil
	}
	return false, err
}

// newPayment makes the payment that a request asks for, with the exact prepay request.
func (w *Workers) newPayment(r events.PaymentRequest) (settled.Payment, error) {
	id, err := uuid.NewV7() // in the order of time: neighbours in the indexes of big tables
	if err != nil {
		return settled.Payment{}, fmt.Errorf("make a payment id: %w", err)
	}
	now := w.cfg.Now()
	p := settled.Payment{
		ID: id.String(), Merchant: r.Merchant, OrderID: r.OrderID, Status: settled.StatusRequested,
		TradeType:   settled.TradeType(r.TradeType),
		Amount:      settled.Money{Total: settled.Fen(r.Amount.Total), Currency: r.Amount.Currency},
		Description: r.Description, ClientIP: r.ClientIP, PayerOpenID: r.PayerOpenID, Attach: r.Attach,
		Metadata: r.Metadata, ExpiresAt: r.ExpiresAt, Fingerprint: r.Fingerprint(),
		DueAt: now.Add(lease), CreatedAt: now,
	}
	if p.ExpiresAt.IsZero() {
		p.ExpiresAt = now.Add(w.cfg.TTL)
	}
	p.PrepayRequest, err = w.cfg.Merchants[r.Merchant].Gateway.PrepayRequest(p)
	if err != nil {
		return settled.Payment{}, fmt.Errorf("write prepay request of %s/%s: %w", r.Merchant, r.OrderID, err)
	}
	return p, nil
}

// repeat answers a request that was recorded before: whoever asks again is told again
// what came of it, with the same event.
func (w *Workers) repeat(ctx context.Context, m events.Message, p settled.Payment) error {
	if w.aged(p) {
		return w.renew(ctx, m, p)
	}
	return w.tellAgain(ctx, m, p)
}

func (w *Workers) tellAgain(ctx context.Context, m events.Message, p settled.Payment) error {
	arrival, err := w.cfg.Ledger.Arrival(ctx, p)
	return w.repeatNews(ctx, m, arrival, err)
}

// repeatNews tells again what was told before, once err says that there is such news.
func (w *Workers) repeatNews(ctx context.Context, m events.Message, news settled.Event, err error) error {
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

// prepareAgain takes up a recorded payment that nobody got a prepay id for yet.
func (w *Workers) prepareAgain(ctx context.Context, p settled.Payment) error {
	if p.CloseAsked || !w.cfg.Now().Before(p.ExpiresAt) {
		return w.look(ctx, p) // nobody is to pay it any more; WeChat may have heard of it all the same
	}
	return w.obtain(ctx, p, func(settled.Event) {})
}

// obtain asks WeChat for the prepay id of a recorded payment and moves the payment by the
// answer. Asked twice, by two workers or after a crash, WeChat is sent the same bytes.
func (w *Workers) obtain(ctx context.Context, p settled.Payment, tell func(settled.Event)) error {
	prepared, err := w.cfg.Merchants[p.Merchant].Gateway.Prepay(ctx, p)
	var refusal *settled.Refusal
	switch {
	case err == nil:
		return w.prepared(ctx, p, prepared, tell)
	case errors.As(err, &refusal) && refusal.Contested:
		return w.contest(ctx, p, refusal, tell)
	case refusal != nil:
		return w.refused(ctx, p, refusal, tell)
	default:
		return w.tryLater(ctx, p, err, p.ExpiresAt)
	}
}

func (w *Workers) prepared(ctx context.Context, p settled.Payment, prepared settled.Prepared, tell func(settled.Event)) error {
	_, told, err := w.apply(ctx, p, settled.FactPrepared, func(p settled.Payment) (settled.Move, error) {
		return w.preparedMove(p, prepared)
	})
	if told != nil {
		tell(*told)
	}
	return err
}

func (w *Workers) refused(ctx context.Context, p settled.Payment, refusal *settled.Refusal, tell func(settled.Event)) error {
	_, told, err := w.apply(ctx, p, settled.FactRefused, func(p settled.Payment) (settled.Move, error) {
		return w.failedMove(p, refusal)
	})
	if told != nil {
		tell(*told)
	}
	return err
}

// contest asks what became of an order number that WeChat refuses for what it knows of
// it. An order that WeChat says was paid is never failed: if the query does not show it
// yet, it is asked again until the payment's time is up, and then closed with care.
func (w *Workers) contest(ctx context.Context, p settled.Payment, refusal *settled.Refusal, tell func(settled.Event)) error {
	trade, err := w.cfg.Merchants[p.Merchant].Gateway.Query(ctx, p)
	if err != nil {
		return w.tryLater(ctx, p, fmt.Errorf("query contested order: %w", err), p.ExpiresAt)
	}
	p.Attempts = contested(p.Attempts, p.Trouble, refusal)
	switch {
	case trade.Paid:
		return w.paid(ctx, p, trade)
	case refusal.Paid, !trade.Closed && p.Attempts < contests:
		return w.tryLater(ctx, p, refusal, p.ExpiresAt)
	default:
		return w.refused(ctx, p, refusal, tell)
	}
}

// contested is how often in a row this refusal has led to nothing. Tries whose outcome was
// unknown do not count: they say nothing about WeChat's books.
func contested(attempts int, trouble string, refusal *settled.Refusal) int {
	if said := (&settled.Refusal{Code: refusal.Code}).Error(); !strings.HasPrefix(trouble, said) {
		return 0
	}
	return attempts
}

// tryLater delays a payment whose call to WeChat had an unknown outcome: growing slower,
// for as long as WeChat asks to be left alone, but not beyond the time limit.
func (w *Workers) tryLater(ctx context.Context, p settled.Payment, cause error, limit time.Time) error {
	now := w.cfg.Now()
	dueAt := now.Add(retryPause(p.Attempts, cause))
	if now.Before(limit) && dueAt.After(limit) {
		dueAt = limit
	}
	return w.delay(ctx, settled.Delay{
		PaymentID: p.ID, Status: p.Status, DueAt: dueAt, Attempts: p.Attempts + 1,
	}, cause)
}
