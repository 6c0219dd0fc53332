// Package batch lets callers that wait at the same moment share one piece of work: one
// statement, one commit, one publish for many.
//
// Callers are written for one item, in plain sequence; whatever waits while the last run
// is under way makes up the next one. There are no timers: a lone caller is served at
// once. The package knows nothing of payments, SQL or messages.
package batch

import (
	"context"
	"sync"
	"time"
)

// Config says how a Group works.
type Config[In, Out any] struct {
	// Run does the work for all items at once and returns one Out for each, in order. An
	// error means that none was done, or that nobody knows.
	Run func(ctx context.Context, items []In) ([]Out, error)
	// Begin, if set, is called before each run with the contexts of those who share it. The
	// run goes on with the context that it returns; the function is told how it ended.
	Begin func(ctx context.Context, callers []context.Context) (context.Context, func(error))
	// Key, if set, names what an item touches: no two items of one key share a run.
	Key func(In) string
	// Spoils reports whether a failed run may be the fault of one item, so that each is
	// to be tried alone and one bad item does not spoil the rest. Nil: never.
	Spoils func(error) bool
	// Most bounds the items of one run; default 256.
	Most int
	// Runners bounds the runs under way at the same time; default 1. Beside another one a run
	// begins only if as many wait as are under way, or half of Most, or the other takes long:
	// a small run beside a large one costs more than it gains.
	Runners int
	// Timeout bounds one run; default 30 s. A run is nobody's own: the cancellation of
	// one caller leaves the others alone.
	Timeout time.Duration
}

// Group collects what is waiting and runs it together. Its methods may be called from
// many goroutines.
type Group[In, Out any] struct {
	cfg Config[In, Out]

	mu      sync.Mutex
	waiting []*call[In, Out]
	running int
	slow    int // of the running, those that take long
	items   int // under way
}

type call[In, Out any] struct {
	item In
	ctx  context.Context //nolint:containedctx // kept to see whether its caller has gone, and for Begin
	out  Out
	err  error
	done chan struct{}
}

// New returns a Group ready for use.
func New[In, Out any](cfg Config[In, Out]) *Group[In, Out] {
	if cfg.Most == 0 {
		cfg.Most = 256
	}
	if cfg.Runners == 0 {
		cfg.Runners = 1
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 30 * time.Second
	}
	return &Group[In, Out]{cfg: cfg}
}

// Do has item worked on together with whatever else is waiting and returns its own
// result. When ctx ends first its error is returned; the work may then be done or not.
func (g *Group[In, Out]) Do(ctx context.Context, item In) (Out, error) {
	c := &call[In, Out]{item: item, ctx: ctx, done: make(chan struct{})}
	g.mu.Lock()
	g.waiting = append(g.waiting, c)
	g.start()
	g.mu.Unlock()
	select {
	case <-c.done:
		return c.out, c.err
	case <-ctx.Done():
		var none Out
		return none, ctx.Err()
	}
}

// start begins a run if one is to be begun. The lock is held.
func (g *Group[In, Out]) start() {
	if len(g.waiting) > 0 && g.running < g.cfg.Runners && g.worthwhile() {
		g.running++
		go g.flush()
	}
}

// worthwhile reports whether what waits is to be begun now, and not left to the run that is
// under way.
func (g *Group[In, Out]) worthwhile() bool {
	return g.running == 0 || g.slow > 0 || len(g.waiting) >= min(g.items, g.cfg.Most/2)
}

// flush runs until nothing is waiting.
func (g *Group[In, Out]) flush() {
	for {
		calls := g.take()
		if len(calls) == 0 {
			return
		}
		g.run(calls)
	}
}

// take removes the next run from what is waiting; with nothing left, or too little to be
// worth a run beside another one, it signs the runner off under the same lock, so that no item
// is left behind without one.
func (g *Group[In, Out]) take() []*call[In, Out] {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running--
	if !g.worthwhile() {
		return nil
	}
	var calls, left []*call[In, Out]
	seen := map[string]bool{}
	for i, c := range g.waiting {
		if len(calls) == g.cfg.Most {
			left = append(left, g.waiting[i:]...)
			break
		}
		if c.ctx.Err() != nil {
			continue // its caller has gone and nothing was begun
		}
		if g.cfg.Key != nil {
			key := g.cfg.Key(c.item)
			if seen[key] {
				left = append(left, c)
				continue
			}
			seen[key] = true
		}
		calls = append(calls, c)
	}
	g.waiting = left
	g.items += len(calls)
	if len(calls) > 0 {
		g.running++
	}
	return calls
}

func (g *Group[In, Out]) run(calls []*call[In, Out]) {
	defer g.watch(len(calls))()
	err := g.try(calls)
	if err != nil && len(calls) > 1 && g.cfg.Spoils != nil && g.cfg.Spoils(err) {
		for _, c := range calls {
			c.err = g.try([]*call[In, Out]{c})
		}
	} else {
		for _, c := range calls {
			c.err = err
		}
	}
	for _, c := range calls {
		close(c.done)
	}
}

func (g *Group[In, Out]) try(calls []*call[In, Out]) error {
	ctx, cancel := context.WithTimeout(context.Background(), g.cfg.Timeout)
	defer cancel()
	items := make([]In, len(calls))
	for i, c := range calls {
		items[i] = c.item
	}
	outs, err := g.begin(ctx, calls, items)
	if err != nil {
		return err
	}
	for i, c := range calls {
		c.out = outs[i]
	}
	return nil
}

// begin runs, and lets Begin know.
func (g *Group[In, Out]) begin(ctx context.Context, calls []*call[In, Out], items []In) ([]Out, error) {
	if g.cfg.Begin == nil {
		return g.cfg.Run(ctx, items)
	}
	callers := make([]context.Context, len(calls))
	for i, c := range calls {
		callers[i] = c.ctx
	}
	ctx, end := g.cfg.Begin(ctx, callers)
	outs, err := g.cfg.Run(ctx, items)
	end(err)
	return outs, err
}
