package workers

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"settled"
)

const (
	// lease is how long a payment belongs to whoever took it up: longer than a call to
	// WeChat with its repeats takes, and the time a crash costs.
	lease = 20 * time.Second
	// poll is how often a pool looks for payments whose time has come.
	poll = 500 * time.Millisecond
)

// due takes payments of a status as their time comes and has look look at each, many at
// once, until ctx ends and those in hand are through. What look returns has been said to
// the ledger already; an error means that it could not be said, and the lease brings the
// payment back.
func (w *Workers) due(ctx context.Context, status settled.Status, look func(context.Context, settled.Payment) error) error {
	slots := make(chan struct{}, w.cfg.InFlight)
	var hands sync.WaitGroup
	defer hands.Wait()
	for {
		free := w.cfg.InFlight - len(slots)
		taken := w.take(ctx, status, free)
		for _, p := range taken {
			slots <- struct{}{}
			hands.Go(func() {
				defer func() { <-slots }()
				// What was begun is finished even while the program stops: the calls it makes
				// are bounded by themselves.
				ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lease)
				defer cancel()
				if err := look(ctx, p); err != nil {
					w.cfg.Log.WarnContext(ctx, "payment not looked at", "payment_id", p.ID, "status", status, "error", err)
				}
			})
		}
		if len(taken) == free && free > 0 {
			continue // there may be more
		}
		if !pause(ctx, jitter(poll)) {
			return nil
		}
	}
}

// take claims what is due; without PostgreSQL there is nothing due.
func (w *Workers) take(ctx context.Context, status settled.Status, most int) []settled.Payment {
	if most == 0 || ctx.Err() != nil {
		return nil
	}
	taken, err := w.cfg.Ledger.Due(ctx, settled.Claim{Status: status, Merchants: w.merchants, Most: most, Lease: lease})
	if err != nil && ctx.Err() == nil {
		w.cfg.Log.WarnContext(ctx, "due payments not taken", "status", status, "error", err)
		pause(ctx, jitter(4*poll))
	}
	return taken
}

// pause waits for d and reports whether ctx still lives.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// jitter spreads d by a fifth to both sides, so that processes do not march in step.
func jitter(d time.Duration) time.Duration {
	return d - d/5 + rand.N(2*d/5+1) //nolint:gosec // a pause needs no secrecy
}

// backoff is how long to leave something alone that has failed attempts times in a row:
// 1 s, 2 s, 4 s and so on up to most, with jitter.
func backoff(attempts int, most time.Duration) time.Duration {
	d := time.Second << min(attempts, 20)
	return jitter(min(d, most))
}
