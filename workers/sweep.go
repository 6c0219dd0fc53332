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
	// forgetEach and forgetRounds are how many old lines of the journal one statement deletes,
	// and how many statements follow each other: more lines than anybody's calls write meanwhile.
	forgetEach, forgetRounds = 2000, 25
)

// sweep is the pool that watches the others: it measures what stands still and says so, makes
// room in the streams, forgets old lines of the journal, and has PostgreSQL look at what has
// grown. Nothing waits without being seen: an open payment without a time at which it is looked
// at again is refused by the database itself, and one whose time has passed shows here.
func (w *Workers) sweep(ctx context.Context) error {
	var trimmed time.Time
	said := map[string]bool{}
	for pause(ctx, jitter(sweepEvery)) {
		census, err := w.cfg.Ledger.Census(ctx)
		if err != nil {
			continue // readyz and the other pools say that PostgreSQL is away
		}
		w.cfg.Metrics.Census(census)
		w.warn(ctx, census, said)
		w.forget(ctx)
		if err := w.cfg.Ledger.Survey(ctx); err != nil && ctx.Err() == nil {
			w.cfg.Log.WarnContext(ctx, "tables not surveyed", "error", err)
		}
		if now := w.cfg.Now(); now.Sub(trimmed) > trimEvery {
			trimmed = now
			if err := w.cfg.Bus.Trim(ctx); err != nil && ctx.Err() == nil {
				w.cfg.Log.WarnContext(ctx, "streams not trimmed", "error", err)
			}
		}
	}
	return nil
}

// forget deletes old lines of the journal, a few at a time.
func (w *Workers) forget(ctx context.Context) {
	for range forgetRounds {
		deleted, err := w.cfg.Ledger.ForgetJournal(ctx, w.cfg.Journal, forgetEach)
		if err != nil && ctx.Err() == nil {
			w.cfg.Log.WarnContext(ctx, "old lines of the journal were not deleted", "error", err)
		}
		if err != nil || deleted < forgetEach {
			return
		}
	}
}

// warn says once when payments or refunds of a status begin to stand still, and once when
// they no longer do.
func (w *Workers) warn(ctx context.Context, census settled.Census, said map[string]bool) {
	for _, status := range settled.Statuses {
		w.warnOf(ctx, "payments", string(status), census.Overdue[status], said)
	}
	for _, status := range settled.RefundStatuses {
		w.warnOf(ctx, "refunds", string(status), census.OverdueRefunds[status], said)
	}
}

func (w *Workers) warnOf(ctx context.Context, what, status string, overdue time.Duration, said map[string]bool) {
	late, key := overdue > still, what+" "+status
	if late && !said[key] {
		w.cfg.Log.WarnContext(ctx, "something stands still", "what", what, "status", status, "overdue", overdue.Round(time.Second))
	}
	if !late && said[key] {
		w.cfg.Log.InfoContext(ctx, "it moves again", "what", what, "status", status)
	}
	said[key] = late
}
