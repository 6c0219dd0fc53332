package workers_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled"
	"settled/events"
	"settled/store"
	"settled/store/storetest"
	"settled/workers"
)

// patience bounds every wait of a test; a test that is right waits for far less.
const patience = 30 * time.Second

// world is the workers of a shop on a real PostgreSQL, with a WeChat that is scripted and
// a bus that the test plays itself.
//
// The workers' clock is an hour ahead of the database's: what they put off comes due when
// the test says so, and never by itself.
type world struct {
	t      *testing.T
	db     *sql.DB
	ledger *ledger
	wechat *wechat
	bus    *bus
	ahead  atomic.Int64 // of the workers' clock
	cfg    workers.Config
}

func newWorld(t *testing.T) *world {
	t.Helper()
	address := storetest.URL(t)
	w := &world{
		t: t, db: storetest.DB(t, address), wechat: newWechat(),
		bus: &bus{handlers: map[string]events.Handler{}},
	}
	w.ahead.Store(int64(time.Hour))
	w.ledger = &ledger{Store: storetest.Open(t, address), said: make(chan string, 1024)}
	if _, err := w.ledger.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.cfg = workers.Config{
		Ledger: w.ledger, Bus: w.bus, Merchants: map[string]workers.Merchant{"shop3": {Protocol: "v3", Gateway: w.wechat}},
		TTL: 48 * time.Hour, QuerySchedule: []time.Duration{5 * time.Second, time.Minute},
		Now:     func() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) },
		Metrics: uncounted{}, Log: slog.New(slog.DiscardHandler),
	}
	w.listen(w.bus)
	return w
}

// listen lets workers begin and stop at once: what handles their messages stays with the bus.
func (w *world) listen(b *bus) {
	w.t.Helper()
	cfg := w.cfg
	cfg.Bus, cfg.Pools = b, []string{"prepare", "finalize", "reconcile", "refund"}
	stopped, stop := context.WithCancel(w.t.Context())
	stop()
	w.run(stopped, cfg)
}

func (w *world) run(ctx context.Context, cfg workers.Config) {
	w.t.Helper()
	pools, err := workers.New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := pools.Run(ctx); err != nil {
		w.t.Error(err)
	}
}

// ledger is the store, and says of which row something has been written.
type ledger struct {
	*store.Store
	said chan string
	lost atomic.Int64 // so many answers to moves of refunds get lost
	gone atomic.Bool  // and no move reaches PostgreSQL

	meanwhile func() // what others do once a refund is recorded
}

func (l *ledger) RecordRefund(ctx context.Context, r settled.Refund) (settled.RecordedRefund, error) {
	recorded, err := l.Store.RecordRefund(ctx, r)
	if l.meanwhile != nil {
		l.meanwhile()
	}
	return recorded, err
}

func (l *ledger) Move(ctx context.Context, m settled.Move) (bool, error) {
	if l.gone.Load() {
		return false, settled.ErrUnavailable
	}
	moved, err := l.Store.Move(ctx, m)
	l.said <- m.PaymentID
	return moved, err
}

func (l *ledger) Delay(ctx context.Context, d settled.Delay) (bool, error) {
	delayed, err := l.Store.Delay(ctx, d)
	l.said <- d.PaymentID
	return delayed, err
}

func (l *ledger) MoveRefund(ctx context.Context, m settled.RefundMove) (bool, error) {
	defer func() { l.said <- m.ID }()
	if l.gone.Load() {
		return false, settled.ErrUnavailable
	}
	moved, err := l.Store.MoveRefund(ctx, m)
	if err == nil && l.lost.Add(-1) >= 0 {
		return false, settled.ErrUnavailable
	}
	return moved, err
}

func (l *ledger) DelayRefund(ctx context.Context, d settled.RefundDelay) (bool, error) {
	delayed, err := l.Store.DelayRefund(ctx, d)
	l.said <- d.ID
	return delayed, err
}

// hush forgets what has been said so far.
func (l *ledger) hush() {
	for {
		select {
		case <-l.said:
		default:
			return
		}
	}
}

// bus is the workers' bus in a test's hands.
type bus struct {
	mu       sync.Mutex
	handlers map[string]events.Handler // by subject
	replies  []events.Reply

	published atomic.Int64 // events
}

func (b *bus) Consume(ctx context.Context, c events.Consumer, handle events.Handler) error {
	b.mu.Lock()
	b.handlers[c.Subject] = handle
	b.mu.Unlock()
	<-ctx.Done()
	return nil
}

func (b *bus) PublishAll(_ context.Context, envelopes []events.Envelope) (uint64, []error) {
	b.published.Add(int64(len(envelopes)))
	return 0, make([]error, len(envelopes))
}

func (b *bus) Streams(context.Context) ([]events.Stream, error) { return nil, nil }

func (b *bus) Reconnected() <-chan struct{} { return nil }

func (b *bus) Reply(_ string, r events.Reply) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.replies = append(b.replies, r)
	return nil
}

func (b *bus) Trim(context.Context) error { return nil }

// heard is what was replied since the last time.
func (b *bus) heard() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var kinds []string
	for _, r := range b.replies {
		kinds = append(kinds, r.Kind)
	}
	b.replies = nil
	return kinds
}

// uncounted are metrics that nobody reads.
type uncounted struct{}

func (uncounted) Moved(string, settled.Status, settled.Source)             {}
func (uncounted) Completed(settled.Payment, settled.Source, time.Duration) {}
func (uncounted) Overtaken(string)                                         {}
func (uncounted) RefundMoved(settled.Refund, settled.RefundStatus)         {}
func (uncounted) Flagged(string, settled.FlagReason)                       {}
func (uncounted) Rejected(string)                                          {}
func (uncounted) Published(int)                                            {}
func (uncounted) Replayed(int)                                             {}
func (uncounted) StreamLost(string)                                        {}
func (uncounted) Census(settled.Census)                                    {}

// deliver hands a message to its handler, for the nth time, and returns the verdict.
func (w *world) deliver(subject string, body any, attempt int) error {
	w.t.Helper()
	return w.deliverBy(w.bus, subject, body, attempt)
}

// deliverBy is deliver on another machine.
func (w *world) deliverBy(b *bus, subject string, body any, attempt int) error {
	w.t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		w.t.Fatal(err)
	}
	return b.handlers[subject](w.t.Context(), events.Message{
		ID: fmt.Sprintf("%s-%x", subject, data), Subject: subject, Data: data, At: w.cfg.Now(), Attempt: attempt,
		Header: map[string][]string{events.HeaderReply: {"inbox"}},
	})
}

// done hands over a message that must be done with at once.
func (w *world) done(subject string, body any) {
	w.t.Helper()
	if err := w.deliver(subject, body, 1); err != nil {
		w.t.Fatalf("%s: %v", subject, err)
	}
}

// comes lets the time of a payment or a refund come and the pool look at it, once.
func (w *world) comes(pool, table, id string) {
	w.t.Helper()
	w.write(`update `+table+` set due_at = now() - interval '1 second' where id = $1`, id)
	w.untilSaid(pool, id)
}

// untilSaid runs a pool until something of this id has been written.
func (w *world) untilSaid(pool, id string) {
	w.t.Helper()
	w.ledger.hush()
	cfg := w.cfg
	cfg.Bus, cfg.Pools = &bus{handlers: map[string]events.Handler{}}, []string{pool}
	ctx, stop := context.WithTimeout(w.t.Context(), patience)
	defer stop()
	go func() {
		for {
			select {
			case said := <-w.ledger.said:
				if said == id {
					stop() // what is in hand is finished
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	w.run(ctx, cfg)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		w.t.Fatalf("pool %s has not looked at %s", pool, id)
	}
}

// write reaches beneath the store.
func (w *world) write(statement string, arguments ...any) {
	w.t.Helper()
	if _, err := w.db.ExecContext(w.t.Context(), statement, arguments...); err != nil {
		w.t.Fatal(err)
	}
}

// request is payment.requested for an order of 1999 fen.
func request(orderID string) map[string]any {
	return map[string]any{
		"merchant": "shop3", "order_id": orderID, "description": "One pot of tea",
		"amount": map[string]any{"total": 1999},
	}
}

// payment reads the payment of an order.
func (w *world) payment(orderID string) settled.Payment {
	w.t.Helper()
	p, err := w.ledger.Payment(w.t.Context(), "shop3", orderID)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// prepared is a payment that the customer can pay; WeChat's questions so far are forgotten.
func (w *world) prepared(orderID string) settled.Payment {
	w.t.Helper()
	w.wechat.will("prepay", says{prepared: settled.Prepared{PrepayID: "wx1"}})
	w.done(events.PaymentRequested, request(orderID))
	w.wechat.asked()
	w.bus.heard()
	return w.payment(orderID)
}

// paid is a trade that pays an order of 1999 fen.
func paid() settled.Trade {
	return settled.Trade{
		Paid: true, TransactionID: "4200000001", Amount: settled.Money{Total: 1999, Currency: settled.CNY},
		PaidAt: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), RequestID: "query-1",
	}
}

// completed is a payment that was paid.
func (w *world) completed(orderID string) settled.Payment {
	w.t.Helper()
	w.prepared(orderID)
	w.wechat.will("query", says{trade: paid()})
	w.done(events.PaymentReturned, map[string]any{"merchant": "shop3", "order_id": orderID})
	w.wechat.asked()
	return w.payment(orderID)
}

// expired lets a payment's time be up, as far as the workers know.
func (w *world) expired(p settled.Payment) {
	w.t.Helper()
	w.write(`update payments set expires_at = now() where id = $1`, p.ID)
}

// stands checks where a payment stands, and what it went through WeChat for since the
// last look.
func (w *world) stands(orderID string, want settled.Status, asked ...string) settled.Payment {
	w.t.Helper()
	p := w.payment(orderID)
	if p.Status != want {
		w.t.Errorf("payment %s is %s, want %s", orderID, p.Status, want)
	}
	if diff := cmp.Diff(asked, w.wechat.asked()); diff != "" {
		w.t.Errorf("WeChat was asked (-want +got):\n%s", diff)
	}
	return p
}

// told is every event of a payment that others hear of, in its order.
func (w *world) told(p settled.Payment) []settled.Happening {
	w.t.Helper()
	history, err := w.ledger.History(w.t.Context(), p.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	var told []settled.Happening
	for _, h := range history {
		if !h.Private {
			told = append(told, h)
		}
	}
	return told
}

// last is the last event of a payment, with its body.
func (w *world) last(p settled.Payment, eventType string) (settled.Happening, map[string]any) {
	w.t.Helper()
	all := w.told(p)
	if len(all) == 0 || all[len(all)-1].Type != eventType {
		w.t.Fatalf("the last event is not %s: %v", eventType, types(all))
	}
	last := all[len(all)-1]
	return last, object(w.t, last.Data)
}

func object(t *testing.T, data []byte) map[string]any {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal(data, &body); err != nil {
		t.Fatal(err)
	}
	return body
}

func types(all []settled.Happening) []string {
	var names []string
	for _, h := range all {
		names = append(names, h.Type)
	}
	return names
}

// field reads a nested field of a body: "error.code".
func field(body map[string]any, path string) any {
	first, rest, nested := strings.Cut(path, ".")
	if !nested {
		return body[first]
	}
	inner, _ := body[first].(map[string]any)
	return field(inner, rest)
}
