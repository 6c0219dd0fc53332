package subscribe_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
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
)

func TestEachOrderIsShippedOnceHoweverOftenItIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const many = 40
	for n := range many {
		w.tell(order(n).Prepared(), order(n).Completed(), order(n).Completed())
	}
	only := func(c *subscribe.Config) { c.Types = []string{events.PaymentCompleted} }
	w.run(w.at(only), w.ship)
	w.run(w.at(only), w.ship) // another process
	for n := range many {
		w.tell(order(n).Completed())
	}
	w.settled()
	w.onceEach(many)
	if len(w.attempts) < 3*many {
		t.Errorf("%d attempts: not all were delivered", len(w.attempts))
	}
}

func TestWhatFailsIsTriedAgainGrowingSlower(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tell(order(0).Completed())
	var mu sync.Mutex
	var asked []int
	slower := func(c *subscribe.Config) {
		c.Pause = func(attempt int) time.Duration {
			mu.Lock()
			defer mu.Unlock()
			asked = append(asked, attempt)
			return time.Duration(attempt) * 10 * time.Millisecond
		}
	}
	w.run(w.at(slower), func(ctx context.Context, e subscribe.Event) error {
		switch e.Attempt {
		case 1:
			return errTrouble
		case 2:
			panic("a bug")
		case 3:
			return subscribe.Once(ctx, w.db, e, func(ctx context.Context, tx *sql.Tx) error {
				_, err := tx.ExecContext(ctx, `insert into parcels (order_id) values ('wrong')`)
				return errors.Join(err, errTrouble)
			})
		}
		return w.ship(ctx, e)
	})
	w.until("it is shipped", func() bool { return len(w.parcels()) > 0 })
	w.settled()
	w.onceEach(1)
	mu.Lock()
	defer mu.Unlock()
	if len(asked) != 3 || asked[0] != 1 || asked[2] != 3 {
		t.Errorf("paused after the attempts %v", asked)
	}
}

func TestWhatCanNotBeReadIsParked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	broken := nats.NewMsg(w.prefix + events.PaymentCompleted)
	broken.Data = []byte(`{"merchant"`)
	broken.Header.Set("Who", "a stranger")
	w.publish(broken)
	w.tell(order(0).Completed())
	parked := make(chan subscribe.Parked, 10)
	var tried atomic.Int64
	w.run(w.at(func(c *subscribe.Config) {
		c.Park = func(_ context.Context, p subscribe.Parked) error {
			if tried.Add(1) == 1 {
				return errTrouble // nowhere to put it yet
			}
			parked <- p
			return nil
		}
	}), w.ship)
	p := receive(t, parked)
	if !errors.Is(p.Reason, subscribe.ErrUnreadable) || p.Subject != events.PaymentCompleted || string(p.Data) != `{"merchant"` ||
		p.Header["Who"][0] != "a stranger" || p.Attempt != 2 {
		t.Errorf("parked %+v", p)
	}
	w.settled()
	w.onceEach(1)
	if len(parked) > 0 {
		t.Errorf("parked once more: %+v", <-parked)
	}
}

func TestWhatIsGivenUpIsParked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tell(order(0).Completed(), order(1).Completed())
	parked := make(chan subscribe.Parked, 10)
	w.run(w.at(func(c *subscribe.Config) {
		c.MaxAttempts = 3
		c.Park = func(_ context.Context, p subscribe.Parked) error { parked <- p; return nil }
	}), func(_ context.Context, e subscribe.Event) error {
		if e.OrderID == order(0).OrderID {
			return subscribe.GiveUp(errTrouble)
		}
		return errTrouble
	})
	attempts := map[int]bool{}
	for range 2 {
		p := receive(t, parked)
		attempts[p.Attempt] = true
		if !errors.Is(p.Reason, errTrouble) {
			t.Errorf("parked because of %v", p.Reason)
		}
	}
	if !attempts[1] || !attempts[3] {
		t.Errorf("parked after the attempts %v", attempts)
	}
	w.settled()
}

func TestNoMoreIsInHandThanWasAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const many, bound = 30, 3
	for n := range many {
		w.tell(order(n).Completed())
	}
	var now, most atomic.Int64
	w.run(w.at(func(c *subscribe.Config) { c.InFlight = bound }), func(ctx context.Context, e subscribe.Event) error {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		return w.ship(ctx, e)
	})
	w.until("all are shipped", func() bool { return len(w.parcels()) == many })
	w.settled()
	w.onceEach(many)
	if most.Load() > bound {
		t.Errorf("%d were in hand at once", most.Load())
	}
}

func TestASlowHandlerKeepsItsEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alive := make(chan *nats.Msg, 100)
	if _, err := w.nc.ChanSubscribe("$JS.ACK."+w.stream()+".>", alive); err != nil {
		t.Fatal(err)
	}
	w.tell(order(0).Completed())
	w.run(w.at(func(c *subscribe.Config) { c.AckWait = time.Second }), func(ctx context.Context, e subscribe.Event) error {
		for range 4 { // more than the ack wait
			if m := <-alive; string(m.Data) != "+WPI" {
				t.Errorf("said %s", m.Data)
			}
		}
		return w.ship(ctx, e)
	})
	if e := w.next(); e.Attempt != 1 {
		t.Errorf("attempt %d", e.Attempt)
	}
	w.settled()
	w.onceEach(1)
	if len(w.attempts) > 0 {
		t.Error("another one got it too")
	}
}

func TestTheEndOfTheContextMidEffectLeavesNothingHalfDone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tell(order(0).Completed())
	begun := make(chan struct{})
	stop := w.run(w.at(func(c *subscribe.Config) { c.Drain = time.Millisecond }), func(ctx context.Context, e subscribe.Event) error {
		return subscribe.Once(ctx, w.db, e, func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, `insert into parcels (order_id) values ('wrong')`)
			close(begun)
			<-ctx.Done()
			return errors.Join(err, ctx.Err())
		})
	})
	receive(t, begun)
	stop()
	w.next()
	w.run(w.at(nil), w.ship)
	w.next()
	w.settled()
	w.onceEach(1)
}

func TestWhatIsInHandIsFinished(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tell(order(0).Completed())
	begun, stopped := make(chan struct{}), make(chan struct{})
	stop := w.run(w.at(nil), func(ctx context.Context, e subscribe.Event) error {
		close(begun)
		<-stopped
		return w.ship(ctx, e)
	})
	receive(t, begun)
	time.AfterFunc(50*time.Millisecond, func() { close(stopped) }) // while stop waits
	stop()
	w.settled()
	w.onceEach(1)
}

func TestNATSRestarts(t *testing.T) {
	t.Parallel()
	server, err := embedded.StartNATS(embedded.NATSConfig{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	address := storetest.URL(t)
	w := onServers(t, server, storetest.DB(t, address), address)
	for n := range 10 {
		w.tell(order(n).Completed())
	}
	var once sync.Once
	w.run(w.at(nil), func(ctx context.Context, e subscribe.Event) error {
		err := w.ship(ctx, e)
		once.Do(func() { // committed, and the acknowledgement finds no server
			if err := server.Restart(); err != nil {
				t.Error(err)
			}
		})
		return err
	})
	for n := range 10 {
		w.tell(order(10 + n).Completed())
	}
	w.until("all are shipped", func() bool { return len(w.parcels()) == 20 })
	w.settled()
	w.onceEach(20)
}

// settled makes a stream that was lost again, and tells again what it held.
func TestTheStreamIsLostAndMadeAgain(t *testing.T) {
	t.Parallel()
	server, err := embedded.StartNATS(embedded.NATSConfig{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	address := storetest.URL(t)
	w := onServers(t, server, storetest.DB(t, address), address)
	w.tell(order(0).Completed())
	w.run(w.at(nil), w.ship)
	w.next()
	if err := server.Wipe(); err != nil {
		t.Fatal(err)
	}
	w.makeStream()
	w.tell(order(0).Completed(), order(1).Completed())
	w.until("the second is shipped", func() bool { return len(w.parcels()) == 2 })
	w.settled()
	w.onceEach(2)
}

func TestTheDatabaseGoesAndComesBack(t *testing.T) {
	t.Parallel()
	postgres, err := embedded.StartPostgres(t.Context(), embedded.PostgresConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = postgres.Stop(context.WithoutCancel(t.Context())) })
	server, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	w := onServers(t, server, storetest.DB(t, postgres.URL()), postgres.URL())
	w.tell(order(0).Completed())
	w.run(w.at(nil), w.ship)
	w.until("the first is shipped", func() bool { return len(w.parcels()) == 1 })
	postgres.Kill()
	w.tell(order(1).Completed(), order(0).Completed())
	w.until("both have failed", func() bool {
		e := w.next()
		return e.Attempt > 2
	})
	if err := postgres.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.until("the second is shipped", func() bool { return len(w.parcels()) == 2 })
	w.settled()
	w.onceEach(2)
}

func TestAConsumerThatIsThereIsUsedOrRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	operators := jetstream.ConsumerConfig{
		Durable: w.consumer(), FilterSubject: w.prefix + events.PaymentCompleted, AckPolicy: jetstream.AckExplicitPolicy, MaxDeliver: -1,
	}
	if _, err := w.js.CreateConsumer(t.Context(), w.stream(), operators); err != nil {
		t.Fatal(err)
	}
	refused := func(what string, change func(*subscribe.Config)) {
		err := subscribe.Run(t.Context(), w.nc, w.at(change), w.ship)
		if !errors.Is(err, subscribe.ErrConsumer) {
			t.Errorf("%s: Run = %v", what, err)
		}
	}
	refused("other types", func(c *subscribe.Config) { c.Types = []string{events.RefundCompleted} })
	refused("order", func(c *subscribe.Config) { c.Ordered = true })
	w.tell(order(0).Completed())
	stop := w.run(w.at(nil), w.ship)
	w.next()
	w.settled()
	stop()
	w.tell(order(1).Completed())
	w.run(w.at(func(c *subscribe.Config) { c.Types = []string{events.PaymentCompleted} }), w.ship)
	w.next()
	w.settled()
	w.onceEach(2)
	made, err := w.js.Consumer(t.Context(), w.stream(), w.consumer())
	if err != nil || made.CachedInfo().Config.FilterSubject != operators.FilterSubject {
		t.Errorf("the consumer was changed: %+v, %v", made.CachedInfo().Config, err)
	}
}

func TestANewConsumerBeginsWhereItIsToldTo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tell(order(7).Completed())
	stream, err := w.js.Stream(t.Context(), w.stream())
	if err != nil {
		t.Fatal(err)
	}
	w.tell(order(0).Completed())
	second, err := stream.GetMsg(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	w.run(w.at(func(c *subscribe.Config) { c.Since = second.Time }), w.ship)
	w.next()
	w.settled()
	w.onceEach(1)
}

func TestAConfigurationThatCanNotWorkIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for what, change := range map[string]func(*subscribe.Config){
		"name":          func(c *subscribe.Config) { c.Name = "a.b" },
		"park":          func(c *subscribe.Config) { c.Park = nil },
		"payment.never": func(c *subscribe.Config) { c.Types = []string{"payment.never"} },
		"in flight":     func(c *subscribe.Config) { c.InFlight = -1 },
	} {
		if err := subscribe.Run(t.Context(), w.nc, w.at(change), w.ship); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: Run = %v", what, err)
		}
	}
}

func TestAClosedConnectionEndsTheSubscription(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tell(order(0).Completed())
	ended := make(chan error, 1)
	handled := make(chan struct{})
	go func() {
		ended <- subscribe.Run(t.Context(), w.nc, w.at(nil), func(context.Context, subscribe.Event) error { close(handled); return nil })
	}()
	receive(t, handled)
	w.nc.Close()
	if err := <-ended; !errors.Is(err, nats.ErrConnectionClosed) {
		t.Errorf("Run = %v", err)
	}
}
