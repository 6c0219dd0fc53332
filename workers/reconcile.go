package workers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"settled"
	"settled/events"
)

// aftercare is when WeChat is asked about a closed payment: money that was on its way
// when time was up must not be lost because no notify ever came. One pause after another.
var aftercare = []time.Duration{time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour}

const (
	// glance is when WeChat is asked once more after the app's user came back from paying
	// and WeChat did not know of it yet.
	glance = 3 * time.Second
	// dispute is how often WeChat is asked about a payment that it says was paid in a way
	// that disagrees with the order: a person is looking at it.
	dispute = time.Hour
)

// reconcile is the pool that asks WeChat itself: on the query schedule, at expiry, after
// a close, and when the app says that its user is back.
func (w *Workers) reconcile(ctx context.Context) error {
	return all(ctx,
		func(ctx context.Context) error {
			return w.consume(ctx, "reconcile", events.PaymentReturned, w.returned)
		},
		func(ctx context.Context) error { return w.due(ctx, settled.StatusPrepared, w.newShares(), w.look) },
		func(ctx context.Context) error { return w.due(ctx, settled.StatusClosed, w.newShares(), w.look) })
}

// returned takes one payment.returned. It is only a hint: WeChat is asked.
func (w *Workers) returned(ctx context.Context, m events.Message) error {
	r, err := events.ParseReturn(m.Data)
	if err != nil {
		return events.Park(err)
	}
	p, err := w.find(ctx, r)
	if errors.Is(err, settled.ErrNotFound) && m.Attempt < 4 {
		return events.Later(err, time.Duration(m.Attempt)*time.Second) // its request may be behind it
	}
	if errors.Is(err, settled.ErrNotFound) {
		return events.Park(err)
	}
	if err != nil {
		return err
	}
	if err := w.hint(ctx, p); err != nil {
		return err
	}
	return w.glanceAgain(ctx, p)
}

func (w *Workers) find(ctx context.Context, r events.Return) (settled.Payment, error) {
	if r.PaymentID != "" {
		return w.cfg.Ledger.PaymentByID(ctx, r.PaymentID)
	}
	return w.cfg.Ledger.Payment(ctx, r.Merchant, r.OrderID)
}

// glanceAgain brings the next query of a payment that is still unpaid nearer: its user
// came back from paying, and WeChat needs a moment.
func (w *Workers) glanceAgain(ctx context.Context, before settled.Payment) error {
	p, err := w.cfg.Ledger.PaymentByID(ctx, before.ID)
	if err != nil {
		return err
	}
	soon := w.cfg.Now().Add(glance)
	if p.Status != settled.StatusPrepared || p.DueAt.Before(soon) || p.Trouble != "" {
		return nil
	}
	return w.delay(ctx, settled.Delay{PaymentID: p.ID, Status: p.Status, DueAt: soon, Attempts: p.Attempts}, nil)
}

// look asks WeChat about a payment and does what the answer means, through the very same
// moves as a notify.
func (w *Workers) look(ctx context.Context, p settled.Payment) error {
	if !w.worthAsking(p) {
		return nil
	}
	gateway := w.cfg.Merchants[p.Merchant].Gateway
	trade, err := gateway.Query(ctx, p)
	switch {
	case err != nil:
		return w.askLater(ctx, p, fmt.Errorf("query order: %w", err))
	case trade.Paid:
		return w.paid(ctx, p, trade)
	case p.Status == settled.StatusClosed && !w.claimed(p):
		return nil // a hint takes none of the few questions that it has
	case p.Status == settled.StatusClosed:
		return w.delay(ctx, settled.Delay{PaymentID: p.ID, Status: p.Status, DueAt: w.nextCare(p), Attempts: p.Attempts + 1}, nil)
	case trade.Closed:
		return w.close(ctx, p, w.endedBy(p))
	case !p.CloseAsked && w.cfg.Now().Before(p.ExpiresAt):
		return w.delay(ctx, settled.Delay{PaymentID: p.ID, Status: p.Status, DueAt: w.nextQuery(p)}, nil)
	default:
		return w.expire(ctx, p, gateway)
	}
}

// claimed reports whether a payment is looked at because its time had come, and is leased
// for that. Any other look is somebody's hint.
func (w *Workers) claimed(p settled.Payment) bool {
	return !p.DueAt.IsZero() && !p.DueAt.After(w.cfg.Now().Add(lease))
}

// worthAsking reports whether WeChat's answer could move the payment. A requested one is
// on its way to a prepay id and nobody can have paid it, unless its time is up or an operator
// wants it closed.
func (w *Workers) worthAsking(p settled.Payment) bool {
	if w.cfg.Merchants[p.Merchant].Gateway == nil {
		return false // another process serves this merchant
	}
	switch p.Status {
	case settled.StatusPrepared, settled.StatusClosed:
		return true
	case settled.StatusRequested:
		return p.CloseAsked || !w.cfg.Now().Before(p.ExpiresAt)
	case settled.StatusCompleted, settled.StatusFailed:
		return false
	}
	return false
}

// askLater delays a payment that WeChat gave no answer for. An outage must not use up the
// few questions that a closed payment has.
func (w *Workers) askLater(ctx context.Context, p settled.Payment, cause error) error {
	if p.Status != settled.StatusClosed {
		return w.tryLater(ctx, p, cause, p.ExpiresAt)
	}
	return w.delay(ctx, settled.Delay{
		PaymentID: p.ID, Status: p.Status, DueAt: w.cfg.Now().Add(jitter(longestRetry)), Attempts: p.Attempts,
	}, cause)
}

// paid completes a payment that a query found paid. One that disagrees is flagged and
// stays open: it is neither unpaid nor paid.
func (w *Workers) paid(ctx context.Context, p settled.Payment, t settled.Trade) error {
	if err := w.complete(ctx, p, t, settled.FromQuery); err != nil {
		return err
	}
	if reason, detail := settled.Disagreement(p, t); reason != "" && p.Status != settled.StatusCompleted {
		return w.delay(ctx, settled.Delay{
			PaymentID: p.ID, Status: p.Status, DueAt: w.cfg.Now().Add(jitter(dispute)), Attempts: p.Attempts + 1,
		}, &disagreement{reason, detail})
	}
	return nil
}

// expire closes a payment that WeChat says is unpaid, and whose time is up or which an operator
// wants closed: first at WeChat, so that nobody can pay it any more, and then, when WeChat has
// been asked once more, here. A payment that was paid between the two is completed.
func (w *Workers) expire(ctx context.Context, p settled.Payment, gateway settled.Gateway) error {
	closing := gateway.Close(ctx, p)
	var refusal *settled.Refusal
	paid := errors.As(closing, &refusal) && refusal.Contested
	if closing != nil && !paid {
		return w.askLater(ctx, p, fmt.Errorf("close order: %w", closing))
	}
	trade, err := gateway.Query(ctx, p)
	switch {
	case err != nil:
		return w.askLater(ctx, p, fmt.Errorf("query order after its close: %w", err))
	case trade.Paid:
		return w.paid(ctx, p, trade)
	case paid:
		return w.askLater(ctx, p, fmt.Errorf("close order: %w", closing))
	default:
		return w.close(ctx, p, w.endedBy(p))
	}
}

func (w *Workers) close(ctx context.Context, p settled.Payment, reason settled.CloseReason) error {
	_, _, err := w.apply(ctx, p, settled.FactClosed, func(p settled.Payment) (settled.Move, error) {
		return w.closedMove(p, reason)
	})
	return err
}

// endedBy says why an order is closed: time was up, or an operator wanted it, or somebody at
// the shop closed it on WeChat's merchant platform.
func (w *Workers) endedBy(p settled.Payment) settled.CloseReason {
	if p.CloseAsked || w.cfg.Now().Before(p.ExpiresAt) {
		return settled.Requested
	}
	return settled.Expired
}

// firstQuery is when WeChat is first asked about a payment that is being prepared now.
func (w *Workers) firstQuery(p settled.Payment) time.Time {
	p.PreparedAt = w.cfg.Now()
	return w.nextQuery(p)
}

// nextQuery is when WeChat is next asked about a prepared payment: by the schedule, and
// at expiry at the latest.
func (w *Workers) nextQuery(p settled.Payment) time.Time {
	now := w.cfg.Now()
	var offset time.Duration
	for _, offset = range w.cfg.QuerySchedule {
		if at := p.PreparedAt.Add(offset); at.After(now) {
			return earlier(at, p.ExpiresAt)
		}
	}
	return earlier(now.Add(max(offset, time.Second)), p.ExpiresAt)
}

// nextCare is when WeChat is next asked about a closed payment; zero when it was asked
// often enough.
func (w *Workers) nextCare(p settled.Payment) time.Time {
	if p.Attempts+1 >= len(aftercare) {
		return time.Time{}
	}
	return w.cfg.Now().Add(jitter(aftercare[p.Attempts+1]))
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
