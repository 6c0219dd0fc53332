package simulator

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// protocol is one of WeChat's APIs, as far as the customer and the notifies need it. What
// merchants call is the protocol's own business; it serves that through
// Simulator.gateway and enters orders through Simulator.prepay. One that can refund is a
// refunder, and enters refunds through Simulator.refund.
type protocol interface {
	// open takes a merchant in.
	open(m Merchant) (*account, error)
	// register serves the protocol's own paths.
	register(mux *http.ServeMux)
	// checkClient checks what the app hands to WeChat's SDK, as the WeChat app does.
	checkClient(o *order, client map[string]string) error
	// settle makes up what WeChat keeps of a payment: its number, the payer, the bank.
	settle(o *order, at time.Time) payment
	// notify spells one notify of a payment.
	notify(ctx context.Context, o *order, told lies) (*http.Request, error)
	// heard reports whether an answer stops the notifies.
	heard(status int, body []byte) bool
	// schedule holds the pauses between the sendings, as the document gives them.
	schedule() []time.Duration
}

// openAccounts takes in the merchants, and serves the protocols that they speak.
func (s *Simulator) openAccounts() error {
	v2 := newV2(s)
	protocols := map[string]protocol{
		Legacy: s.legacy,
		V2:     v2,
	}
	spoken := map[string]bool{}
	for _, merchant := range s.cfg.Merchants {
		p, ok := protocols[merchant.Protocol]
		if !ok {
			return fmt.Errorf("protocol %s is not spoken", merchant.Protocol)
		}
		a, err := p.open(merchant)
		if err != nil {
			return fmt.Errorf("merchant %s: %w", merchant.Name, err)
		}
		s.accounts = append(s.accounts, a)
		if !spoken[merchant.Protocol] {
			p.register(s.mux)
			spoken[merchant.Protocol] = true
		}
	}
	s.mux.Handle("/pay/orderquery", orderqueries(spoken, s.legacy.queries(), v2.queries()))
	return nil
}

// orderqueries shares a path that stands for one thing on the host of the legacy API and
// for another on that of APIv2: where both are spoken, whoever brings an access token means
// the former.
func orderqueries(spoken map[string]bool, legacy, v2 http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case spoken[Legacy] && (!spoken[V2] || r.URL.Query().Has("access_token")):
			legacy.ServeHTTP(w, r)
		case spoken[V2]:
			v2.ServeHTTP(w, r)
		default:
			http.NotFound(w, r)
		}
	})
}

// lies are what is wrong with one notify.
type lies struct {
	amount, signature, partner bool
	probe                      bool // APIv3: WECHATPAY/SIGNTEST/ in place of a signature
}

// payment is what WeChat keeps of the money that came in. It does not change.
type payment struct {
	transactionID string
	at            time.Time
	openID        string
	bankType      string
	bankBillNo    string // legacy
	notifyID      string // legacy
}

// beijing is the time zone of everything that WeChat writes without one.
var beijing = time.FixedZone("GMT+8", 8*60*60)

// compactTime is how WeChat writes a time without a zone: yyyyMMddHHmmss, GMT+8.
const compactTime = "20060102150405"
