package subscribe_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"settled/embedded"
	"settled/events"
	"settled/store/storetest"
	"settled/subscribe"
	"settled/subscribe/subscribetest"
)

const patience = 30 * time.Second

// shared is the server of all tests that do nothing to it; each has a prefix of its own.
var shared = sync.OnceValues(func() (*embedded.NATS, error) { return embedded.StartNATS(embedded.NATSConfig{}) })

var prefixes atomic.Int64

func TestMain(m *testing.M) {
	if os.Getenv(asSubscriber) != "" {
		subscribeUntilKilled()
	}
	code := storetest.Main(m)
	if server, err := shared(); err == nil {
		_ = server.Stop()
	}
	os.Exit(code)
}

// world is a stream of what settled tells, and a shop with a database.
type world struct {
	t        *testing.T
	nc       *nats.Conn
	js       jetstream.JetStream
	prefix   string
	db       *sql.DB
	address  string // of the database
	name     string // of the service
	attempts chan subscribe.Event
}

func newWorld(t *testing.T) *world {
	t.Helper()
	server, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	address := storetest.URL(t)
	return onServers(t, server, storetest.DB(t, address), address)
}

func onServers(t *testing.T, server *embedded.NATS, db *sql.DB, address string) *world {
	t.Helper()
	nc, err := nats.Connect(server.URL(), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})) // servers restart here
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		t: t, nc: nc, js: js, prefix: fmt.Sprintf("test%d.", prefixes.Add(1)), db: db, address: address, name: "fulfilment",
		attempts: make(chan subscribe.Event, 10_000),
	}
	w.makeStream()
	if err := (subscribe.Effects{DB: db}).Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.exec(`create table parcels (id bigserial primary key, order_id text not null)`)
	return w
}

// makeStream makes the stream as settled does.
func (w *world) makeStream() {
	w.t.Helper()
	var subjects []string
	for _, s := range events.Outputs {
		subjects = append(subjects, w.prefix+s)
	}
	w.until("the stream is made", func() bool {
		_, err := w.js.CreateStream(w.t.Context(), jetstream.StreamConfig{Name: w.stream(), Subjects: subjects})
		return err == nil
	})
}

func (w *world) stream() string   { return w.prefix[:len(w.prefix)-1] + "_SETTLED_OUT" }
func (w *world) consumer() string { return w.prefix[:len(w.prefix)-1] + "_" + w.name }

func (w *world) exec(statement string, arguments ...any) {
	w.t.Helper()
	if _, err := w.db.ExecContext(w.t.Context(), statement, arguments...); err != nil {
		w.t.Fatal(err)
	}
}

// tell publishes events as settled does, but for the message id, so that the stream takes
// the same one twice.
func (w *world) tell(told ...subscribe.Event) {
	w.t.Helper()
	for _, e := range told {
		envelope := events.Envelope{ID: e.ID, Type: e.Type, Merchant: e.Merchant, OrderID: e.OrderID, Time: e.Time, Data: e.Data}
		m := &nats.Msg{Subject: w.prefix + e.Type, Header: envelope.Header(), Data: e.Data}
		m.Header.Del(events.HeaderMessageID)
		w.publish(m)
	}
}

func (w *world) publish(m *nats.Msg) {
	w.t.Helper()
	w.until("the stream has a message", func() bool { // while the server restarts, its word may get lost
		ctx, cancel := context.WithTimeout(w.t.Context(), 2*time.Second)
		defer cancel()
		_, err := w.js.PublishMsg(ctx, m)
		return err == nil
	})
}

func order(n int) subscribetest.Order {
	return subscribetest.Order{OrderID: fmt.Sprintf("tea-%04d", n)}
}

// at is a configuration for tests: quick to try again.
func (w *world) at(change func(*subscribe.Config)) subscribe.Config {
	cfg := subscribe.Config{
		Name: w.name, Prefix: w.prefix, AckWait: 2 * time.Second, Drain: 5 * time.Second, Log: slog.New(slog.DiscardHandler),
		Pause: func(int) time.Duration { return 10 * time.Millisecond },
		Park:  func(_ context.Context, p subscribe.Parked) error { w.t.Errorf("parked: %v", p.Reason); return nil },
	}
	if change != nil {
		change(&cfg)
	}
	return cfg
}

// run subscribes until the test ends or stop is called. Each attempt that has ended comes
// out of w.attempts.
func (w *world) run(cfg subscribe.Config, handle subscribe.Handler) (stop func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	ended := make(chan error, 1)
	go func() {
		ended <- subscribe.Run(ctx, w.nc, cfg, func(ctx context.Context, e subscribe.Event) error {
			err := handle(ctx, e)
			w.attempts <- e
			return err
		})
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("Run = %v", err)
		}
	})
	w.t.Cleanup(stop)
	return stop
}

// ship is the effect: a parcel for the order. Nothing but Once keeps it from being done
// twice.
func (w *world) ship(ctx context.Context, e subscribe.Event) error {
	return subscribe.Once(ctx, w.db, e, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `insert into parcels (order_id) values ($1)`, e.OrderID)
		return err
	})
}

// parcels counts those of each order.
func (w *world) parcels() map[string]int {
	w.t.Helper()
	rows, err := w.db.QueryContext(w.t.Context(), `select order_id, count(*) from parcels group by order_id`)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	counted := map[string]int{}
	for rows.Next() {
		var id string
		var n int
		if err := rows.Scan(&id, &n); err != nil {
			w.t.Fatal(err)
		}
		counted[id] = n
	}
	if err := rows.Err(); err != nil {
		w.t.Fatal(err)
	}
	return counted
}

// onceEach checks that every order from 0 to n-1 has one parcel.
func (w *world) onceEach(n int) {
	w.t.Helper()
	counted := w.parcels()
	for i := range n {
		if id := order(i).OrderID; counted[id] != 1 {
			w.t.Errorf("%s has %d parcels", id, counted[id])
		}
	}
	if len(counted) != n {
		w.t.Errorf("%d orders have parcels, not %d", len(counted), n)
	}
}

// next waits for the next attempt to end.
func (w *world) next() subscribe.Event {
	w.t.Helper()
	return receive(w.t, w.attempts)
}

// receive waits for whatever comes next.
func receive[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case got := <-from:
		return got
	case <-time.After(patience):
		t.Fatal("waited in vain")
		panic("unreachable")
	}
}

// settled waits until the consumer has nothing waiting and nothing in hand. Of a consumer that
// was just made the server says the same.
func (w *world) settled() {
	w.t.Helper()
	w.until("nothing waits", func() bool {
		consumer, err := w.js.Consumer(w.t.Context(), w.stream(), w.consumer())
		if err != nil {
			return false
		}
		info := consumer.CachedInfo()
		return info.Delivered.Consumer > 0 && info.NumPending == 0 && info.NumAckPending == 0
	})
}

// pulls is how many pulls wait at the consumer.
func (w *world) pulls() int { return w.info().NumWaiting }

// inHand is how many messages were delivered and not acknowledged.
func (w *world) inHand() int { return w.info().NumAckPending }

// pulledAgain waits until somebody has pulled twice.
func (w *world) pulledAgain() {
	w.t.Helper()
	heard := make(chan *nats.Msg, 100)
	listener, err := w.nc.ChanSubscribe("$JS.API.CONSUMER.MSG.NEXT."+w.stream()+"."+w.consumer(), heard)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = listener.Unsubscribe() }()
	for range 2 {
		select {
		case <-heard:
		case <-time.After(patience):
			w.t.Fatal("nobody pulls")
		}
	}
}

func (w *world) info() *jetstream.ConsumerInfo {
	w.t.Helper()
	consumer, err := w.js.Consumer(w.t.Context(), w.stream(), w.consumer())
	if err != nil {
		w.t.Fatal(err)
	}
	return consumer.CachedInfo()
}

func (w *world) until(what string, holds func() bool) {
	w.t.Helper()
	deadline, ticker := time.After(patience), time.NewTicker(10*time.Millisecond)
	defer ticker.Stop()
	for !holds() {
		select {
		case <-ticker.C:
		case <-deadline:
			w.t.Fatalf("waited in vain: %s", what)
		}
	}
}

var errTrouble = errors.New("trouble")
