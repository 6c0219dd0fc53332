package workers

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
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
		claim: func(ctx context.Context, merchants []string, each int) ([]settled.Payment, error) {
			return w.cfg.Ledger.Due(ctx, settled.Claim{Status: status, Merchants: merchants, Each: each, Lease: lease})
		},
		name: func(p settled.Payment) (merchant, id string) { return p.Merchant, p.ID },
	}.run(ctx)
}

// dueRefunds is due for refunds.
func (w *Workers) dueRefunds(ctx context.Context, status settled.RefundStatus, share *shares, look func(context.Context, settled.Refund) error) error {
	return cycle[settled.Refund]{
		workers: w, what: "refunds", status: string(status), share: share, look: look,
		claim: func(ctx context.Context, merchants []string, each int) ([]settled.Refund, error) {
			return w.cfg.Ledger.DueRefunds(ctx, settled.RefundClaim{Status: status, Merchants: merchants, Each: each, Lease: lease})
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
	claim        func(ctx context.Context, merchants []string, each int) ([]T, error)
	look         func(ctx context.Context, one T) error
	name         func(one T) (merchant, id string)
}

// run goes on until ctx ends and what is in hand is through. Every other round asks only for
// those who may have more than was taken, so that a backlog is worked off in large claims
// and nobody waits behind it.
func (c cycle[T]) run(ctx context.Context) error {
	all := c.workers.merchants
	hands := newHands(c.workers.cfg.InFlight)
	defer hands.wait()
	for asked := all; ctx.Err() == nil; {
		open, each := c.room(ctx, hands, asked)
		more := slices.DeleteFunc(slices.Clone(asked), func(merchant string) bool { return slices.Contains(open, merchant) })
		more = append(more, c.round(ctx, hands, open, each)...)
		switch {
		case len(more) > 0 && len(asked) == len(all):
			asked = more
		case len(more) > 0 || len(asked) < len(all):
			asked = all
		default:
			pause(ctx, jitter(poll))
		}
	}
	return nil
}

// room waits, no longer than between two looks, until some of the merchants have room in
// their share and enough hands are free for claims that are not small.
func (c cycle[T]) room(ctx context.Context, hands *hands, merchants []string) (open []string, each int) {
	timer := time.NewTimer(jitter(poll))
	defer timer.Stop()
	for {
		open, each = c.share.open(merchants, hands.free())
		if len(open) > 0 && hands.free() >= hands.most()/4 {
			return open, each
		}
		select {
		case <-hands.freed:
		case <-timer.C:
			return c.share.open(merchants, hands.free())
		case <-ctx.Done():
			return nil, 0
		}
	}
}

// round claims at most each of every merchant and has them looked at. It returns those who
// may have more.
func (c cycle[T]) round(ctx context.Context, hands *hands, merchants []string, each int) (more []string) {
	taken := map[string]int{}
	for _, one := range c.take(ctx, merchants, each) {
		merchant, _ := c.name(one)
		if taken[merchant]++; taken[merchant] == each {
			more = append(more, merchant)
		}
		c.share.claimed(merchant)
		hands.take(func() {
			defer c.share.give(merchant)
			c.handle(ctx, one)
		})
	}
	return more
}

// take claims what is due; without PostgreSQL there is nothing due.
func (c cycle[T]) take(ctx context.Context, merchants []string, each int) []T {
	if each == 0 || len(merchants) == 0 || ctx.Err() != nil {
		return nil
	}
	taken, err := c.claim(ctx, merchants, each)
	if err != nil && ctx.Err() == nil {
		c.workers.cfg.Log.WarnContext(ctx, "what is due was not taken", "what", c.what, "status", c.status, "error", err)
		pause(ctx, jitter(4*poll))
	}
	return taken
}

// handle finishes what was begun even while the program stops, for Drain at most.
func (c cycle[T]) handle(stopping context.Context, one T) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(stopping), lease)
	defer cancel()
	defer context.AfterFunc(stopping, func() { time.AfterFunc(c.workers.cfg.Drain, cancel) })()
	merchant, id := c.name(one)
	end := func(error) {}
	if begin := c.workers.cfg.Begin; begin != nil {
		ctx, end = begin(ctx, c.what, c.status, merchant, id)
	}
	err := c.try(ctx, one)
	end(err)
	if err != nil {
		c.workers.cfg.Log.WarnContext(ctx, "what is due was not looked at", "what", c.what, "id", id, "status", c.status, "error", err)
	}
}

// try looks. A panic is a bug with a row attached: it counts as an error, or it would take
// one process after the other with it, as the row's lease ends.
func (c cycle[T]) try(ctx context.Context, one T) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			merchant, id := c.name(one)
			c.workers.cfg.Log.ErrorContext(ctx, "looking panicked", "what", c.what, "status", c.status, "merchant", merchant, "id", id,
				"panic", cause, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", cause)
		}
	}()
	return c.look(ctx, one)
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
