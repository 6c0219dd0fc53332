// Package subscribetest is for the tests of services that act on what settled tells. It
// builds events as they come over the wire, and delivers them to a handler as badly as a
// stream may: twice, out of order, to two machines at once, and again after a crash between
// the commit and the acknowledgement. A handler that is right has one effect of each.
//
//	for seed := range uint64(20) {
//		tea := subscribetest.Order{OrderID: fmt.Sprint("tea-", seed), Total: 1999}
//		subscribetest.Deliver(t, seed, handler, tea.Prepared(), tea.Completed())
//		// … and one parcel was sent
//	}
//
// It must never be imported by anything but tests, and needs no server of its own.
package subscribetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"settled/subscribe"
)

// Subscriber is the Event.Subscriber of what is delivered.
const Subscriber = "subscribetest"

// most is how often an event is delivered before its handler counts as broken.
const most = 12

// Deliver hands every event to the handler, again and again, until it has said of each twice
// that it is done. The same seed gives the same deliveries in the same order. It fails the
// test if an event is never done; what a handler gives up counts as done.
//
// The trouble that is made: each event is told twice; all are shuffled; a third of the
// acknowledgements are lost; a quarter go to two machines at the same moment; and some come
// to a process that is ending, with a context that is over.
func Deliver(t testing.TB, seed uint64, handle subscribe.Handler, told ...subscribe.Event) {
	t.Helper()
	d := delivery{ctx: t.Context(), random: rand.New(rand.NewPCG(seed, 1)), handle: handle} //nolint:gosec // chance has to be repeatable
	var waiting []subscribe.Event
	for _, event := range told {
		event.Subscriber, event.Attempt = Subscriber, 0
		waiting = append(waiting, event, event)
	}
	for len(waiting) > 0 {
		at := d.random.IntN(len(waiting))
		event := waiting[at]
		waiting = append(waiting[:at], waiting[at+1:]...)
		event.Attempt++
		again, err := d.once(event)
		switch {
		case again && event.Attempt < most:
			waiting = append(waiting, event)
		case err != nil:
			t.Errorf("seed %d: %s of %s was not done in %d deliveries: %v", seed, event.Type, event.OrderID, most, err)
		}
	}
}

// delivery is one Deliver at work.
type delivery struct {
	ctx    context.Context //nolint:containedctx // the test's own
	random *rand.Rand
	handle subscribe.Handler
}

// once delivers an event and reports whether it has to come again.
func (d *delivery) once(event subscribe.Event) (again bool, err error) {
	ending, twins, lost := d.random.IntN(6) == 0, d.random.IntN(4) == 0, d.random.IntN(3) == 0
	ctx := d.ctx
	if ending && event.Attempt == 1 {
		over, cancel := context.WithCancel(ctx)
		cancel()
		ctx = over
	}
	var machines sync.WaitGroup
	if twins {
		machines.Go(func() { _ = d.call(d.ctx, event) }) // the other one's word decides
	}
	err = d.call(ctx, event)
	machines.Wait()
	if subscribe.IsGivenUp(err) {
		return false, nil
	}
	return err != nil || lost && event.Attempt < most/2, err
}

func (d *delivery) call(ctx context.Context, event subscribe.Event) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v", cause)
		}
	}()
	return d.handle(ctx, event)
}
