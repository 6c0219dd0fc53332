package simulator

import (
	"errors"
	"sync"
	"time"
)

// order is what WeChat knows of one order number of one merchant.
type order struct {
	account *account
	number  string // out_trade_no
	terms   terms

	mu           sync.Mutex
	prepayID     string
	prepayUntil  time.Time
	payment      payment // when charges is 1 or more
	charges      int     // how often the customer's money was taken: 0 or 1, or this package is wrong
	notifies     int     // sent
	acknowledged bool    // a notify was answered with success
	abandoned    bool    // the last notify of the schedule was not
	delivery     delivery
}

// terms are what an order was placed with. They do not change.
type terms struct {
	content      string // stands for all of it: a repeat has the same, any other request another
	total        int64  // fen
	productFee   string // fen, "" if not named
	transportFee string // fen, "" if not named
	charset      string // GBK or UTF-8
	attach       string // as it came, in charset
	notifyURL    string
	expiresAt    time.Time // zero for never
}

// delivery is what the merchant told of the goods.
type delivery struct {
	told      int // how often
	delivered bool
}

// prepayLife is how long a prepay id can be paid with. The legacy document names no
// time; this is its successors'.
const prepayLife = 2 * time.Hour

// Why an order can't be placed.
var (
	errOtherContent = errors.New("out_trade_no was used with other content")
	errPaid         = errors.New("the order is paid")
	errExpired      = errors.New("time_expire has passed")
)

func (t terms) expired(now time.Time) bool {
	return !t.expiresAt.IsZero() && !now.Before(t.expiresAt)
}

// prepay gives an order its prepay id, entering the order if it is new. The same request
// again has the same id for as long as that lives, so that a merchant who heard no answer
// can ask again. Anything else fails with one of the errors above.
func (s *Simulator) prepay(a *account, number string, t terms, newID func() string) (string, error) {
	now := s.cfg.Now()
	o := s.book.find(a, number)
	if o == nil {
		if t.expired(now) {
			return "", errExpired
		}
		o = s.book.place(&order{account: a, number: number, terms: t})
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.terms.content != t.content:
		return "", errOtherContent
	case o.charges > 0:
		return "", errPaid
	case !now.Before(o.prepayUntil):
		s.book.forget(o.prepayID)
		o.prepayID, o.prepayUntil = newID(), now.Add(prepayLife)
		s.book.issue(o.prepayID, o)
	}
	return o.prepayID, nil
}

// charge takes the customer's money, once and never again; times is how often it has been
// taken now.
func (o *order) charge(now time.Time) (p payment, times int, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.charges > 0:
		return payment{}, o.charges, &Declined{"the order is paid already"}
	case !now.Before(o.prepayUntil):
		return payment{}, o.charges, &Declined{"the prepay id has expired"}
	case o.terms.expired(now):
		return payment{}, o.charges, &Declined{"time_expire has passed"}
	}
	o.charges++
	o.payment = o.account.protocol.settle(o, now)
	return o.payment, o.charges, nil
}

// paid returns the order's payment; false if there is none.
func (o *order) paid() (payment, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.payment, o.charges > 0
}

// answered records a notify that was sent; first is true for the one that was heard first.
func (o *order) answered(heard bool) (first bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.notifies++
	first = heard && !o.acknowledged
	o.acknowledged = o.acknowledged || heard
	return first
}

// notified reports whether a notify was heard, so that there is nothing to repeat.
func (o *order) notified() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.acknowledged
}

// abandon records that no notify will follow; false if one was heard after all.
func (o *order) abandon() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.abandoned = !o.acknowledged
	return o.abandoned
}

// deliver records what the merchant told of the goods; first is true when they are
// delivered by it.
func (o *order) deliver(delivered bool) (first bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	first = delivered && !o.delivery.delivered
	o.delivery.told++
	o.delivery.delivered = o.delivery.delivered || delivered
	return first
}
