package batch

import "time"

// patience, and perItem for each of its items, is how long a run may take before another one
// begins beside it, for however few callers: they wait for whatever holds it up, and others need
// not. A large run takes longer when nothing holds it up.
const (
	patience = 25 * time.Millisecond
	perItem  = 500 * time.Microsecond
)

// watch notes when a run of so many items takes long; the function that it returns notes its end.
func (g *Group[In, Out]) watch(items int) (end func()) {
	var over, slow bool // under the lock
	timer := time.AfterFunc(patience+time.Duration(items)*perItem, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if over {
			return
		}
		slow = true
		g.slow++
		g.start()
	})
	return func() {
		timer.Stop()
		g.mu.Lock()
		defer g.mu.Unlock()
		over = true
		g.items -= items
		if slow {
			g.slow--
		}
	}
}
