package simulator

import "time"

// ticket is what WeChat hands out to pay an order with.
type ticket struct {
	prepayID string
	codeURL  string // Native
	h5URL    string // MWEB
}

// names are all that the order can be found by.
func (t ticket) names() []string { return []string{t.prepayID, t.codeURL, t.h5URL} }

// How long a ticket can be paid with. The legacy document names no time; two hours are its
// successors'.
const (
	prepayLife = 2 * time.Hour
	h5Life     = 5 * time.Minute
)

func (t ticket) life() time.Duration {
	if t.h5URL != "" {
		return h5Life
	}
	return prepayLife
}

// ticket draws a prepay id of the published shape, wx, the time and twenty hex digits, and
// what a trade type of APIv2 and APIv3 has besides it or in its place.
func (s *Simulator) ticket(trade TradeType) ticket {
	t := ticket{prepayID: "wx" + s.cfg.Now().In(beijing).Format(compactTime) + s.dice.text(hex, 20)}
	switch trade {
	case Native:
		t.codeURL = "weixin://wxpay/bizpayurl?pr=" + s.dice.text(letters, 9)
	case MWEB:
		t.h5URL = "https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=" + t.prepayID +
			"&package=" + s.dice.text(digits, 10)
	case APP, JSAPI:
	}
	return t
}

// prepay gives an order its ticket, entering the order if it is new. The same request
// again has the same ticket for as long as that lives, so that a merchant who heard no
// answer can ask again, and a new one after that. Anything else fails with errOtherContent,
// errPaid, errClosed or errExpired.
func (s *Simulator) prepay(a *account, number string, t terms, issue func() ticket) (ticket, error) {
	now := s.cfg.Now()
	o := s.book.find(a, number)
	if o == nil {
		if t.expired(now) {
			return ticket{}, errExpired
		}
		o = s.book.place(&order{account: a, number: number, terms: t})
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.terms.content != t.content:
		s.tally.otherContent.Add(1)
		return ticket{}, errOtherContent
	case o.charges > 0:
		return ticket{}, errPaid
	case o.closed:
		return ticket{}, errClosed
	case !now.Before(o.until):
		s.book.forget(o.ticket)
		o.ticket = issue()
		o.until = now.Add(o.ticket.life())
		s.book.issue(o.ticket, o)
	}
	return o.ticket, nil
}
