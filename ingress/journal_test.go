package ingress_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"settled"
	"settled/events"
	"settled/ingress"
)

func TestTheJournalHearsWhatWeChatHeard(t *testing.T) {
	t.Parallel()
	ofPayment := settled.News{Trade: &settled.Trade{OrderID: "order001"}}
	ofRefund := settled.News{Repayment: &settled.Repayment{OrderID: "order001", RefundID: "R1"}}
	for name, test := range map[string]struct {
		begin func(d *desk)
		want  settled.Entry
	}{
		"a payment": {
			func(d *desk) { d.wechat.news = ofPayment; d.tells(events.Reply{Kind: events.ReplyCommitted}) },
			settled.Entry{OrderID: "order001", Name: "payment", Outcome: "success", RequestID: "r1"},
		},
		"a refund that is not committed": {
			func(d *desk) { d.wechat.news = ofRefund; d.bus.err = settled.ErrUnavailable },
			settled.Entry{OrderID: "order001", Name: "refund", Outcome: "busy", RequestID: "r1"},
		},
		"a forged one, of which nothing is believed": {
			func(d *desk) { d.wechat.news = ofPayment; d.wechat.err = settled.ErrUnverified },
			settled.Entry{Outcome: "unverified"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			var heard []settled.Entry
			d.cfg.Journal = func(e settled.Entry) { heard = append(heard, e) }
			test.begin(d)
			d.call(http.MethodPost, "/notify/shop3", []byte("{}"), "Request-ID", "r1")
			test.want.Merchant, test.want.Kind = "shop3", settled.EntryNotify
			if diff := cmp.Diff([]settled.Entry{test.want}, heard, cmpopts.IgnoreFields(settled.Entry{}, "At", "Took")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Whoever floods the ingress with forged notifies fills no journal.
func TestFewForgedNotifiesComeIntoTheJournal(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	at := time.Now()
	d.cfg.Now = func() time.Time { return at }
	d.wechat.err = settled.ErrUnverified
	lines := 0
	d.cfg.Journal = func(settled.Entry) { lines++ }
	in := ingress.New(d.cfg)
	for range 200 {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/notify/shop3", strings.NewReader("{}"))
		in.ServeHTTP(httptest.NewRecorder(), r)
	}
	if lines == 0 || lines > 20 {
		t.Errorf("%d lines of 200", lines)
	}
}
