package crash

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"settled/wechat/simulator"
)

// plan is what becomes of an order, if nothing goes wrong and if everything does.
type plan struct {
	pays     time.Duration // after it could
	silent   bool          // WeChat never sends a notify of it
	late     bool          // WeChat sends its notify late
	leaves   bool          // the customer never pays, and the order expires
	again    bool          // the shop asks for it twice at once, and once more when it can be paid
	returns  bool          // the app says that its user is back
	refused  bool          // WeChat refuses it
	refunds  int           // how often the shop gives a part of the money back
	declines bool          // WeChat can't pay the refunds out
}

// plans are given to orders of every merchant, each once in a round.
var plans = []plan{
	{},
	{silent: true, pays: 1200 * time.Millisecond},
	{refunds: 1},
	{leaves: true},
	{again: true},
	{returns: true},
	{late: true, pays: 100 * time.Millisecond},
	{silent: true, refunds: 2},
	{refused: true},
	{refunds: 1, declines: true},
	{pays: 3 * time.Second},
	{again: true, returns: true, pays: 500 * time.Millisecond},
}

const (
	expiresIn = 9 * time.Second
	lateBy    = 6 * time.Second
)

// round is how many orders it takes until every merchant has had every plan.
var round = len(plans) * len(merchants)

// order is one order, as the shop and a plain subscriber see it.
type order struct {
	plan
	id       string
	merchant string
	trade    string
	total    int
	overHTTP bool

	expires  time.Time
	prepared chan payable // what the customer needs, once
	over     chan struct{}
	// What has happened; the shop's lock holds.
	told        map[string]map[string]bool // by event type: the ce-ids seen
	turnedAway  bool                       // it was too late before anybody had heard of it
	paid, ended bool
}

// payable is what payment.prepared gives to the customer.
type payable struct {
	OrderID  string            `json:"order_id"`
	RefundID string            `json:"refund_id"`
	Client   map[string]string `json:"client"`
	CodeURL  string            `json:"code_url"`
	H5URL    string            `json:"h5_url"`
}

// newOrder makes the order with a number, after a pattern: its place in the round.
func newOrder(number, pattern int) *order {
	o := &order{
		id: fmt.Sprintf("crash%06d", number), merchant: merchants[pattern%len(merchants)], trade: "APP",
		total: 300 + number, overHTTP: pattern%2 == 1, plan: plans[pattern/len(merchants)],
		prepared: make(chan payable, 1), over: make(chan struct{}), told: map[string]map[string]bool{},
	}
	if o.merchant == classic { // its protocol knows no refund
		o.refunds, o.declines = 0, false
	} else {
		o.trade = []string{"APP", "JSAPI", "NATIVE", "H5"}[pattern/len(merchants)%4]
	}
	if o.refused = o.refused && o.merchant == shop2; o.refused {
		o.trade = "JSAPI"
	}
	if o.leaves {
		o.expires = time.Now().Add(expiresIn).Truncate(time.Second)
	}
	return o
}

// faults are what WeChat does wrong with the order.
func (o *order) faults() simulator.Switches {
	var s simulator.Switches
	if o.silent {
		s.Notify.Silent = 1
	}
	if o.late {
		s.Notify.Late, s.Notify.LateBy = 1, simulator.Duration(lateBy)
	}
	if o.declines {
		s.Gateway.RefundFails = 1
	}
	return s
}

// request is the body of payment.requested.
func (o *order) request() []byte {
	fields := map[string]any{
		"merchant": o.merchant, "order_id": o.id, "amount": map[string]any{"total": o.total}, "description": "One pot of tea",
		"trade_type": o.trade, "client_ip": "203.0.113.7",
	}
	switch {
	case o.refused: // few enough characters for us, too many bytes for WeChat
		fields["payer"] = map[string]any{"openid": strings.Repeat("茶", 100)}
	case o.trade == "JSAPI":
		fields["payer"] = map[string]any{"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}
	}
	if o.leaves {
		fields["expires_at"] = o.expires.Format(time.RFC3339)
	}
	return written(fields)
}

// refund is the body of refund.requested, of a third of the money.
func (o *order) refund(nth int) []byte {
	return written(map[string]any{
		"merchant": o.merchant, "order_id": o.id, "refund_id": o.refundID(nth), "reason": "The tea was cold",
		"amount": map[string]any{"refund": o.total / 3, "total": o.total, "currency": "CNY"},
	})
}

func (o *order) refundID(nth int) string { return fmt.Sprintf("%s-R%d", o.id, nth) }

// written is JSON; nothing that is written here has no words in it.
func written(value any) []byte {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return data
}

// count is with how many ce-ids an event was told.
func (o *order) count(event string) int { return len(o.told[event]) }

// rightEnd is the event with which the order has to end.
func (o *order) rightEnd() string {
	switch {
	case o.leaves && o.count("payment.failed") > 0 && o.count("payment.prepared") == 0:
		return "payment.failed" // its time was up before WeChat first heard of it, which refused it
	case o.leaves:
		return "payment.closed"
	case o.refused:
		return "payment.failed"
	default:
		return "payment.completed"
	}
}

// rightRefund is the event with which its refunds have to end.
func (o *order) rightRefund() string {
	if o.declines {
		return "refund.failed"
	}
	return "refund.completed"
}

// hasEnded reports whether the order is where it has to come to, or can't come there.
func (o *order) hasEnded() bool {
	if o.turnedAway || o.count("payment.rejected")+o.count("refund.rejected") > 0 {
		return true
	}
	return o.count(o.rightEnd()) > 0 && o.count("refund.completed")+o.count("refund.failed") >= o.refunds
}
