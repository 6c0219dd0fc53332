package simulator

import (
	"errors"
	"slices"
	"sync"
	"time"
)

// order is what WeChat knows of one order number of one merchant.
type order struct {
	account *account
	number  string // out_trade_no
	terms   terms
	hearing hearing // of the notify that tells of the payment

	mu       sync.Mutex
	ticket   ticket
	until    time.Time // when the ticket dies
	closed   bool
	payment  payment // when charges is 1 or more
	charges  int     // how often the customer's money was taken: 0 or 1, or this package is wrong
	refunds  []*refund
	delivery delivery
}

// terms are what an order was placed with. They do not change.
type terms struct {
	content      string    // stands for all of it: a repeat has the same, any other request another
	trade        TradeType // "" under the legacy API, which knows the app alone
	openID       string    // the payer, if the merchant has to name one
	total        int64     // fen
	productFee   string    // fen, "" if not named
	transportFee string    // fen, "" if not named
	charset      string    // GBK or UTF-8
	deviceInfo   string    // "" if not named
	attach       string    // as it came, in charset
	notifyURL    string
	expiresAt    time.Time // zero for never
}

// TradeType is where the customer pays.
type TradeType string

// The trade types of APIv2 and APIv3.
const (
	APP    TradeType = "APP"    // in the merchant's own app
	JSAPI  TradeType = "JSAPI"  // in an official account or mini program
	Native TradeType = "NATIVE" // by a code that is shown
	MWEB   TradeType = "MWEB"   // in the telephone's browser (H5)
)

// delivery is what the merchant told of the goods.
type delivery struct {
	told      int // how often
	delivered bool
}

// State is where an order stands.
type State string

// The states of an order.
const (
	Unpaid   State = "unpaid"
	Paid     State = "paid"
	Closed   State = "closed"   // the merchant has closed it
	Expired  State = "expired"  // it can no longer be paid: time_expire has passed
	Refunded State = "refunded" // it was paid, and a refund was accepted, even if of a part
)

// Why an order can't be placed or closed.
var (
	errOtherContent = errors.New("out_trade_no was used with other content")
	errPaid         = errors.New("the order is paid")
	errClosed       = errors.New("the order is closed")
	errExpired      = errors.New("time_expire has passed")
)

func (t terms) expired(now time.Time) bool {
	return !t.expiresAt.IsZero() && !now.Before(t.expiresAt)
}

// state says where the order stands.
func (o *order) state(now time.Time) State {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case len(o.refunds) > 0:
		return Refunded
	case o.charges > 0:
		return Paid
	case o.closed:
		return Closed
	case o.terms.expired(now):
		return Expired
	}
	return Unpaid
}

// charge takes the customer's money, once and never again; times is how often it has been
// taken now.
func (o *order) charge(now time.Time) (p payment, times int, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.charges > 0:
		return payment{}, o.charges, &Declined{"the order is paid already"}
	case o.closed:
		return payment{}, o.charges, &Declined{"the order is closed"}
	case !now.Before(o.until):
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

// close sees to it that the order is not paid any more. It fails with errPaid, or with
// errClosed if it was closed before.
func (o *order) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.charges > 0:
		return errPaid
	case o.closed:
		return errClosed
	}
	o.closed = true
	return nil
}

// refunded returns the order's refunds, the oldest first.
func (o *order) refunded() []*refund {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.refunds)
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
