package bus

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// alive keeps telling the server that the messages in hand are still being worked on.
type alive struct {
	mu   sync.Mutex
	held map[jetstream.Msg]struct{}
}

func newAlive() *alive { return &alive{held: map[jetstream.Msg]struct{}{}} }

// keep does so for a message until stop is called.
func (a *alive) keep(m jetstream.Msg) (stop func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.held[m] = struct{}{}
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.held, m)
	}
}

// run tells the stream again and again, until ctx ends.
func (a *alive) run(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		a.mu.Lock()
		held := slices.Collect(maps.Keys(a.held))
		a.mu.Unlock()
		for _, m := range held {
			_ = m.InProgress() // the next one may arrive; one that is done says nothing
		}
	}
}
