package workers

import (
	"context"
	"time"

	"settled"
)

const (
	sweepEvery = 5 * time.Second
	trimEvery  = time.Minute
	// still is how long a payment may wait beyond its time before somebody is told.
	still = time.Minute
)

// sweep is the pool that watches the others: it measures what stands still and says so,
// and makes room in the streams. Nothing waits without being seen: an open payment
// without a time at which it is looked at again is refused by the database itself, and
// one whose time has passed shows here.
func (w *Workers) sweep(ctx context.Context) error {
	var trimmed time.Time
	said := map[settled.Status]bool{}
	for pause(ctx, jitter(sweepEvery)) {
		census, err := w.cfg.Ledger.Census(ctx)
		if err != nil {
			continue // readyz and the other pools say that PostgreSQL is away
		}
		w.cfg.Metrics.Census(census)
		w.warn(ctx, census, said)
		if now := w.cfg.Now(); now.Sub(trimmed) > trimEvery {
			trimmed = now
			if err := w.cfg.Bus.Trim(ctx); err != nil && ctx.Err() == nil {
				w.cfg.Log.WarnContext(ctx, "streams not trimmed", "error", err)
			}
		}
	}
	return nil
}

// warn says once when payments of a status begin to stand still, and once when they no
// longer do.
func (w *Workers) warn(ctx context.Context, census settled.Census, said map[settled.Status]bool) {
	for _, status := range settled.Statuses {
		late := census.Overdue[status] > still
		if late && !said[status] {
			w.cfg.Log.WarnContext(ctx, "payments stand still", "status", status, "overdue", census.Overdue[status].Round(time.Second))
		}
		if !late && said[status] {
			w.cfg.Log.InfoContext(ctx, "payments move again", "status", status)
		}
		said[status] = late
	}
}
