package simulator

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// holdAtMost is how long an out-of-order notify waits for another to overtake it.
const holdAtMost = 5 * time.Second

// notifier sends the notifies: as many at a time as there are senders, each repeated
// until it is heard or the schedule ends. A notify that waits is a timer, not a goroutine.
type notifier struct {
	s      *Simulator
	client *http.Client
	ctx    context.Context //nolint:containedctx // ends with the notifier: a notify is nobody's call
	cancel context.CancelFunc
	group  sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	ready    []*dispatch
	senders  int
	waiting  map[*dispatch]*time.Timer
	held     []*dispatch
	holdback *time.Timer // releases what is held when nothing else does
}

// dispatch is one notify on its way, repeats included.
type dispatch struct {
	news     news
	attempts int
	pauses   []time.Duration // before the sendings that are left
	copied   bool            // one more of the same: sent once, and not missed
}

func newNotifier(s *Simulator) *notifier {
	ctx, cancel := context.WithCancel(context.Background())
	client := s.cfg.HTTP
	if client == nil {
		client = notifyClient(s.cfg.NotifySenders)
	}
	return &notifier{s: s, client: client, ctx: ctx, cancel: cancel, waiting: map[*dispatch]*time.Timer{}}
}

// announce begins to notify the merchant.
func (n *notifier) announce(about news) {
	a, number, _ := about.about()
	faults, dice := n.s.switches.of(number).Notify, n.s.dice
	if dice.chance(faults.Silent) {
		n.s.tally.silenced.Add(1)
		return
	}
	dispatches := []*dispatch{{news: about, pauses: n.schedule(a)}}
	if dice.chance(faults.Double) {
		for range faults.Copies - 1 {
			dispatches = append(dispatches, &dispatch{news: about, copied: true})
		}
	}
	late, outOfOrder := dice.chance(faults.Late), dice.chance(faults.OutOfOrder)
	for _, d := range dispatches {
		switch {
		case late:
			n.later(d, time.Duration(faults.LateBy))
		case outOfOrder:
			n.hold(d)
		default:
			n.now(d)
		}
	}
}

func (n *notifier) schedule(a *account) []time.Duration {
	if n.s.cfg.NotifySchedule != nil {
		return n.s.cfg.NotifySchedule
	}
	return a.protocol.schedule()
}

// now has a notify sent as soon as a sender is free.
func (n *notifier) now(d *dispatch) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.push(d)
}

// later has a notify sent after a delay.
func (n *notifier) later(d *dispatch, delay time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return
	}
	n.waiting[d] = time.AfterFunc(n.s.compressed(delay), func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.waiting, d)
		n.push(d)
	})
}

// hold keeps a notify back until another one was sent and answered.
func (n *notifier) hold(d *dispatch) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return
	}
	n.held = append(n.held, d)
	if n.holdback == nil {
		n.holdback = time.AfterFunc(n.s.compressed(holdAtMost), n.release)
	}
}

// release has everything sent that was held back.
func (n *notifier) release() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.holdback != nil {
		n.holdback.Stop()
		n.holdback = nil
	}
	for _, d := range n.held {
		n.push(d)
	}
	n.held = nil
}

// push needs the lock.
func (n *notifier) push(d *dispatch) {
	if n.closed {
		return
	}
	n.ready = append(n.ready, d)
	if n.senders < n.s.cfg.NotifySenders {
		n.senders++
		n.group.Go(n.run)
	}
}

// run sends until nothing is ready.
func (n *notifier) run() {
	for d := n.next(); d != nil; d = n.next() {
		n.send(d)
	}
}

// next takes the notify that has been ready longest. With none left it signs its sender
// off under the same lock, so that no notify is left behind without one.
func (n *notifier) next() *dispatch {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed || len(n.ready) == 0 {
		n.senders--
		return nil
	}
	d := n.ready[0]
	n.ready[0] = nil
	n.ready = n.ready[1:]
	return d
}

func (n *notifier) close() {
	n.mu.Lock()
	n.closed = true
	for _, timer := range n.waiting {
		timer.Stop()
	}
	if n.holdback != nil {
		n.holdback.Stop()
	}
	n.ready, n.waiting, n.held, n.holdback = nil, nil, nil, nil
	n.mu.Unlock()
	n.cancel()
	n.group.Wait()
	if n.s.cfg.HTTP == nil {
		n.client.CloseIdleConnections()
	}
}
