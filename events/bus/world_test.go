package bus_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"settled/embedded"
	"settled/events"
	"settled/events/bus"
)

const patience = 30 * time.Second

// shared is the server of all tests that do nothing to it; each has a prefix of its own.
var shared = sync.OnceValues(func() (*embedded.NATS, error) { return embedded.StartNATS(embedded.NATSConfig{}) })

var prefixes atomic.Int64

func TestMain(m *testing.M) {
	defer func() {
		if server, err := shared(); err == nil {
			_ = server.Stop()
		}
	}()
	m.Run()
}

// world is a server, a bus on it, and a plain client beside it.
type world struct {
	*bus.Bus
	t      *testing.T
	cfg    bus.Config
	client jetstream.JetStream
}

// onShared is a world with a prefix of its own.
func onShared(t *testing.T) *world {
	t.Helper()
	server, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return onServer(t, server, bus.Config{Prefix: fmt.Sprintf("test%d.", prefixes.Add(1))})
}

// ownServer is a server that the test may restart.
func ownServer(t *testing.T) *embedded.NATS {
	t.Helper()
	server, err := embedded.StartNATS(embedded.NATSConfig{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	return server
}

func onServer(t *testing.T, server *embedded.NATS, cfg bus.Config) *world {
	t.Helper()
	w := connect(t, server, cfg)
	if err := w.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

// connect is a world whose streams nobody has made.
func connect(t *testing.T, server *embedded.NATS, cfg bus.Config) *world {
	t.Helper()
	cfg.URL, cfg.Log = server.URL(), slog.New(slog.DiscardHandler)
	b, err := bus.Connect(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close(context.WithoutCancel(t.Context())) })
	nc, err := nats.Connect(server.URL(), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond), nats.RetryOnFailedConnect(true))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	client, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return &world{Bus: b, t: t, cfg: cfg, client: client}
}

// send publishes a payment.requested that holds n.
func (w *world) send(n int) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	if err := w.Publish(ctx, requested(n)); err != nil {
		w.t.Fatal(err)
	}
}

func requested(n int) events.Envelope {
	data, _ := json.Marshal(n)
	return events.Envelope{
		ID: fmt.Sprintf("id-%d", n), Type: events.PaymentRequested, Merchant: "classic", OrderID: fmt.Sprintf("order%04d", n), Data: data,
	}
}

// delivery is a message that a handler was given.
type delivery struct{ number, attempt int }

// consume hands every payment.requested to handle, until the test ends or stop is called;
// what was handled comes out of the channel.
func (w *world) consume(cfg events.Consumer, handle func(ctx context.Context, d delivery) error) (seen <-chan delivery, stop func()) {
	w.t.Helper()
	if cfg.Name == "" {
		cfg.Name = "prepare"
	}
	if cfg.InFlight == 0 {
		cfg.InFlight = 4
	}
	cfg.Subject = events.PaymentRequested
	deliveries := make(chan delivery, 1000)
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	ended := make(chan error, 1)
	go func() {
		ended <- w.Consume(ctx, cfg, func(ctx context.Context, m events.Message) error {
			d := delivery{attempt: m.Attempt}
			if err := json.Unmarshal(m.Data, &d.number); err != nil {
				return events.Park(err)
			}
			err := handle(ctx, d)
			deliveries <- d
			return err
		})
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("Consume = %v", err)
		}
	})
	w.t.Cleanup(stop)
	return deliveries, stop
}

// next waits for the next delivery.
func (w *world) next(seen <-chan delivery) delivery {
	w.t.Helper()
	select {
	case d := <-seen:
		return d
	case <-time.After(patience):
		w.t.Fatal("no delivery")
		return delivery{}
	}
}

// settledDown waits until the consumer has nothing waiting and nothing in hand, and
// returns what was handled until then.
func (w *world) settledDown(name string) {
	w.t.Helper()
	w.until("nothing waits", func() bool {
		stream, err := w.client.Stream(w.t.Context(), w.streamName(bus.Orders))
		if err != nil {
			return false
		}
		consumer, err := stream.Consumer(w.t.Context(), w.streamName(name))
		if err != nil {
			return false
		}
		info, err := consumer.Info(w.t.Context())
		return err == nil && info.NumPending == 0 && info.NumAckPending == 0
	})
}

func (w *world) streamName(name string) string {
	if w.cfg.Prefix == "" {
		return name
	}
	return w.cfg.Prefix[:len(w.cfg.Prefix)-1] + "_" + name
}

func (w *world) until(what string, holds func() bool) {
	w.t.Helper()
	deadline := time.After(patience)
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for !holds() {
		select {
		case <-ticker.C:
		case <-deadline:
			w.t.Fatalf("waited in vain: %s", what)
		}
	}
}

// letters waits for a number of dead letters.
func (w *world) letters(count int) []bus.DeadLetter {
	w.t.Helper()
	var letters []bus.DeadLetter
	w.until(fmt.Sprintf("%d dead letters", count), func() bool {
		letters = nil
		for letter, err := range w.DeadLetters(w.t.Context(), bus.Letters{}) {
			if err != nil {
				return false
			}
			letters = append(letters, letter)
		}
		return len(letters) == count
	})
	return letters
}
