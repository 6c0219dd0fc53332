package ingress

import "sync"

// crowd keeps the orders or the notifies of one merchant from taking all of the requests
// that may be in hand: none has more than half.
type crowd struct {
	most int

	mu   sync.Mutex
	held map[string]int
}

func newCrowd(inHand int) *crowd {
	return &crowd{most: max(1, inHand/2), held: map[string]int{}}
}

// enter counts one more of a kind, if there is room for it.
func (c *crowd) enter(kind, merchant string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held[kind+merchant] >= c.most {
		return false
	}
	c.held[kind+merchant]++
	return true
}

func (c *crowd) leave(kind, merchant string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held[kind+merchant]--; c.held[kind+merchant] == 0 {
		delete(c.held, kind+merchant)
	}
}
