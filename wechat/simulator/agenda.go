package simulator

import (
	"sync"
	"time"
)

// agenda is what has still to happen by itself.
type agenda struct {
	mu      sync.Mutex
	closed  bool
	waiting map[*entry]*time.Timer
	group   sync.WaitGroup
}

type entry struct{ do func() }

func newAgenda() *agenda { return &agenda{waiting: map[*entry]*time.Timer{}} }

// after does something after a delay, unless the agenda is closed by then.
func (a *agenda) after(delay time.Duration, do func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return
	}
	e := &entry{do}
	a.waiting[e] = time.AfterFunc(delay, func() { a.run(e) })
}

func (a *agenda) run(e *entry) {
	a.mu.Lock()
	if a.closed {
		a.mu.Unlock()
		return
	}
	delete(a.waiting, e)
	a.group.Add(1)
	a.mu.Unlock()
	defer a.group.Done()
	e.do()
}

// close drops what has not begun, and waits for what has.
func (a *agenda) close() {
	a.mu.Lock()
	a.closed = true
	for _, timer := range a.waiting {
		timer.Stop()
	}
	a.waiting = nil
	a.mu.Unlock()
	a.group.Wait()
}
