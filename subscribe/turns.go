package subscribe

import (
	"cmp"
	"context"
	"slices"
	"sync"
)

// turns lets those who are about the same order go one after the other, in the order in
// which they lined up.
type turns struct {
	mu   sync.Mutex
	last map[string]chan struct{} // closed when the last one of the line has gone
}

func newTurns() *turns { return &turns{last: map[string]chan struct{}{}} }

// lineUp returns what to wait for, nil if there is nobody before, and what to call at the
// end.
func (t *turns) lineUp(about string) (before <-chan struct{}, gone func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	mine := make(chan struct{})
	before = t.last[about]
	t.last[about] = mine
	return before, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.last[about] == mine {
			delete(t.last, about)
		}
		close(mine)
	}
}

// pinHeader names who the server has chosen to give messages to.
const pinHeader = "Nats-Pin-Id"

// relay is how the reading in order passes from one process to the next. Whoever is chosen
// anew gets what nobody has had yet, while older events may still be in the hands of the
// one before. So it begins with none before it knows that it holds all there are.
type relay struct {
	pin  string
	sure bool
	held []*task
}

// lineUp takes a message that is to be handled in order.
func (r *reader) lineUp(t *task) {
	if pin := t.Headers().Get(pinHeader); pin != r.relay.pin {
		r.relay.pin, r.relay.sure = pin, false
	}
	if !r.relay.sure || r.stopping.Err() != nil {
		r.relay.held = append(r.relay.held, t)
		return
	}
	r.begin(t)
}

// takeOver begins with what is held once nothing is in anybody else's hands: those come
// here when they fail there, or when their ack wait is over.
func (r *reader) takeOver() error {
	if r.relay.sure || len(r.hands) > len(r.relay.held) { // what we began under an earlier pin
		return nil
	}
	ctx, cancel := context.WithTimeout(r.stopping, reach)
	defer cancel()
	info, err := r.consumer.Info(ctx)
	if err != nil {
		return err
	}
	if info.NumAckPending > len(r.relay.held) {
		return nil
	}
	r.relay.sure = true
	held := r.relay.held
	r.relay.held = nil
	slices.SortStableFunc(held, func(a, b *task) int { return cmp.Compare(a.number, b.number) })
	for _, t := range held {
		r.begin(t)
	}
	return nil
}

// begin lets a message wait for its turn, and then be worked on.
func (r *reader) begin(t *task) {
	before, gone := r.turns.lineUp(t.line())
	go func() {
		defer gone()
		if before != nil {
			select {
			case <-before:
			case <-r.stopping.Done(): // it is given back
			}
		}
		r.work(t)
	}()
}

// letGo gives back what was held and never begun.
func (r *reader) letGo() {
	for _, t := range r.relay.held {
		r.say(t, "give back", t.Nak)
		t.release()
		r.dropHands(1)
	}
	r.relay.held = nil
}
