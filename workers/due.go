package workers

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"settled"
)

const (
	// lease is how long a payment belongs to whoever took it up: longer than a call to
	// WeChat with its repeats takes, and the time a crash costs.
	lease = 20 * time.Second
	// poll is how often a pool looks for what is due.
	poll = 500 * time.Millisecond
)

// due takes payments of a status as their time comes and has look look at each.
func (w *Workers) due(ctx context.Context, status settled.Status, share *shares, look func(context.Context, settled.Payment) error) error {
	return cycle[settled.Payment]{
		workers: w, what: "payments", status: string(status), share: share, look: look,
		claim: func(ctx context.Context, merchants []string, most int) ([]settled.Payment, error) {
			return w.cfg.Ledger.Due(ctx, settled.Claim{Status: status, Merchants: merchants, Most: most, Lease: lease})
		},
		name: func(p settled.Payment) (merchant, id string) { return p.Merchant, p.ID },
	}.run(ctx)
}

// dueRefunds is due for refunds.
func (w *Workers) dueRefunds(ctx context.Context, status settled.RefundStatus, share *shares, look func(context.Context, settled.Refund) error) error {
	return cycle[settled.Refund]{
		workers: w, what: "refunds", status: string(status), share: share, look: look,
		claim: func(ctx context.Context, merchants []string, most int) ([]settled.Refund, error) {
			return w.cfg.Ledger.DueRefunds(ctx, settled.RefundClaim{Status: status, Merchants: merchants, Most: most, Lease: lease})
		},
		name: func(r settled.Refund) (merchant, id string) { return r.Merchant, r.ID },
	}.run(ctx)
}

// cycle claims what is due, again and again, and has each looked at, many at once. What
// look returns has been said to the ledger already; an error means that it could not be
// said, and the lease brings the row back.
type cycle[T any] struct {
	workers      *Workers
	what, status string // for logs
	share        *shares
	claim        func(ctx context.Context, merchants []string, most int) ([]T, error)
	look         func(ctx context.Context, one T) error
	name         func(one T) (merchant, id string)
}

// run goes on until ctx ends and what is in hand is through.
func (c cycle[T]) run(ctx context.Context) error {
	slots := make(chan struct{}, c.workers.cfg.InFlight)
	var hands sync.WaitGroup
	defer hands.Wait()
	for {
		merchants, most := c.share.open(c.workers.merchants)
		most = min(most, c.workers.cfg.InFlight-len(slots))
		taken := c.take(ctx, merchants, most)
		for _, one := range taken {
			slots <- struct{}{}
			merchant, _ := c.name(one)
			c.share.claimed(merchant)
			hands.Go(func() {
				defer func() { c.share.give(merchant); <-slots }()
				c.handle(ctx, one)
			})
		}
		if len(taken) == most && most > 0 {
			continue // there may be more
		}
		if !pause(ctx, jitter(poll)) {
			return nil
		}
	}
}

// take claims what is due; without PostgreSQL there is nothing due.
func (c cycle[T]) take(ctx context.Context, merchants []string, most int) []T {
	if most == 0 || len(merchants) == 0 || ctx.Err() != nil {
		return nil
	}
	taken, err := c.claim(ctx, merchants, most)
	if err != nil && ctx.Err() == nil {
		c.workers.cfg.Log.WarnContext(ctx, "what is due was not taken", "what", c.what, "status", c.status, "error", err)
		pause(ctx, jitter(4*poll))
	}
	return taken
}

// handle finishes what was begun even while the program stops: the calls it makes are
// bounded by themselves.
func (c cycle[T]) handle(ctx context.Context, one T) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lease)
	defer cancel()
	if err := c.look(ctx, one); err != nil {
		_, id := c.name(one)
		c.workers.cfg.Log.WarnContext(ctx, "what is due was not looked at", "what", c.what, "id", id, "status", c.status, "error", err)
	}
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

// retryPause is how long to leave a call alone whose outcome is unknown after so many attempts:
// growing slower, and for as long as WeChat asks to be left alone.
func retryPause(attempts int, cause error) time.Duration {
	wait := backoff(attempts, longestRetry)
	var unknown *settled.Unknown
	if errors.As(cause, &unknown) && unknown.After > wait {
		wait = jitter(unknown.After)
	}
	return wait
}
