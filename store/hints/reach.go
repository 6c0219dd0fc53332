package hints

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// reach is whether Redis answers.
type reach struct {
	mu    sync.Mutex
	since time.Time // since when it does not; zero while it does
}

// heard takes note of how a call to Redis went and returns its error. Only a change is
// logged.
func (h *Hints) heard(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err // the caller has gone, not Redis
	}
	h.reach.mu.Lock()
	defer h.reach.mu.Unlock()
	now := h.cfg.Now()
	switch lost := !h.reach.since.IsZero(); {
	case err != nil && !lost:
		h.reach.since = now
		h.cfg.Log.WarnContext(ctx, "redis lost", slog.Any("error", err))
		h.cfg.Observe(RedisLost)
	case err == nil && lost:
		h.cfg.Log.InfoContext(ctx, "redis back", slog.Duration("after", now.Sub(h.reach.since)))
		h.cfg.Observe(RedisBack)
		h.reach.since = time.Time{}
	}
	return err
}

// lostFor is how long Redis has not answered.
func (h *Hints) lostFor() time.Duration {
	h.reach.mu.Lock()
	defer h.reach.mu.Unlock()
	if h.reach.since.IsZero() {
		return 0
	}
	return h.cfg.Now().Sub(h.reach.since)
}
