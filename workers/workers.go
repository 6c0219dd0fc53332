// Package workers is what is done: one file for each pool, each a step in the life of a
// payment, written for one payment at a time.
//
// It knows the domain and the messages. It must not know PostgreSQL, NATS or WeChat's
// wire: it declares the few methods it needs of them, and package main brings them
// together.
package workers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"settled"
	"settled/events"
)

// Merchant is one shop's account with WeChat.
type Merchant struct {
	Protocol string // legacy, v2 or v3
	Gateway  settled.Gateway
}

// Config is what the workers stand on. Every field without a default is required.
type Config struct {
	Ledger    Ledger
	Bus       Bus
	Merchants map[string]Merchant

	// TTL is how long a payment may be paid when its request names no expires_at.
	TTL time.Duration
	// QuerySchedule is when WeChat is asked about an unpaid payment, counted from the
	// moment it was prepared; after the last one, again and again at its distance.
	QuerySchedule []time.Duration
	// Journal is how long the lines of the journal are kept; zero if none is kept.
	Journal time.Duration
	// Audit is the running auditor; nil if nobody audits.
	Audit Audit
	// InFlight bounds what each pool has in hand; default 256.
	InFlight int
	// Drain bounds how long the pools finish what they have in hand; default 15 s.
	Drain time.Duration
	// Pools are the pools to run; default all.
	Pools []string

	// Begin, if set, is called when something that is due is taken up, one of the payments or
	// of the refunds; the function that it returns is told how that ended.
	Begin func(ctx context.Context, what, status, merchant, id string) (context.Context, func(error))

	Now     func() time.Time // the database's clock
	Metrics Metrics
	Log     *slog.Logger
}

// Workers are the pools of one process.
type Workers struct {
	cfg       Config
	protocols map[string]string // by merchant
	merchants []string
	preparing *shares // of the prepare pool, whose hands are in two places
	refunding *shares // of the refund pool, likewise
	hinting   *shares // of the hands that take messages which are only hints
}

// pool is one kind of work; it runs until ctx ends and what it has in hand is finished.
type pool struct {
	name string
	run  func(w *Workers, ctx context.Context) error
}

// pools is every pool, in the order of a payment's life.
var pools = []pool{
	{"prepare", (*Workers).prepare},
	{"finalize", (*Workers).finalize},
	{"reconcile", (*Workers).reconcile},
	{"refund", (*Workers).refund},
	{"acknowledge", (*Workers).acknowledge},
	{"relay", (*Workers).relay},
	{"sweep", (*Workers).sweep},
	{"audit", (*Workers).audit},
}

// Pools lists the names of all pools.
func Pools() []string {
	names := make([]string, len(pools))
	for i, p := range pools {
		names[i] = p.name
	}
	return names
}

// New returns workers that do nothing yet. It fails if a pool is unknown.
func New(cfg Config) (*Workers, error) {
	if cfg.InFlight == 0 {
		cfg.InFlight = 256
	}
	if cfg.Drain == 0 {
		cfg.Drain = 15 * time.Second
	}
	if len(cfg.Pools) == 0 {
		cfg.Pools = Pools()
	}
	for _, name := range cfg.Pools {
		if !slices.Contains(Pools(), name) {
			return nil, fmt.Errorf("there is no pool %q, only %s", name, strings.Join(Pools(), ", "))
		}
	}
	w := &Workers{cfg: cfg, protocols: map[string]string{}}
	for name, merchant := range cfg.Merchants {
		w.protocols[name] = merchant.Protocol
	}
	w.merchants = slices.Sorted(maps.Keys(w.protocols))
	w.preparing, w.refunding, w.hinting = w.newShares(), w.newShares(), w.newShares()
	return w, nil
}

// Run works until ctx ends, then finishes what is in hand, bounded by Drain. It returns
// early with the error of a pool that can't go on.
func (w *Workers) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var wait sync.WaitGroup
	failures := make(chan error, len(pools))
	for _, p := range pools {
		if !slices.Contains(w.cfg.Pools, p.name) {
			continue
		}
		wait.Go(func() {
			if err := p.run(w, ctx); err != nil {
				failures <- fmt.Errorf("run pool %s: %w", p.name, err)
				stop()
			}
		})
	}
	wait.Wait()
	close(failures)
	var all []error
	for err := range failures {
		all = append(all, err)
	}
	return errors.Join(all...)
}

// steer turns a handler's failure into what is to become of its message. It is the one
// edge between our kinds of failure and the bus: without PostgreSQL no message can be
// worked on, so it is kept in hand until PostgreSQL is back.
func steer(handle events.Handler) events.Handler {
	return func(ctx context.Context, m events.Message) error {
		err := handle(ctx, m)
		if errors.Is(err, settled.ErrUnavailable) {
			return events.Hold(err)
		}
		return err
	}
}

// consume reads one subject through handle until ctx ends.
func (w *Workers) consume(ctx context.Context, name, subject string, handle events.Handler) error {
	return w.cfg.Bus.Consume(ctx, events.Consumer{Name: name, Subject: subject, InFlight: w.cfg.InFlight}, steer(handle))
}

// all runs the parts of a pool until all are through.
func all(ctx context.Context, parts ...func(context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	failures := make([]error, len(parts))
	var running sync.WaitGroup
	for i, part := range parts {
		running.Go(func() {
			if failures[i] = part(ctx); failures[i] != nil {
				stop()
			}
		})
	}
	running.Wait()
	return errors.Join(failures...)
}

// newShares divides a pool's hands among the merchants.
func (w *Workers) newShares() *shares { return newShares(w.cfg.InFlight, len(w.merchants)) }
