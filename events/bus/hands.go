package bus

import (
	"context"
	"sync"
	"time"
)

// hands are what handlers run in, counted by lane. A hand that has done its work waits for
// more: its stack has grown to what a handler needs, which takes a twentieth of the work.
type hands struct {
	mu      sync.Mutex
	busy    map[string]int
	free    chan struct{} // one was freed since somebody last waited
	work    chan func()   // for hands that have nothing to do
	running sync.WaitGroup
}

func newHands() *hands {
	return &hands{busy: map[string]int{}, free: make(chan struct{}, 1), work: make(chan func())}
}

// held is how many of a lane's messages are in hand; "" is all lanes.
func (h *hands) held(lane string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	if lane != "" {
		return h.busy[lane]
	}
	all := 0
	for _, n := range h.busy {
		all += n
	}
	return all
}

// take runs do in a hand of the lane's.
func (h *hands) take(lane string, do func()) {
	h.mu.Lock()
	h.busy[lane]++
	h.mu.Unlock()
	h.running.Add(1)
	job := func() {
		defer h.give(lane)
		do()
	}
	select {
	case h.work <- job:
	default:
		go h.run(job)
	}
}

// run does one job after the other until the hands are dismissed.
func (h *hands) run(job func()) {
	job()
	for job := range h.work {
		job()
	}
}

func (h *hands) give(lane string) {
	h.mu.Lock()
	if h.busy[lane]--; h.busy[lane] == 0 {
		delete(h.busy, lane)
	}
	h.mu.Unlock()
	select {
	case h.free <- struct{}{}:
	default:
	}
	h.running.Done()
}

// freed waits until a hand may be free, but not for longer than most.
func (h *hands) freed(ctx context.Context, most time.Duration) error {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-h.free:
	case <-timer.C:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// dismiss waits until no hand is busy, and ends them all. Nothing may be taken afterwards.
func (h *hands) dismiss() {
	h.running.Wait()
	close(h.work)
}
