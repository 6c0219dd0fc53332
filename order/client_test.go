package order_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"settled/embedded"
	"settled/events"
	"settled/order"
)

const (
	prefix   = "shop."
	patience = 30 * time.Second
)

// world is a bus with a worker on it that answers as a test says.
type world struct {
	*order.Client
	t      *testing.T
	server *embedded.NATS
	nc     *nats.Conn
	asked  atomic.Int64
}

// answer makes the replies to the nth request, counted from 1.
type answer func(n int64, request map[string]any) []events.Reply

func newWorld(t *testing.T, answer answer) *world {
	t.Helper()
	server, err := embedded.StartNATS(embedded.NATSConfig{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	w := &world{t: t, server: server, nc: connect(t, server)}
	js, err := jetstream.New(w.nc)
	if err != nil {
		t.Fatal(err)
	}
	subjects := []string{prefix + events.PaymentRequested, prefix + events.PaymentReturned, prefix + events.RefundRequested}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "shop_SETTLED_ORDERS", Subjects: subjects}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.nc.Subscribe(prefix+">", func(m *nats.Msg) { w.work(m, answer) }); err != nil {
		t.Fatal(err)
	}
	if err := w.nc.Flush(); err != nil {
		t.Fatal(err)
	}
	if w.Client, err = order.New(connect(t, server), order.Config{Prefix: prefix, Again: 20 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	return w
}

func connect(t *testing.T, server *embedded.NATS, options ...nats.Option) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(server.URL(), append(options, nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))...) // servers restart here
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

func (w *world) work(m *nats.Msg, answer answer) {
	var request map[string]any
	if err := json.Unmarshal(m.Data, &request); err != nil {
		w.t.Error(err)
	}
	if m.Header.Get(events.HeaderMessageID) != "" {
		w.t.Error("a request with a message id: its repeat would be dropped, and its reply with it")
	}
	for _, reply := range answer(w.asked.Add(1), request) {
		data, _ := json.Marshal(reply)
		_ = w.nc.Publish(m.Header.Get(events.HeaderReply), data) // a repeat may come when the test is over
	}
}

func reply(kind string, body any) events.Reply {
	data, _ := json.Marshal(body)
	return events.Reply{Kind: kind, Data: data}
}

func prepared(request map[string]any) []events.Reply {
	id, _ := request["order_id"].(string)
	return []events.Reply{
		reply(events.ReplyRecorded, events.Payment{OrderID: id}),
		reply(events.PaymentPrepared, events.Prepared{Payment: events.Payment{OrderID: id}, PrepayID: "wx-" + id}),
	}
}

func tea(n int) events.PaymentRequest {
	return events.PaymentRequest{Merchant: "shop3", OrderID: fmt.Sprintf("tea-%04d", n), Amount: events.Amount{Total: 1999}, Description: "Tea"}
}

func TestManyAskAtOnceAndEachHearsItsOwnAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(_ int64, request map[string]any) []events.Reply { return prepared(request) })
	var customers sync.WaitGroup
	for n := range 50 {
		customers.Go(func() {
			got, err := w.Pay(t.Context(), tea(n))
			if err != nil || got.PrepayID != "wx-"+tea(n).OrderID {
				t.Errorf("%d: %+v, %v", n, got, err)
			}
		})
	}
	customers.Wait()
}

func TestALostAnswerIsAskedForAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(n int64, request map[string]any) []events.Reply {
		switch n {
		case 1:
			return nil
		case 2:
			return []events.Reply{reply(events.ReplyRecorded, events.Payment{})}
		}
		return prepared(request)
	})
	if _, err := w.Pay(t.Context(), tea(1)); err != nil || w.asked.Load() < 3 {
		t.Errorf("asked %d times: %v", w.asked.Load(), err)
	}
}

// The stream's acknowledgement may get lost like any other message.
func TestALostAcknowledgementIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(int64, map[string]any) []events.Reply { return nil })
	client, err := order.New(w.nc, order.Config{Prefix: "nobody.", Again: 20 * time.Millisecond}) // no stream acknowledges there
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int64
	if _, err := w.nc.Subscribe("nobody.payment.requested", func(m *nats.Msg) {
		if asked.Add(1) > 1 {
			data, _ := json.Marshal(reply(events.PaymentPrepared, events.Prepared{PrepayID: "wx"}))
			_ = w.nc.Publish(m.Header.Get(events.HeaderReply), data)
		}
	}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if got, err := client.Pay(ctx, tea(1)); err != nil || got.PrepayID != "wx" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestTheEndOfTheContextLeavesTheAnswerOpen(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	w := newWorld(t, func(n int64, _ map[string]any) []events.Reply {
		if n == 2 {
			cancel()
		}
		return nil
	})
	_, err := w.Pay(ctx, tea(1))
	if !errors.Is(err, order.ErrUnanswered) || !errors.Is(err, context.Canceled) {
		t.Errorf("Pay = %v", err)
	}
	if _, err := w.Pay(ctx, tea(1)); !errors.Is(err, order.ErrUnanswered) {
		t.Errorf("Pay with a context that is over = %v", err)
	}
}

func TestNATSRestartsWhileAnAnswerIsAwaited(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 1000)
	var back atomic.Bool
	w := newWorld(t, func(_ int64, request map[string]any) []events.Reply {
		asked <- struct{}{}
		if back.Load() {
			return prepared(request)
		}
		return nil
	})
	paid := make(chan error, 1)
	go func() { _, err := w.Pay(t.Context(), tea(1)); paid <- err }()
	<-asked
	if err := w.server.Restart(); err != nil {
		t.Fatal(err)
	}
	back.Store(true)
	select {
	case err := <-paid:
		if err != nil {
			t.Errorf("Pay = %v", err)
		}
	case <-time.After(patience):
		t.Fatal("no answer")
	}
}

func TestEachEndOfAPaymentIsAnErrorOfItsOwn(t *testing.T) {
	t.Parallel()
	var rejected *order.RejectedError
	var failed *order.FailedError
	for name, test := range map[string]struct {
		reply events.Reply
		as    any
		is    error
		says  string
	}{
		"rules": {
			reply(events.PaymentRejected, events.Rejected{Problems: []events.Problem{{Field: "amount.total", Issue: "must be at least 1"}}}),
			&rejected, nil, "amount.total: must be at least 1",
		},
		"other content": {
			reply(events.PaymentRejected, events.Rejected{Error: &events.Error{Code: events.CodeConflict, Message: "was other"}}),
			&rejected, order.ErrConflict, "was other",
		},
		"refused": {reply(events.PaymentFailed, events.Failed{Error: events.Error{Code: "NOAUTH", Message: "no"}}), &failed, nil, "NOAUTH"},
		"paid":    {reply(events.PaymentCompleted, events.Completed{}), nil, order.ErrPaid, "shop3/tea-0001"},
		"closed":  {reply(events.PaymentClosed, events.Closed{}), nil, order.ErrClosed, "closed"},
		"garbage": {events.Reply{Kind: events.PaymentFailed, Data: []byte("{")}, nil, nil, "read payment.failed"},
	} {
		w := newWorld(t, func(int64, map[string]any) []events.Reply { return []events.Reply{test.reply} })
		_, err := w.Pay(t.Context(), tea(1))
		if err == nil || !strings.Contains(err.Error(), test.says) || test.is != nil && !errors.Is(err, test.is) || test.as != nil && !errors.As(err, test.as) {
			t.Errorf("%s: %v", name, err)
		}
		if errors.Is(err, order.ErrConflict) != (test.is == order.ErrConflict) { //nolint:errorlint // of the table, not of the client
			t.Errorf("%s is taken for a conflict, or is not: %v", name, err)
		}
	}
}

func TestARefundIsAcceptedOrSaysWhyNot(t *testing.T) {
	t.Parallel()
	var refused *order.RefundError
	request := events.RefundRequest{Merchant: "shop3", OrderID: "tea-0001", RefundID: "R1", Amount: events.RefundAmount{Refund: 5, Total: 9}}
	for name, test := range map[string]struct {
		reply  events.Reply
		status string
		is     error
		says   string
	}{
		"accepted":      {reply(events.RefundAccepted, events.AcceptedRefund{Refund: events.Refund{Status: "accepted"}}), "accepted", nil, ""},
		"completed":     {reply(events.RefundCompleted, events.CompletedRefund{Refund: events.Refund{Status: "completed"}}), "completed", nil, ""},
		"more than all": {reply(events.RefundFailed, events.FailedRefund{Error: events.Error{Code: events.CodeExceedsPayment}}), "", nil, "exceeds_payment"},
		"rules": {
			reply(events.RefundFailed, events.FailedRefund{Error: events.Error{Code: events.CodeInvalid}, Problems: []events.Problem{{Field: "reason", Issue: "is long"}}}),
			"", nil, "reason: is long",
		},
		"another refund's": {reply(events.RefundRejected, events.RejectedRefund{Error: events.Error{Code: events.CodeConflict}}), "", order.ErrConflict, "conflict"},
	} {
		w := newWorld(t, func(int64, map[string]any) []events.Reply {
			return []events.Reply{reply(events.ReplyRecorded, events.Refund{}), test.reply}
		})
		got, err := w.Refund(t.Context(), request)
		switch {
		case test.says == "":
			if err != nil || got.Status != test.status {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		case !errors.As(err, &refused) || !strings.Contains(err.Error(), test.says) || test.is != nil && !errors.Is(err, test.is):
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReturnedNamesTheOrder(t *testing.T) {
	t.Parallel()
	said := make(chan map[string]any, 1)
	w := newWorld(t, func(_ int64, request map[string]any) []events.Reply { said <- request; return nil })
	if err := w.Returned(t.Context(), "shop3", "tea-0001"); err != nil {
		t.Fatal(err)
	}
	if got := <-said; got["merchant"] != "shop3" || got["order_id"] != "tea-0001" || len(got) != 2 {
		t.Errorf("said %v", got)
	}
}

func TestAnInboxThatIsNeverAnsweredIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(int64, map[string]any) []events.Reply { return nil })
	if _, err := order.New(connect(t, w.server, nats.CustomInboxPrefix("mine")), order.Config{}); err == nil {
		t.Error("it was taken")
	}
}
