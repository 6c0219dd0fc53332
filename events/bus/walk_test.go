package bus_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled/events"
	"settled/events/bus"
)

// told publishes an event that settled tells of, and returns when the stream has it.
func (w *world) told(eventType string, n int) {
	w.t.Helper()
	e := requested(n)
	e.Type = eventType
	if err := w.Publish(w.t.Context(), e); err != nil {
		w.t.Fatal(err)
	}
}

// walked reads what a walk passes by, as far as most messages.
func (w *world) walked(walk bus.Walk, most int) (ids []string, withBody int) {
	w.t.Helper()
	for batch, err := range w.Walk(w.t.Context(), walk) {
		if err != nil {
			w.t.Fatal(err)
		}
		for _, m := range batch {
			ids = append(ids, m.Value(events.HeaderID)+" "+m.Subject)
			withBody += min(1, len(m.Data))
		}
		if len(ids) >= most {
			break
		}
	}
	return ids, withBody
}

// consumers is how many a stream has.
func (w *world) consumers(name string) int {
	w.t.Helper()
	stream, err := w.client.Stream(w.t.Context(), w.streamName(name))
	if err != nil {
		w.t.Fatal(err)
	}
	return stream.CachedInfo().State.Consumers
}

func TestAWalkPassesEveryMessageAndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	w := onShared(t)
	const many = 1203
	var want []string
	for n := range many {
		eventType := events.PaymentPrepared
		if n%3 == 0 {
			eventType = events.PaymentCompleted
		}
		w.told(eventType, n)
		want = append(want, fmt.Sprintf("id-%d %s", n, eventType))
	}
	all, bodies := w.walked(bus.Walk{Stream: bus.Out}, many+1)
	if diff := cmp.Diff(want, all); diff != "" || bodies != many {
		t.Errorf("%d bodies; walked (-want +got):\n%s", bodies, diff)
	}
	some, bodies := w.walked(bus.Walk{Stream: bus.Out, Subject: events.PaymentCompleted, Headless: true}, many)
	if len(some) != many/3 || bodies != 0 {
		t.Errorf("%d completed with %d bodies", len(some), bodies)
	}
	if first, _ := w.walked(bus.Walk{Stream: bus.Out}, 1); len(first) == many {
		t.Error("a walk that was broken off went on")
	}
	if none, _ := w.walked(bus.Walk{Stream: bus.Notify}, 1); len(none) > 0 {
		t.Errorf("an empty stream has %v", none)
	}
	if n := w.consumers(bus.Out) + w.consumers(bus.Notify); n != 0 {
		t.Errorf("%d consumers are left", n)
	}
}

func TestAWalkBeginsWhereItIsToldTo(t *testing.T) {
	t.Parallel()
	w := onShared(t)
	for n := range 3 {
		w.told(events.PaymentPrepared, n)
	}
	stream, err := w.client.Stream(t.Context(), w.streamName(bus.Out))
	if err != nil {
		t.Fatal(err)
	}
	second, err := stream.GetMsg(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	if later, _ := w.walked(bus.Walk{Stream: bus.Out, Since: second.Time}, 9); len(later) != 2 {
		t.Errorf("walked %v", later)
	}
	if none, _ := w.walked(bus.Walk{Stream: bus.Out, Since: time.Now().Add(time.Hour)}, 9); len(none) > 0 {
		t.Errorf("walked %v", none)
	}
}

func TestAWalkPassesOverHoles(t *testing.T) {
	t.Parallel()
	w := onShared(t)
	for n := range 4 {
		w.told(events.PaymentPrepared, n)
	}
	stream, err := w.client.Stream(t.Context(), w.streamName(bus.Out))
	if err != nil {
		t.Fatal(err)
	}
	for _, sequence := range []uint64{2, 4} {
		if err := stream.DeleteMsg(t.Context(), sequence); err != nil {
			t.Fatal(err)
		}
	}
	if left, _ := w.walked(bus.Walk{Stream: bus.Out}, 9); len(left) != 2 {
		t.Errorf("walked %v", left)
	}
}

// Whoever walks must never take half a stream for all of it.
func TestAWalkThatCanNotGoOnFails(t *testing.T) {
	t.Parallel()
	w := onShared(t)
	w.told(events.PaymentPrepared, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, walk := range []struct {
		ctx    context.Context
		stream string
	}{{ctx, bus.Out}, {t.Context(), "SETTLED_NOWHERE"}} {
		failed := false
		for _, err := range w.Walk(walk.ctx, bus.Walk{Stream: walk.stream}) {
			failed = failed || err != nil
		}
		if !failed {
			t.Errorf("the walk through %s did not fail", walk.stream)
		}
	}
}

func TestAStreamHoldsWhatItWasGivenUntilItGrowsOld(t *testing.T) {
	t.Parallel()
	w := onShared(t)
	stream, err := w.client.Stream(t.Context(), w.streamName(bus.Out))
	if err != nil {
		t.Fatal(err)
	}
	created := stream.CachedInfo().Created
	if since, err := w.HoldsSince(t.Context(), bus.Out); err != nil || !since.Equal(created) {
		t.Errorf("a new one since %s, %v, want %s", since, err, created)
	}
	w.told(events.PaymentPrepared, 1)
	w.told(events.PaymentPrepared, 2)
	if err := stream.DeleteMsg(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	second, err := stream.GetMsg(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	if since, err := w.HoldsSince(t.Context(), bus.Out); err != nil || !since.After(second.Time) {
		t.Errorf("one that has lost its first message since %s, %v", since, err)
	}
	if _, err := w.HoldsSince(t.Context(), "SETTLED_NOWHERE"); err == nil {
		t.Error("a stream that is not there holds something")
	}
}
