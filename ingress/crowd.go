package ingress

import "sync"

// A wait in vain takes away the room that four commits in time give back, so that in the
// long run most of those who are let in hear in time; some are always let in, to find out
// whether commits come again.
const (
	lostByLate  = 4
	wonByCommit = 1
	alwaysIn    = 16
)

// crowd keeps the orders or the notifies of one merchant from taking all of the requests
// that may be in hand: none has more than half. While their commits come too late, or not
// at all, fewer of them are let in: whoever can't be answered in time hears so at once, and
// adds nothing to what the workers have to do already.
type crowd struct {
	most int

	mu     sync.Mutex
	groups map[groupName]*group
}

// groupName is whose requests of which kind a group are.
type groupName struct {
	kind     kind
	merchant string
}

// kind is what a request brings.
type kind int

const (
	orders kind = iota
	notifies
)

// group is one merchant's orders, or its notifies.
type group struct {
	held int
	room int // how many may be held
}

func newCrowd(inHand int) *crowd {
	return &crowd{most: max(1, inHand/2), groups: map[groupName]*group{}}
}

// enter counts one more of a kind, if there is room for it.
func (c *crowd) enter(kind kind, merchant string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.groups[groupName{kind, merchant}]
	if g == nil {
		g = &group{room: c.most}
		c.groups[groupName{kind, merchant}] = g
	}
	if g.held >= g.room {
		return false
	}
	g.held++
	return true
}

// leave gives the room back that enter gave.
func (c *crowd) leave(kind kind, merchant string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.groups[groupName{kind, merchant}].held--
}

// waited says whether a commit was waited for in vain.
func (c *crowd) waited(kind kind, merchant string, inVain bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.groups[groupName{kind, merchant}]
	if inVain {
		g.room = max(g.room-lostByLate, min(alwaysIn, c.most))
		return
	}
	g.room = min(g.room+wonByCommit, c.most)
}
