package workers

import "sync"

// hands are how much of what is due a pool looks at at once.
type hands struct {
	slots   chan struct{}
	freed   chan struct{} // a hand is free again
	working sync.WaitGroup
}

func newHands(n int) *hands {
	return &hands{slots: make(chan struct{}, n), freed: make(chan struct{}, 1)}
}

// take gives one hand something to do; there must be a free one.
func (h *hands) take(do func()) {
	h.slots <- struct{}{}
	h.working.Go(func() {
		defer func() {
			<-h.slots
			select {
			case h.freed <- struct{}{}:
			default: // somebody was told already
			}
		}()
		do()
	})
}

// free are the hands with nothing to do.
func (h *hands) free() int { return h.most() - len(h.slots) }

// most are all of them.
func (h *hands) most() int { return cap(h.slots) }

// wait waits until nothing is in hand.
func (h *hands) wait() { h.working.Wait() }
