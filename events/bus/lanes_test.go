package bus_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"settled/embedded"
	"settled/events"
	"settled/events/bus"
)

// backlogged is a world in which whatever waits is old, with so many messages waiting.
func backlogged(t *testing.T, messages int) *world {
	t.Helper()
	server, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	w := onServer(t, server, bus.Config{Prefix: fmt.Sprintf("lanes%d.", prefixes.Add(1)), Stale: time.Nanosecond})
	w.fill(0, messages)
	return w
}

// fill publishes the messages from first on.
func (w *world) fill(first, many int) {
	w.t.Helper()
	for at := first; at < first+many; at += 1000 {
		var wave []events.Envelope
		for n := at; n < min(at+1000, first+many); n++ {
			wave = append(wave, requested(n))
		}
		_, failures := w.PublishAll(w.t.Context(), wave)
		if err := errors.Join(failures...); err != nil {
			w.t.Fatal(err)
		}
	}
}

// lanes are the names of the durable consumers of payment.requested.
func (w *world) lanes() []string {
	stream, err := w.client.Stream(w.t.Context(), w.streamName(bus.Orders))
	if err != nil {
		w.t.Fatal(err)
	}
	var names []string
	for name := range stream.ConsumerNames(w.t.Context()).Name() {
		names = append(names, name)
	}
	return names
}

// tally counts how often each message was handled.
type tally struct {
	mu    sync.Mutex
	times map[int]int
}

func (y *tally) handle(_ context.Context, d delivery) error {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.times == nil {
		y.times = map[int]int{}
	}
	y.times[d.number]++
	return nil
}

func (y *tally) handled() int {
	y.mu.Lock()
	defer y.mu.Unlock()
	return len(y.times)
}

// drain lets deliveries go by, so that handlers are not kept waiting.
func drain(seen <-chan delivery) {
	go func() {
		for range seen {
		}
	}()
}

// The old messages are all in the way, and none of them ends: the new one is handled.
func TestANewMessageIsHandledBesideABacklog(t *testing.T) {
	t.Parallel()
	w := backlogged(t, 100)
	begun, release := make(chan struct{}, 100), make(chan struct{})
	fresh := make(chan struct{})
	seen, stop := w.consume(events.Consumer{InFlight: 4}, func(ctx context.Context, d delivery) error {
		if d.number >= 1000 {
			close(fresh)
			return nil
		}
		begun <- struct{}{}
		return gate(ctx, release)
	})
	drain(seen)
	for range 4 {
		<-begun
	}
	w.until("a second lane", func() bool { return len(w.lanes()) == 2 })
	w.send(1000)
	select {
	case <-fresh:
	case <-time.After(patience):
		t.Error("the new message waits behind the backlog")
	}
	close(release)
	w.until("the backlog is worked off and one lane is left", func() bool { return len(w.lanes()) == 1 })
	stop()
}

// Two processes, a backlog, and more that comes meanwhile: whatever lanes are opened and
// removed, each message is handled, and by one lane alone.
func TestEachMessageBelongsToOneLane(t *testing.T) {
	t.Parallel()
	const backlog, later = 1200, 800
	w := backlogged(t, backlog)
	other := connect(t, must(shared()), w.cfg)
	var y tally
	for _, process := range []*world{w, other} {
		seen, _ := process.consume(events.Consumer{InFlight: 8}, y.handle)
		drain(seen)
	}
	w.fill(backlog, later)
	w.until("every message is handled", func() bool { return y.handled() == backlog+later })
	w.until("one lane is left", func() bool { return len(w.lanes()) == 1 })
	for n, times := range y.times {
		if times != 1 {
			t.Errorf("message %d was handled %d times", n, times)
		}
	}
}

// A message of the oldest lane comes back only in an hour: the lanes behind it are worked off.
func TestOneMessageDoesNotHoldUpTheNextLane(t *testing.T) {
	t.Parallel()
	w := backlogged(t, 100)
	var y tally
	seen, stop := w.consume(events.Consumer{InFlight: 4}, func(ctx context.Context, d delivery) error {
		if d.number == 0 {
			return events.Later(errors.New("in an hour"), time.Hour)
		}
		return y.handle(ctx, d)
	})
	drain(seen)
	for lanes := 2; lanes <= 4; lanes++ {
		w.until("another lane", func() bool { return len(w.lanes()) == lanes })
		w.fill(100*(lanes-1), 100)
	}
	w.until("all others are handled", func() bool { return y.handled() == 399 })
	stop()
}

// The oldest lane has much to do, and all of it is slow: what came after it and is not the
// newest any more does not wait for its end.
func TestALaneInTheMiddleDoesNotWaitForTheOldest(t *testing.T) {
	t.Parallel()
	w := backlogged(t, 1000)
	var y tally
	slow := make(chan struct{}, 1000)
	seen, stop := w.consume(events.Consumer{InFlight: 4}, func(ctx context.Context, d delivery) error {
		if d.number < 1000 {
			return gate(ctx, slow)
		}
		return y.handle(ctx, d)
	})
	drain(seen)
	for lanes := 2; lanes <= 4; lanes++ {
		w.until("another lane", func() bool { return len(w.lanes()) >= lanes })
		w.fill(1000+50*(lanes-2), 50)
	}
	for range 200 {
		slow <- struct{}{} // one of the oldest lane is through
	}
	w.until("all others are handled", func() bool { return y.handled() == 150 })
	close(slow)
	stop()
}

// A lane that somebody deletes takes nothing with it, be it the oldest or the newest.
func TestALaneThatIsLostIsReadByAnother(t *testing.T) {
	t.Parallel()
	for _, lost := range []string{"prepare", "prepare_2"} {
		t.Run(lost, func(t *testing.T) {
			t.Parallel()
			w := backlogged(t, 200)
			var y tally
			release := make(chan struct{})
			_, stop := w.consume(events.Consumer{InFlight: 4, AckWait: time.Second}, func(ctx context.Context, _ delivery) error {
				return gate(ctx, release)
			})
			w.until("a second lane", func() bool { return len(w.lanes()) == 2 })
			w.fill(200, 100)
			if err := w.client.DeleteConsumer(t.Context(), w.streamName(bus.Orders), w.streamName(lost)); err != nil {
				t.Fatal(err)
			}
			go stop()
			close(release)
			seen, _ := w.consume(events.Consumer{InFlight: 4, AckWait: time.Second}, y.handle)
			drain(seen)
			// What the first process had in hand counts as handled.
			w.until("all the others are handled", func() bool { return y.handled() >= 300-8 })
			w.until("one lane is left", func() bool { return len(w.lanes()) == 1 })
		})
	}
}

// A full stream refuses, makes room while it is worked on, and takes again; what the
// oldest lane has not done is never purged, whatever the newer ones have.
func TestAFullStreamTakesAgainOnceItIsTrimmed(t *testing.T) {
	t.Parallel()
	server, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	const room = 1000
	w := onServer(t, server, bus.Config{Prefix: fmt.Sprintf("lanes%d.", prefixes.Add(1)), Stale: time.Nanosecond, MaxMessages: room})
	w.fill(0, room-100)
	var y tally
	release := make(chan struct{})
	seen, _ := w.consume(events.Consumer{InFlight: 32}, func(ctx context.Context, d delivery) error {
		if d.number < room-100 {
			if err := gate(ctx, release); err != nil {
				return err
			}
		}
		return y.handle(ctx, d)
	})
	drain(seen)
	w.until("a second lane", func() bool { return len(w.lanes()) == 2 })
	w.fill(room-100, 100)
	w.until("the newer ones are handled", func() bool { return y.handled() == 100 })
	if err := w.Trim(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.Publish(t.Context(), requested(room)); !errors.Is(err, bus.ErrFull) {
		t.Errorf("a stream full of what is not done yet: %v, want ErrFull", err)
	}
	close(release)
	w.until("there is room again", func() bool {
		if err := w.Trim(t.Context()); err != nil {
			t.Fatal(err)
		}
		return w.Publish(t.Context(), requested(room)) == nil
	})
	w.until("all is worked off", func() bool { return y.handled() == room+1 })
}

func must(server *embedded.NATS, err error) *embedded.NATS {
	if err != nil {
		panic(err)
	}
	return server
}

// gate keeps a handler until it is released, or has to end.
func gate(ctx context.Context, release <-chan struct{}) error {
	select {
	case <-release:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
