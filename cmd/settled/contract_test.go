package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"settled"
	"settled/contracts"
	"settled/events"
	"settled/wechat/simulator"
)

// neverSaid are the places of what settled says at which no test can put it, and why.
var neverSaid = map[string]string{
	"POST /notify/{merchant}, 503 application/problem+json":        "only a merchant that is not there hears it, and only of an ingress that is full",
	"POST /notify/{merchant}/refund, 503 application/problem+json": "only a merchant that is not there hears it, and only of an ingress that is full",
}

// Everything that settled may say, on NATS and over HTTP, is said here at least once, and all
// of it keeps to the contract. (The other tests of this room look at what they happen to hear.)
func TestEverythingThatIsSaidKeepsToTheContract(t *testing.T) {
	t.Parallel()
	k := keepsContract(t)
	public, connect := k.overhear(t)
	w := newWorld(t, worldConfig{contract: k, public: public, schedule: "[1s, 2s]"})
	connect(w.ingress)
	w.audits = hasty
	w.serveParts(parts{ingress: true, admin: true})
	stop := w.serveParts(parts{workers: true})

	w.saysHowPaymentsAndRefundsEnd()
	w.saysWhatDisagrees()
	w.saysWhatIsWrong()
	w.repliesToWhoWaits()
	w.turnsAway()
	w.saysThatWeChatRefuses()
	w.turnsAwayWhoIsTooFast()
	w.saysThatNobodyCommits(stop)
	w.saysThatPostgresIsAway()
	w.holdsOnlyWhatKeepsToTheContract()

	unseen := k.Unseen("")
	for _, place := range unseen {
		says := k.Contract[place].Direction == contracts.Told || strings.HasPrefix(place, "publish ")
		if says && neverSaid[place] == "" {
			t.Errorf("never said: %s", place)
		}
	}
	for place := range neverSaid {
		if !slices.Contains(unseen, place) {
			t.Errorf("said after all: %s", place)
		}
	}
}

// waiting are the headers of an order system that wants to hear the outcome.
var waiting = append([]string{"Prefer", "wait=10"}, bearer...)

// keeperOrder is an order with all that an order may have.
func keeperOrder(merchant, trade, id string) []byte {
	changes := map[string]any{
		"merchant": merchant, "trade_type": trade, "attach": "a & b", "metadata": map[string]any{"<cart>": "7\u2028"},
		"expires_at": time.Now().Add(time.Hour).Format(time.RFC3339), "description": "One pot of tea ‘茶’ \"&<>",
	}
	if trade == "JSAPI" {
		changes["payer"] = map[string]any{"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}
	}
	return order(id, changes)
}

// paid leads an order to its money.
func (w *world) paid(merchant, trade, id string) {
	w.t.Helper()
	answer := w.call(http.MethodPost, "/v1/payments", keeperOrder(merchant, trade, id), waiting...)
	if answer.status != http.StatusOK {
		w.t.Fatalf("%s: %d %s", id, answer.status, answer.text)
	}
	w.pays(answer.body)
	w.expect(events.PaymentCompleted, id)
}

func (w *world) saysHowPaymentsAndRefundsEnd() {
	w.t.Helper()
	for _, way := range append(slices.Clone(ways), struct{ merchant, trade string }{"classic", "APP"}) {
		id := "keep" + way.merchant + way.trade
		w.paid(way.merchant, way.trade, id)
		w.call(http.MethodGet, "/v1/payments/"+way.merchant+"/"+id, nil, bearer...)
	}
	w.publish(events.PaymentRequested, order("keeplate1", map[string]any{"merchant": "shop3", "expires_at": time.Now().Add(3 * time.Second).Format(time.RFC3339)}))
	for _, merchant := range []string{"shop2", "shop3"} {
		id := "keep" + merchant + "NATIVE"
		w.switchOrder(id, simulator.GatewaySwitches{RefundHangs: 1})
		w.call(http.MethodPost, "/v1/refunds", refund(merchant, id, id+"-hangs", 10, 1999), bearer...)
		w.expectRefund(events.RefundAccepted, id+"-hangs")
		w.call(http.MethodGet, "/v1/refunds/"+merchant+"/"+id+"-hangs", nil, bearer...)
		if err := w.wechat.MendRefund(merchant, id+"-hangs"); err != nil {
			w.t.Fatal(err)
		}
		w.expectRefund(events.RefundCompleted, id+"-hangs")
		w.switchOrder(id, simulator.GatewaySwitches{RefundFails: 1})
		w.publish(events.RefundRequested, refund(merchant, id, id+"-closed", 10, 1999))
		w.expectRefund(events.RefundFailed, id+"-closed")
		for _, refundID := range []string{id + "-hangs", id + "-closed"} {
			w.call(http.MethodGet, "/v1/refunds/"+merchant+"/"+refundID, nil, bearer...)
		}
		w.wechat.UnswitchOrder(id)
		w.call(http.MethodPost, "/v1/refunds", refund(merchant, id, id+"-waits", 10, 1999), waiting...)
	}
	w.expect(events.PaymentClosed, "keeplate1")
	w.call(http.MethodPost, "/v1/payments", order("keeplate1", map[string]any{"merchant": "shop3"}), waiting...)
	w.call(http.MethodGet, "/v1/payments/shop3/keeplate1", nil, bearer...)
}

func (w *world) switchOrder(id string, gateway simulator.GatewaySwitches) {
	w.t.Helper()
	if err := w.wechat.SwitchOrder(id, simulator.Switches{Gateway: gateway}); err != nil {
		w.t.Fatal(err)
	}
}

// saysWhatDisagrees makes flags, and breaks a history for the auditor.
func (w *world) saysWhatDisagrees() {
	w.t.Helper()
	for _, id := range []string{"keepflag1", "keepflag2"} { // one that is known, one that is not
		receipt := simulator.Receipt{OutTradeNo: id, TransactionID: "190000010920260101000000000" + id[8:], PaidAt: time.Now(), OpenID: "o1"}
		if id == "keepflag1" {
			w.publish(events.PaymentRequested, order(id, nil))
			w.expect(events.PaymentPrepared, id)
		}
		query, body := w.notifyOf(receipt, 5)
		w.call(http.MethodPost, "/notify/classic?"+query, body)
		w.call(http.MethodPost, "/notify/classic/refund?"+query, body)
	}
	for _, id := range []string{"keepflag1", "keepflag2"} {
		w.expect(events.PaymentFlagged, id)
	}
	w.write(`update payments set version = version + 1 where order_id = 'keepflag1'`)
	w.until("the break is told", func() bool { return len(w.breaksTold(settled.CheckHistory)) > 0 })
	w.write(`update payments set version = version - 1 where order_id = 'keepflag1'`)
}

// saysWhatIsWrong publishes what no order system should.
func (w *world) saysWhatIsWrong() {
	w.t.Helper()
	for i, body := range []string{`{}`, `{"merchant": 7, "order_id": {}}`, `{"merchant": "classic", "order_id": "keepwrong\r\nce-id: 1", "amount": null}`} {
		w.publish(events.PaymentRequested, []byte(body))
		w.publish(events.RefundRequested, []byte(body))
		w.until("rejected", func() bool {
			return len(w.all(events.PaymentRejected, "")) > i && len(w.all(events.RefundFailed, "")) > i
		})
	}
	w.publish(events.RefundRequested, []byte(`{"merchant": "shop3", "refund_id": "keep-wrong", "amount": {"refund": -9223372036854775808, "total": 9223372036854775807, "currency": "\u0000"}}`))
	w.expectRefund(events.RefundFailed, "keep-wrong")
	for _, subject := range []string{events.PaymentRequested, events.PaymentReturned, events.RefundRequested, events.NotifyReceived} {
		w.publish(subject, []byte("\xff{"))
		w.expect(events.DeadPrefix+subject, "")
	}
	w.publish(events.PaymentRequested, order("keepclassicAPP", map[string]any{"amount": map[string]any{"total": 1}}))
	w.await(events.PaymentRejected, "a conflict", func(h heard) bool { return h.body["error"] != nil })
	w.publish(events.RefundRequested, refund("shop3", "keepshop3NATIVE", "keepshop3NATIVE-waits", 11, 1999))
	w.expectRefund(events.RefundRejected, "keepshop3NATIVE-waits")
}

// repliesToWhoWaits asks for replies as any client may.
func (w *world) repliesToWhoWaits() {
	w.t.Helper()
	nc := w.stream.Conn()
	notify := w.last("SETTLED_NOTIFY", events.NotifyReceived)
	for subject, body := range map[string][]byte{
		events.PaymentRequested: order("keepreply1", map[string]any{"merchant": "shop3", "trade_type": "H5"}),
		events.RefundRequested:  refund("shop3", "keepshop3H5", "keep-reply", 10, 1999),
		events.NotifyReceived:   notify,
	} {
		inbox := nc.NewRespInbox()
		replies, err := nc.SubscribeSync(inbox)
		if err != nil {
			w.t.Fatal(err)
		}
		if _, err := w.stream.PublishMsg(w.t.Context(), &nats.Msg{Subject: subject, Data: body, Header: nats.Header{events.HeaderReply: {inbox}}}); err != nil {
			w.t.Fatal(err)
		}
		for range map[bool]int{true: 1, false: 2}[subject == events.NotifyReceived] { // recorded, and the outcome
			m, err := replies.NextMsg(patience)
			if err != nil {
				w.t.Fatalf("%s: %v", subject, err)
			}
			w.contract.replied(subject, m.Data)
		}
	}
}

// last is the newest message of a subject that came from the ingress.
func (w *world) last(stream, subject string) []byte {
	w.t.Helper()
	var data []byte
	w.walk(stream, func(m *jetstream.RawStreamMsg) {
		if m.Subject == subject && m.Header.Get(events.HeaderID) != "" {
			data = m.Data
		}
	})
	if data == nil {
		w.t.Fatalf("no %s", subject)
	}
	return data
}

// walk visits all messages of a stream.
func (w *world) walk(name string, visit func(*jetstream.RawStreamMsg)) {
	w.t.Helper()
	stream, err := w.stream.Stream(w.t.Context(), name)
	if err != nil {
		w.t.Fatal(err)
	}
	for sequence := uint64(1); sequence <= stream.CachedInfo().State.LastSeq; sequence++ {
		m, err := stream.GetMsg(w.t.Context(), sequence)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			w.t.Fatal(err)
		}
		visit(m)
	}
}

// turnsAway asks the ingress for what it refuses.
func (w *world) turnsAway() {
	w.t.Helper()
	other := []string{"Authorization", "Bearer other-token"}
	large := make([]byte, 256<<10+1)
	const payment, gone = "/v1/payments/shop3/keepshop3APP", "/v1/payments/shop3/nothing01"
	id, _ := w.call(http.MethodGet, payment, nil, bearer...).body["payment_id"].(string)
	for _, asked := range []struct {
		method, path string
		body         []byte
		headers      []string
		status       int
	}{
		{"POST", "/v1/payments", keeperOrder("shop3", "APP", "keepshop3APP"), bearer, 409}, // with another time
		{"POST", "/v1/payments", []byte(`{"a":`), bearer, 400},
		{"POST", "/v1/payments", order("keep", nil), bearer, 400},
		{"POST", "/v1/payments", order("keepaway1", nil), nil, 401},
		{"POST", "/v1/payments", order("keepaway1", nil), other, 403},
		{"POST", "/v1/payments", large[:64<<10+1], bearer, 413},
		{"POST", "/v1/payments", order("keepaway1", nil), bearer, 202},
		{"GET", payment, nil, nil, 401},
		{"GET", payment, nil, other, 403},
		{"GET", gone, nil, bearer, 404},
		{"POST", payment + "/returned", nil, bearer, 202},
		{"POST", payment + "/returned", nil, nil, 401},
		{"POST", payment + "/returned", nil, other, 403},
		{"POST", gone + "/returned", nil, bearer, 404},
		{"POST", "/returned/" + id, nil, nil, 202},
		{"POST", "/returned/1", nil, nil, 404},
		{"POST", "/v1/refunds", refund("shop3", "keepshop3APP", "keep-r", 1, 1999), bearer, 202},
		{"POST", "/v1/refunds", refund("shop3", "keepshop3APP", "keep-r", 2, 1999), bearer, 409},
		{"POST", "/v1/refunds", refund("shop3", "keepshop3APP", "keep-s", 2000, 1999), bearer, 400},
		{"POST", "/v1/refunds", refund("shop3", "nothing01", "keep-t", 1, 1999), waiting, 404},
		{"POST", "/v1/refunds", refund("classic", "keepclassicAPP", "keep-u", 1, 1999), waiting, 422},
		{"POST", "/v1/refunds", refund("shop3", "keepshop3APP", "keep-v", 1, 1999), nil, 401},
		{"POST", "/v1/refunds", refund("shop3", "keepshop3APP", "keep-v", 1, 1999), other, 403},
		{"POST", "/v1/refunds", large[:64<<10+1], bearer, 413},
		{"GET", "/v1/refunds/shop3/keep-r", nil, nil, 401},
		{"GET", "/v1/refunds/shop3/keep-r", nil, other, 403},
		{"GET", "/v1/refunds/shop3/keep-nothing", nil, bearer, 404},
		{"GET", "/v1/payments", nil, bearer, 405},
		{"GET", "/nothing", nil, bearer, 404},
	} {
		if answer := w.call(asked.method, asked.path, asked.body, asked.headers...); answer.status != asked.status {
			w.t.Errorf("%s %s: %d %s, want %d", asked.method, asked.path, answer.status, answer.text, asked.status)
		}
	}
	w.until("an app is turned away that says it again at once", func() bool {
		return w.call("POST", "/returned/"+id, nil).status == http.StatusTooManyRequests
	})
	for _, rest := range []string{"", "/refund"} {
		for name, status := range map[string]int{"classic": 200, "shop2": 200, "shop3": 401, "nobody": 404} {
			if answer := w.call("POST", "/notify/"+name+rest, []byte("{}")); answer.status != status {
				w.t.Errorf("notify of %s%s: %d %s, want %d", name, rest, answer.status, answer.text, status)
			}
		}
		w.call("POST", "/notify/shop3"+rest, large)
		w.cutsOff("/notify/shop3" + rest)
	}
}

// cutsOff sends half of a body, and checks the answer.
func (w *world) cutsOff(path string) {
	w.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.ingress, "http://")) //nolint:noctx // a test's own
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close()
	_, _ = fmt.Fprintf(conn, "POST %s HTTP/1.0\r\nContent-Length: 10\r\n\r\nhalf", path)
	_ = conn.(*net.TCPConn).CloseWrite()
	text, err := io.ReadAll(conn)
	head, body, ok := strings.Cut(string(text), "\r\n\r\n")
	if err != nil || !ok || !strings.HasPrefix(head, "HTTP/1.0 400") {
		w.t.Errorf("%s: half of a body: %q, %v", path, text, err)
		return
	}
	w.contract.answered(http.MethodPost, path, http.StatusBadRequest, http.Header{"Content-Type": {"application/problem+json"}}, []byte(body))
}

// saysThatWeChatRefuses orders the same number of the same merchant with other content, in
// another world with the same WeChat.
func (w *world) saysThatWeChatRefuses() {
	w.t.Helper()
	second := newWorld(w.t, worldConfig{like: w, contract: w.contract})
	second.serve()
	answer := second.call(http.MethodPost, "/v1/payments", order("keepclassicAPP", map[string]any{"description": "Another pot"}), waiting...)
	if answer.status != http.StatusUnprocessableEntity {
		w.t.Errorf("refused with %d %s", answer.status, answer.text)
	}
	second.expect(events.PaymentFailed, "keepclassicAPP")
	second.call(http.MethodGet, "/v1/payments/classic/keepclassicAPP", nil, bearer...)
}

// turnsAwayWhoIsTooFast asks as often as it takes.
func (w *world) turnsAwayWhoIsTooFast() {
	w.t.Helper()
	slow := newWorld(w.t, worldConfig{contract: w.contract, rate: 1})
	slow.serveParts(parts{ingress: true, admin: true})
	for _, asked := range [][2]string{
		{"POST", "/v1/payments"}, {"GET", "/v1/payments/classic/nothing01"}, {"POST", "/v1/payments/classic/nothing01/returned"},
		{"POST", "/v1/refunds"}, {"GET", "/v1/refunds/classic/nothing01"},
	} {
		slow.until("too fast", func() bool {
			return slow.call(asked[0], asked[1], []byte("{}"), bearer...).status == http.StatusTooManyRequests
		})
	}
}

// saysThatNobodyCommits stops the workers, and lets orders and notifies come.
func (w *world) saysThatNobodyCommits(stop func()) {
	w.t.Helper()
	w.publish(events.PaymentRequested, keeperOrder("shop3", "NATIVE", "keepstop1"))
	prepared := w.expect(events.PaymentPrepared, "keepstop1")
	w.switchOrder("keepshop3JSAPI", simulator.GatewaySwitches{RefundHangs: 1})
	w.publish(events.RefundRequested, refund("shop3", "keepshop3JSAPI", "keep-stop", 10, 1999))
	w.expectRefund(events.RefundAccepted, "keep-stop")
	stop()
	w.pays(prepared)
	if err := w.wechat.MendRefund("shop3", "keep-stop"); err != nil {
		w.t.Fatal(err)
	}
	var callers sync.WaitGroup
	for path, body := range map[string][]byte{
		"/v1/payments": order("keepstop2", nil), "/v1/refunds": refund("shop3", "keepshop3JSAPI", "keep-stop2", 10, 1999),
	} {
		callers.Go(func() {
			if answer := w.call(http.MethodPost, path, body, bearer...); answer.status != http.StatusServiceUnavailable {
				w.t.Errorf("%s without workers: %d %s", path, answer.status, answer.text)
			}
		})
	}
	callers.Wait()
	w.until("WeChat has heard that it has to come again", func() bool {
		return len(w.contract.Unseen("POST /notify/{merchant}, 503 application/json"))+
			len(w.contract.Unseen("POST /notify/{merchant}/refund, 503 application/json")) == 0
	})
}

// saysThatPostgresIsAway takes the tables away while it asks for what is in them.
func (w *world) saysThatPostgresIsAway() {
	w.t.Helper()
	id, _ := w.call(http.MethodGet, "/v1/payments/shop2/keepshop2APP", nil, bearer...).body["payment_id"].(string)
	w.write(`alter table payments rename to payments_away; alter table refunds rename to refunds_away`)
	for _, asked := range [][2]string{
		{"GET", "/v1/payments/shop2/keepshop2APP"}, {"POST", "/v1/payments/shop2/keepshop2APP/returned"},
		{"POST", "/returned/" + id}, {"GET", "/v1/refunds/shop3/keep-r"},
	} {
		if answer := w.call(asked[0], asked[1], nil, bearer...); answer.status != http.StatusServiceUnavailable {
			w.t.Errorf("%s %s without tables: %d %s", asked[0], asked[1], answer.status, answer.text)
		}
	}
	w.write(`alter table payments_away rename to payments; alter table refunds_away rename to refunds`)
}

// holdsOnlyWhatKeepsToTheContract looks at what the streams have kept, and in which.
func (w *world) holdsOnlyWhatKeepsToTheContract() {
	w.t.Helper()
	for _, name := range []string{"SETTLED_ORDERS", "SETTLED_NOTIFY", "SETTLED_OUT", "SETTLED_DEAD"} {
		w.walk(name, func(m *jetstream.RawStreamMsg) {
			place := "subscribe " + m.Subject
			switch {
			case name == "SETTLED_DEAD":
				place = "subscribe dead.{subject}"
				w.contract.told(m.Subject, m.Header, m.Data)
			case name == "SETTLED_OUT":
				w.contract.told(m.Subject, m.Header, m.Data)
			case m.Header.Get(events.HeaderID) != "":
				place = "publish " + m.Subject
				w.contract.taken(m.Subject, m.Header, m.Data)
				if m.Subject == events.NotifyReceived {
					w.contract.told(m.Subject, m.Header, m.Data)
				}
			default: // the test's own
				place = "publish " + m.Subject
			}
			if stream := w.contract.Contract[place].Fixed; stream != name {
				w.t.Errorf("%s is in %s, and not in %q", m.Subject, name, stream)
			}
		})
	}
}
