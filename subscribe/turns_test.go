package subscribe_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"settled/subscribe"
)

// story is what is told of an order, in its order.
func story(n int) []subscribe.Event {
	o := order(n)
	return []subscribe.Event{o.Prepared(), o.Closed(), o.CompletedLate(), o.RefundAccepted("R1", 1), o.RefundCompleted("R1", 1)}
}

// journal notes what has happened, in order, for each order.
type journal struct {
	mu sync.Mutex
	of map[string][]string
}

func (j *journal) note(e subscribe.Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !slices.Contains(j.of[e.OrderID], e.Type) { // what comes again is no news
		j.of[e.OrderID] = append(j.of[e.OrderID], e.Type)
	}
}

func (j *journal) check(t *testing.T, orders int) {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	for n := range orders {
		var want []string
		for _, e := range story(n) {
			want = append(want, e.Type)
		}
		if got := j.of[order(n).OrderID]; !slices.Equal(got, want) {
			t.Errorf("%s: %v", order(n).OrderID, got)
		}
	}
}

// tellStories tells them side by side, as settled does.
func (w *world) tellStories(orders int) {
	w.t.Helper()
	for chapter := range story(0) {
		for n := range orders {
			w.tell(story(n)[chapter])
		}
	}
}

func ordered(c *subscribe.Config) { c.Ordered, c.InFlight = true, 8 }

func TestTheEventsOfAnOrderKeepTheirOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const orders = 10
	w.tellStories(orders)
	j := &journal{of: map[string][]string{}}
	w.run(w.at(ordered), func(_ context.Context, e subscribe.Event) error {
		if e.Attempt <= 2 && e.OrderID[len(e.OrderID)-1]%3 == 0 {
			return errTrouble
		}
		j.note(e)
		return nil
	})
	w.settled()
	j.check(t, orders)
}

func TestAnOrderThatIsStuckHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tell(story(0)...)
	w.tell(story(1)...)
	stuck := order(0).OrderID
	free := make(chan struct{})
	j := &journal{of: map[string][]string{}}
	w.run(w.at(ordered), func(_ context.Context, e subscribe.Event) error {
		if e.OrderID == stuck {
			select {
			case <-free:
			default:
				return errTrouble
			}
		}
		j.note(e)
		return nil
	})
	w.until("the other has gone all its way", func() bool {
		j.mu.Lock()
		defer j.mu.Unlock()
		return len(j.of[order(1).OrderID]) == len(story(1))
	})
	close(free)
	w.settled()
	j.check(t, 2)
}

// Whoever takes over waits for what the one before still has in hand.
func TestTheOrderSurvivesAChangeOfProcess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	patient := func(c *subscribe.Config) { ordered(c); c.Drain = patience }
	j := &journal{of: map[string][]string{}}
	begun, finish, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	stop := w.run(w.at(patient), func(_ context.Context, e subscribe.Event) error {
		close(begun)
		<-finish
		j.note(e)
		return nil
	})
	w.tell(story(0)[0])
	receive(t, begun)
	go func() { stop(); close(ended) }()
	w.until("the first takes no more", func() bool { return w.pulls() == 0 })
	w.run(w.at(patient), func(_ context.Context, e subscribe.Event) error { j.note(e); return nil })
	w.tell(story(0)[1:]...)
	w.until("the second holds the rest", func() bool { return w.inHand() == len(story(0)) })
	w.pulledAgain() // it has looked whether it may begin
	close(finish)
	receive(t, ended)
	w.settled()
	j.check(t, 1)
}

// What a process that died had in hand comes back only when its ack wait is over; what is
// told meanwhile must not overtake it.
func TestAProcessThatReadsInOrderIsKilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.name = "ordered"
	const orders = 3
	for n := range orders {
		w.tell(story(n)[0])
	}
	victim := w.start("ordered")
	for range orders {
		victim.await("begun")
	}
	victim.kill()
	j := &journal{of: map[string][]string{}}
	w.run(w.at(ordered), func(_ context.Context, e subscribe.Event) error { j.note(e); return nil })
	for n := range orders {
		w.tell(story(n)[1:]...)
	}
	w.settled()
	j.check(t, orders)
}
