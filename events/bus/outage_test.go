package bus_test

import (
	"context"
	"testing"
	"time"

	"settled/embedded"
	"settled/events"
	"settled/events/bus"
)

func TestAStopFinishesWhatIsInHandAndGivesBackTheRest(t *testing.T) {
	t.Parallel()
	w := onShared(t)
	begun, finish := make(chan struct{}), make(chan struct{})
	seen, stop := w.consume(events.Consumer{InFlight: 1}, func(context.Context, delivery) error {
		close(begun)
		<-finish
		return nil
	})
	w.send(1)
	<-begun
	w.send(2)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		stop()
	}()
	select {
	case <-stopped:
		t.Error("stopped with work in hand")
	case <-time.After(50 * time.Millisecond): // long enough for a stop that does not wait
	}
	close(finish)
	<-stopped
	if d := w.next(seen); d.number != 1 {
		t.Errorf("finished %+v", d)
	}
	seen, _ = w.consume(events.Consumer{}, func(context.Context, delivery) error { return nil })
	if d := w.next(seen); d.number != 2 {
		t.Errorf("the next process got %+v, want message 2 alone", d)
	}
	w.settledDown("prepare")
}

func TestAHeldMessageIsGivenBackAtAStop(t *testing.T) {
	t.Parallel()
	w := onShared(t)
	seen, stop := w.consume(events.Consumer{AckWait: time.Hour}, func(context.Context, delivery) error { return events.Hold(errBroken) })
	w.send(1)
	w.next(seen)
	stop()
	seen, _ = w.consume(events.Consumer{AckWait: time.Hour}, func(context.Context, delivery) error { return nil })
	if d := w.next(seen); d.number != 1 {
		t.Errorf("the next process got %+v", d)
	}
}

func TestConsumptionSurvivesTheServer(t *testing.T) {
	t.Parallel()
	for name, happens := range map[string]func(*embedded.NATS) error{
		"it restarts":              (*embedded.NATS).Restart,
		"it loses all that it had": (*embedded.NATS).Wipe,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := ownServer(t)
			w := onServer(t, server, bus.Config{})
			seen, _ := w.consume(events.Consumer{}, func(context.Context, delivery) error { return nil })
			w.send(1)
			w.next(seen)
			if err := happens(server); err != nil {
				t.Fatal(err)
			}
			w.send(2)
			w.until("message 2", func() bool { return w.next(seen).number == 2 })
		})
	}
}

func TestAConsumerThatIsDeletedIsMadeAgain(t *testing.T) {
	t.Parallel()
	w := onShared(t)
	seen, _ := w.consume(events.Consumer{}, func(context.Context, delivery) error { return nil })
	w.send(1)
	w.next(seen)
	w.settledDown("prepare")
	if err := w.client.DeleteConsumer(t.Context(), w.streamName(bus.Orders), w.streamName("prepare")); err != nil {
		t.Fatal(err)
	}
	w.send(2)
	w.until("message 2", func() bool { return w.next(seen).number == 2 })
}

func TestTheServerMayComeLater(t *testing.T) {
	t.Parallel()
	server := ownServer(t)
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	w := connect(t, server, bus.Config{})
	if err := w.Ready(t.Context()); err == nil {
		t.Error("ready without a server")
	}
	seen, _ := w.consume(events.Consumer{}, func(context.Context, delivery) error { return nil })
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	w.send(1)
	w.next(seen)
	if err := w.Ready(t.Context()); err != nil {
		t.Errorf("not ready: %v", err)
	}
}
