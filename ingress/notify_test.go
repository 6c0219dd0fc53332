package ingress_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled"
	"settled/events"
)

// What a notify tells of stands in it, whichever of the two addresses it comes to.
func TestANotifyIsAnsweredOnceItIsCommitted(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		news          settled.News
		kind, orderID string
	}{
		"of a payment":      {settled.News{Trade: &settled.Trade{OrderID: "order001"}}, events.NotifyPayment, "order001"},
		"of a refund":       {settled.News{Repayment: &settled.Repayment{OrderID: "order001", RefundID: "R1"}}, events.NotifyRefund, "order001"},
		"of something else": {settled.News{Type: "PAYSCORE.USER_PAID"}, events.NotifyPayment, ""},
	} {
		for _, path := range []string{"/notify/shop3", "/notify/shop3/refund"} {
			t.Run(name+" to "+path, func(t *testing.T) {
				t.Parallel()
				d := newDesk(t)
				d.wechat.news = test.news
				d.tells(events.Reply{Kind: events.ReplyCommitted})
				got := d.call(http.MethodPost, path+"?a=1&b=%20", []byte("signed"),
					"Authorization", "", "Wechatpay-Signature", "s", "X-Forwarded-For", "203.0.113.7", "Content-Type", "text/xml")
				if got.status != http.StatusOK || got.text != "success" {
					t.Errorf("answered %d %q", got.status, got.text)
				}
				e := d.bus.published[0]
				if e.Type != events.NotifyReceived || e.Merchant != "shop3" || e.OrderID != test.orderID || e.ReplyTo != "inbox" {
					t.Errorf("published %+v", e)
				}
				var n events.Notify
				if err := json.Unmarshal(e.Data, &n); err != nil {
					t.Fatal(err)
				}
				received, err := time.Parse(time.RFC3339Nano, n.ReceivedAt)
				if err != nil || !received.Equal(d.wechat.read[0].ReceivedAt) {
					t.Errorf("received at %s, verified as of %s", n.ReceivedAt, d.wechat.read[0].ReceivedAt)
				}
				n.ReceivedAt = ""
				want := events.Notify{
					Merchant: "shop3", Kind: test.kind, Method: "POST", Query: "a=1&b=%20", Body: []byte("signed"),
					Headers: map[string][]string{"Wechatpay-Signature": {"s"}, "Content-Type": {"text/xml"}},
				}
				if diff := cmp.Diff(want, n); diff != "" {
					t.Errorf("published (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestANotifyThatIsNotCommittedIsNotAnsweredWithSuccess(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		begin  func(d *desk)
		path   string
		body   []byte
		status int
		text   string
	}{
		"forged": {func(d *desk) { d.wechat.err = settled.ErrUnverified }, "/notify/shop3/refund", nil, 401, "unverified"},
		"the stream is away": {
			func(d *desk) { d.bus.err = settled.ErrUnavailable }, "/notify/shop3/refund", nil, 500, "busy",
		},
		"no worker": {func(d *desk) { d.cfg.Patience = 50 * time.Millisecond }, "/notify/shop3/refund", nil, 500, "busy"},
		"a worker that has not committed it": {
			func(d *desk) { d.tells(events.Reply{Kind: events.ReplyRecorded}) }, "/notify/shop3/refund", nil, 500, "busy",
		},
		"of nobody": {func(*desk) {}, "/notify/shop9/refund", nil, 404, ""},
		"256 KiB and a byte": {
			func(*desk) {}, "/notify/shop3/refund", bytes.Repeat([]byte(" "), 256<<10+1), 413, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			d.wechat.news = settled.News{Repayment: &settled.Repayment{OrderID: "order001", RefundID: "R1"}}
			test.begin(d)
			got := d.call(http.MethodPost, test.path, test.body)
			if got.status != test.status || test.text != "" && got.text != test.text {
				t.Errorf("answered %d %q, want %d", got.status, got.text, test.status)
			}
		})
	}
	if got := newDesk(t).call(http.MethodGet, "/notify/shop3/refund", nil); got.status != http.StatusMethodNotAllowed {
		t.Errorf("another method: %d", got.status)
	}
}

func TestAStoredNotifyIsAnsweredOnceTheStreamHasIt(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.cfg.Stored = true
	d.wechat.news = settled.News{Repayment: &settled.Repayment{OrderID: "order001", RefundID: "R1"}}
	if got := d.call(http.MethodPost, "/notify/shop3/refund", nil); got.text != "success" || len(d.bus.published) != 1 {
		t.Errorf("answered %d %q, published %d", got.status, got.text, len(d.bus.published))
	}
}
