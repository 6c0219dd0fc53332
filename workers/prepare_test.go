package workers_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled"
	"settled/events"
)

var (
	saidPaid = &settled.Refusal{Code: "ORDERPAID", Message: "paid", Contested: true, Paid: true}
	saidUsed = &settled.Refusal{Code: "OUT_TRADE_NO_USED", Message: "used", Contested: true}
	silence  = &settled.Unknown{Code: "timeout"}
)

func TestAContestedOrderIsDecidedByTheQuery(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		refusal *settled.Refusal
		trade   settled.Trade
		want    []settled.Status // after the request, and after each look
	}{
		"paid":                     {saidPaid, paid(), []settled.Status{"completed"}},
		"used, and paid":           {saidUsed, paid(), []settled.Status{"completed"}},
		"said paid, and not shown": {saidPaid, settled.Trade{}, []settled.Status{"requested", "requested", "requested", "requested", "requested"}},
		"used, and not paid":       {saidUsed, settled.Trade{}, []settled.Status{"requested", "requested", "failed"}},
		"closed":                   {saidUsed, settled.Trade{Closed: true}, []settled.Status{"failed"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.wechat.will("prepay", says{err: test.refusal})
			w.wechat.will("query", says{trade: test.trade})
			w.done(events.PaymentRequested, request("order001"))
			for i, want := range test.want {
				if i > 0 {
					w.comes("prepare", "payments", w.payment("order001").ID)
				}
				w.stands("order001", want, "prepay", "query")
			}
		})
	}
}

// A call whose outcome is unknown is no answer: it must not use up the tries that a
// contested number has.
func TestAContestedOrderHasItsTriesHoweverManyOutcomesWereUnknownBefore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wechat.will("prepay", says{err: silence}, says{err: silence}, says{err: silence}, says{err: saidUsed})
	w.wechat.will("query", says{})
	w.done(events.PaymentRequested, request("order001"))
	p := w.payment("order001")
	for _, want := range []settled.Status{"requested", "requested", "requested", "requested", "failed"} {
		w.comes("prepare", "payments", p.ID)
		if got := w.payment("order001"); got.Status != want {
			t.Fatalf("%s, want %s; %d attempts, %q", got.Status, want, got.Attempts, got.Trouble)
		}
	}
}

func TestAContestedOrderThatTheQuerySaysNothingOfIsNotFailed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wechat.will("prepay", says{err: saidUsed})
	w.wechat.will("query", says{err: silence})
	w.done(events.PaymentRequested, request("order001"))
	for range 4 {
		w.comes("prepare", "payments", w.payment("order001").ID)
	}
	if p := w.payment("order001"); p.Status != settled.StatusRequested {
		t.Errorf("%s although WeChat never answered the query", p.Status)
	}
}

func TestAnUnknownOutcomeSendsTheSameBytesAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wechat.will("prepay", says{err: silence}, says{prepared: settled.Prepared{PrepayID: "wx1"}})
	w.done(events.PaymentRequested, request("order001"))
	p := w.stands("order001", settled.StatusRequested, "prepay")
	if p.Attempts != 1 || p.Trouble == "" {
		t.Errorf("after an unknown outcome: %d attempts, trouble %q", p.Attempts, p.Trouble)
	}
	w.ahead.Add(int64(time.Minute)) // the clock goes on, the bytes stay
	w.comes("prepare", "payments", p.ID)
	w.stands("order001", settled.StatusPrepared, "prepay")
	sent := w.wechat.bytes("prepay")
	if len(sent) != 2 || sent[0] != sent[1] || sent[0] != string(p.PrepayRequest) {
		t.Errorf("sent %q, recorded %q", sent, p.PrepayRequest)
	}
}

func TestWhoRequestsIsToldWhatIsRecordedAndWhatCameOfIt(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer says
		want   []string
	}{
		"prepared": {says{prepared: settled.Prepared{PrepayID: "wx1"}}, []string{"recorded", "payment.prepared"}},
		"refused":  {says{err: &settled.Refusal{Code: "NOAUTH"}}, []string{"recorded", "payment.failed"}},
		"unknown":  {says{err: silence}, []string{"recorded"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.wechat.will("prepay", test.answer)
			w.done(events.PaymentRequested, request("order001"))
			if diff := cmp.Diff(test.want, w.bus.heard()); diff != "" {
				t.Errorf("replies (-want +got):\n%s", diff)
			}
		})
	}
}

// Whoever writes into a name what no database holds has made a mistake, and hears of it.
func TestANameThatNobodyCanStoreIsRejected(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, field := range []string{"merchant", "order_id"} {
		payment, refund := request("order001"), refundRequest("order001", "R1", 1)
		payment[field], refund[field] = "sh\x00op", "sh\x00op"
		w.done(events.PaymentRequested, payment)
		w.done(events.RefundRequested, refund)
		if diff := cmp.Diff([]string{events.PaymentRejected, events.RefundFailed}, w.bus.heard()); diff != "" {
			t.Errorf("%s: replies (-want +got):\n%s", field, diff)
		}
	}
}
