package workers_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled"
	"settled/events"
)

// notify is notify.received whose body the scripted WeChat reads as news.
func (w *world) notify(news settled.News) events.Notify {
	w.wechat.mu.Lock()
	defer w.wechat.mu.Unlock()
	w.wechat.news["signed"] = news
	return events.Notify{
		Merchant: "shop3", Kind: events.NotifyPayment, Method: "POST", Body: []byte("signed"),
		ReceivedAt: "2026-03-01T12:00:00.5Z",
	}
}

// notified hands over a notify that must be done with at once, and WeChat be told so.
func (w *world) notified(news settled.News) {
	w.t.Helper()
	w.bus.heard()
	w.done(events.NotifyReceived, w.notify(news))
	if diff := cmp.Diff([]string{events.ReplyCommitted}, w.bus.heard()); diff != "" {
		w.t.Errorf("replies (-want +got):\n%s", diff)
	}
}

// tradeOf pays an order of 1999 fen.
func tradeOf(orderID string) *settled.Trade {
	trade := paid()
	trade.OrderID, trade.RequestID = orderID, ""
	return &trade
}

// alone is every event that belongs to no payment.
func (w *world) alone(eventType string) []string {
	w.t.Helper()
	rows, err := w.db.QueryContext(w.t.Context(), `select data from events where payment_id is null and type = $1`, eventType)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var bodies []string
	for rows.Next() {
		var body string
		if err := rows.Scan(&body); err != nil {
			w.t.Fatal(err)
		}
		bodies = append(bodies, body)
	}
	if err := rows.Err(); err != nil {
		w.t.Fatal(err)
	}
	return bodies
}

func TestANotifyIsJudgedByTheTimeAtWhichItWasReceived(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.prepared("order001")
	w.ahead.Add(int64(24 * time.Hour)) // it waited through an outage
	n := w.notify(settled.News{Trade: tradeOf("order001")})
	w.done(events.NotifyReceived, n)
	n.ReceivedAt = "yesterday"
	w.done(events.NotifyReceived, n)
	received := w.wechat.received
	if want := time.Date(2026, 3, 1, 12, 0, 0, 5e8, time.UTC); len(received) != 2 || !received[0].ReceivedAt.Equal(want) {
		t.Fatalf("judged by %v, want %s", received, want)
	}
	if at := received[1].ReceivedAt; w.cfg.Now().Sub(at) > time.Minute {
		t.Errorf("one that does not say when is judged by %s, want the time at which the stream had it", at)
	}
	w.stands("order001", settled.StatusCompleted)
}

func TestANotifyThatDoesNotVerifyIsParked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.prepared("order001")
	n := w.notify(settled.News{Trade: tradeOf("order001")})
	for name, change := range map[string]func(*events.Notify){
		"forged":           func(n *events.Notify) { n.Body = []byte("forged") },
		"of a stranger's":  func(n *events.Notify) { n.Merchant = "shop4" },
		"of nobody":        func(n *events.Notify) { n.Merchant = "" },
		"without anything": func(n *events.Notify) { *n = events.Notify{Merchant: "shop3"} },
	} {
		other := n
		change(&other)
		if err := w.deliver(events.NotifyReceived, other, 1); !events.IsPark(err) {
			t.Errorf("%s: %v, want it parked", name, err)
		}
	}
	if replies := w.bus.heard(); len(replies) != 0 {
		t.Errorf("WeChat was told %v", replies)
	}
	if told := types(w.told(p)); len(told) != 1 {
		t.Errorf("told %v", told)
	}
}

func TestANotifyOfSomethingElseIsNotedAndAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.notified(settled.News{Type: "PAYSCORE.USER_PAID"})
	if diff := cmp.Diff([]string{`{"type":"PAYSCORE.USER_PAID"}`}, w.alone("notify.ignored")); diff != "" {
		t.Errorf("noted (-want +got):\n%s", diff)
	}
	w.notified(settled.News{Type: "PAYSCORE.USER_PAID"}) // the same message again
	if noted := w.alone("notify.ignored"); len(noted) != 1 {
		t.Errorf("noted %v", noted)
	}
	var queued int
	if err := w.db.QueryRowContext(t.Context(), `select count(*) from outbox`).Scan(&queued); err != nil || queued != 0 {
		t.Errorf("%d events wait to be published, %v", queued, err)
	}
}

func TestANotifyThatTellsOfNoPaymentIsAHintToAsk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.prepared("order001")
	w.wechat.will("query", says{})
	unpaid := tradeOf("order001")
	unpaid.Paid = false
	w.notified(settled.News{Trade: unpaid})
	w.stands("order001", settled.StatusPrepared, "query")
}

// The request of an order, or of a refund, may be behind WeChat's notify.
func TestWhatNobodyRequestedIsFlaggedAfterAWhile(t *testing.T) {
	t.Parallel()
	for reason, news := range map[string]settled.News{
		"unknown_order":  {Trade: tradeOf("order009")},
		"unknown_refund": {Repayment: &settled.Repayment{State: settled.RepaymentSucceeded, OrderID: "order009", RefundID: "R9", Amount: 500}},
	} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			n := w.notify(news)
			for attempt := 1; attempt <= 4; attempt++ {
				if _, later := events.IsLater(w.deliver(events.NotifyReceived, n, attempt)); !later {
					t.Errorf("attempt %d is not put off", attempt)
				}
			}
			if replies := w.bus.heard(); len(replies) != 0 {
				t.Errorf("WeChat was told %v too early", replies)
			}
			for _, attempt := range []int{5, 1} { // WeChat's repeat is answered at once
				if err := w.deliver(events.NotifyReceived, n, attempt); err != nil {
					t.Fatal(err)
				}
			}
			flagged := w.alone(events.PaymentFlagged)
			if len(flagged) != 1 {
				t.Fatalf("flagged %v", flagged)
			}
			if body := object(t, []byte(flagged[0])); body["reason"] != reason || body["order_id"] != "order009" {
				t.Errorf("flagged %v", body)
			}
			if replies := w.bus.heard(); len(replies) != 2 {
				t.Errorf("WeChat was told %v", replies)
			}
		})
	}
}
