package simulator

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// refund is what WeChat knows of one refund number of one merchant. Whatever changes is
// kept by the order's lock.
type refund struct {
	order      *order
	number     string // out_refund_no
	id         string // WeChat's own number
	terms      refundTerms
	acceptedAt time.Time
	refunder   refunder
	hearing    hearing // of the notify that tells how it ended

	state       RefundState
	endedAt     time.Time // zero while it is processing
	completions int       // how often the customer got the money: 0 or 1, or this package is wrong
}

// refundTerms are what a refund was asked for with. They do not change.
type refundTerms struct {
	content   string // stands for all of it: a repeat has the same, any other request another
	amount    int64  // fen
	reason    string
	account   string // where the money is to be taken from, "" if not named
	notifyURL string // "" for no notify
}

// refunder is a protocol that can refund.
type refunder interface {
	// notifyRefund spells one notify of how a refund has ended.
	notifyRefund(ctx context.Context, r *refund, told lies) (*http.Request, error)
}

// RefundState is where a refund stands.
type RefundState string

// The states of a refund.
const (
	RefundProcessing RefundState = "processing"
	RefundSucceeded  RefundState = "succeeded" // the customer has the money
	RefundClosed     RefundState = "closed"    // it was given up, and the money stays with the merchant
	RefundAbnormal   RefundState = "abnormal"  // it can't be paid out: somebody has to say where to
)

// maxRefunds is how many refunds one order may have.
const maxRefunds = 50

// Why a refund is not accepted.
var (
	errRefundOther   = errors.New("out_refund_no was used with other content")
	errRefundUnpaid  = errors.New("the order is not paid")
	errRefundTooMuch = errors.New("the refunds come to more than was paid")
	errRefundTooMany = errors.New("the order has 50 refunds")
)

// refund accepts a refund of an order, and begins it. The same request again finds the
// refund there is, so that a merchant who heard no answer can ask again. Anything else fails
// with one of the errors above.
func (s *Simulator) refund(by refunder, o *order, number string, t refundTerms, newID func() string) (*refund, error) {
	s.tally.refundsRequested.Add(1)
	r, first, err := s.accept(&refund{order: o, number: number, terms: t, refunder: by, state: RefundProcessing}, newID)
	if err != nil || !first {
		return r, err
	}
	s.tally.refundsAccepted.Add(1)
	s.begin(r)
	return r, nil
}

// accept enters the refund; first is false if it was accepted before.
func (s *Simulator) accept(r *refund, newID func() string) (accepted *refund, first bool, err error) {
	o := r.order
	o.mu.Lock()
	defer o.mu.Unlock()
	if before := s.book.findRefund(o.account, r.number); before != nil {
		return before, false, before.repeats(r)
	}
	active, held := 0, int64(0)
	for _, other := range o.refunds {
		if other.state != RefundClosed {
			active, held = active+1, held+other.terms.amount
		}
	}
	switch {
	case o.charges == 0:
		return nil, false, errRefundUnpaid
	case held+r.terms.amount > o.terms.total:
		return nil, false, errRefundTooMuch
	case active >= maxRefunds:
		return nil, false, errRefundTooMany
	}
	r.id, r.acceptedAt = newID(), s.cfg.Now()
	if taken := s.book.placeRefund(r); taken != r {
		return taken, false, taken.repeats(r)
	}
	o.refunds = append(o.refunds, r)
	return r, true, nil
}

// repeats fails unless the other one is the same request once more.
func (r *refund) repeats(other *refund) error {
	if r.order != other.order || r.terms.content != other.terms.content {
		return errRefundOther
	}
	return nil
}

// begin has the refund end as the switches say.
func (s *Simulator) begin(r *refund) {
	faults, end := s.switches.of(r.order.number).Gateway, RefundSucceeded
	switch {
	case s.dice.chance(faults.RefundHangs):
		return
	case s.dice.chance(faults.RefundFails):
		end = RefundClosed
	case s.dice.chance(faults.RefundAbnormal):
		end = RefundAbnormal
	}
	if s.dice.chance(faults.RefundAtOnce) {
		s.end(r, end)
		return
	}
	s.agenda.after(s.compressed(s.cfg.RefundAfter), func() { s.end(r, end) })
}

// end ends a refund and begins to tell the merchant of it; false if it had ended.
func (s *Simulator) end(r *refund, state RefundState) bool {
	times, tooMuch, ended := r.end(state, s.cfg.Now())
	if !ended {
		return false
	}
	s.tally.refunded(state, times, tooMuch)
	r.hearing.anew()
	if r.terms.notifyURL != "" {
		s.notifier.announce(r)
	}
	return true
}

// end moves a refund that is processing, or one that was abnormal and is mended. times is
// how often the customer has got the money now, tooMuch whether more than was paid is back.
func (r *refund) end(state RefundState, now time.Time) (times int, tooMuch, ended bool) {
	r.order.mu.Lock()
	defer r.order.mu.Unlock()
	mended := r.state == RefundAbnormal && state == RefundSucceeded
	if r.state != RefundProcessing && !mended {
		return r.completions, false, false
	}
	r.state, r.endedAt = state, now
	if state == RefundSucceeded {
		r.completions++
	}
	back := int64(0)
	for _, other := range r.order.refunds {
		back += int64(other.completions) * other.terms.amount
	}
	return r.completions, back > r.order.terms.total, true
}

// stands says where the refund stands, and since when if it has ended.
func (r *refund) stands() (state RefundState, endedAt time.Time) {
	r.order.mu.Lock()
	defer r.order.mu.Unlock()
	return r.state, r.endedAt
}

func (r *refund) about() (a *account, number, refund string) {
	return r.order.account, r.order.number, r.number
}

func (r *refund) spell(ctx context.Context, told lies) (*http.Request, error) {
	return r.refunder.notifyRefund(ctx, r, told)
}

func (r *refund) heard() *hearing { return &r.hearing }
