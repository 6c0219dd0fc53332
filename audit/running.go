package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"settled"
)

// Memory is what the running auditor asks PostgreSQL besides: what has changed, and how
// far it has looked.
type Memory interface {
	Ledger
	Notifies
	AuditTurn(ctx context.Context, look func() error) error
	AuditPlace(ctx context.Context, name string) (place string, err error)
	KeepAuditPlace(ctx context.Context, name, place string) error

	Changed(ctx context.Context, after settled.EventPlace, before time.Time, most int) ([]settled.Changed, error)
	PaymentsAfter(ctx context.Context, id string, most int) (ids []string, err error)
	AuditPayments(ctx context.Context, ids []string, still time.Duration) ([]settled.Audited, error)
	AuditOutbox(ctx context.Context, still time.Duration) (settled.Audited, error)

	Suspects(ctx context.Context, most int) ([]settled.Suspect, error)
	Holds(ctx context.Context, id string, again time.Duration) (first bool, err error)
	Mended(ctx context.Context, id string) error
	OpenBreaks(ctx context.Context) (map[settled.Check]int, error)
	Tell(ctx context.Context, e settled.Event) (told bool, err error)
}

// Metrics is what the running auditor counts.
type Metrics interface {
	AuditLookedAt(check settled.Check, many int)
	AuditBroke(check settled.Check)
	AuditOpen(breaks map[settled.Check]int)
	AuditRound(ended time.Time, took time.Duration)
}

// Config is what the running auditor stands on. Every field without a default is required.
type Config struct {
	Ledger  Memory
	Stream  Stream
	Now     func() time.Time // the database's clock
	Metrics Metrics
	Log     *slog.Logger

	// Every is the pause between two looks, a tenth of it while there is more, and Page how much
	// of each kind a look takes: both together bound what the auditor costs. Default 1 s, and 500.
	Every time.Duration
	Page  int
	// Behind is how far the auditor stays behind the clock, longer than any transaction
	// lives; default 30 s.
	Behind time.Duration
	// Again is how long after it was seen a break is looked at again, and only then told;
	// default 5 s. Those that were told are looked at every so often, default 1 min.
	Again, Often time.Duration
	// Still is how long something may be overdue; default Still.
	Still time.Duration
}

// Auditor audits a little at a time.
type Auditor struct {
	cfg        Config
	comparison *comparison
	seen       seen
	found      []settled.Audited // since they were last kept
	behind     bool              // the last look took a full page of something
	rounded    time.Time         // when the round over everything took its last page
}

// New returns an auditor that does nothing yet.
func New(cfg Config) *Auditor {
	for _, d := range []struct {
		value *time.Duration
		usual time.Duration
	}{
		{&cfg.Every, time.Second},
		{&cfg.Behind, 30 * time.Second},
		{&cfg.Again, 5 * time.Second},
		{&cfg.Often, time.Minute},
		{&cfg.Still, Still},
	} {
		if *d.value == 0 {
			*d.value = d.usual
		}
	}
	if cfg.Page == 0 {
		cfg.Page = 500
	}
	a := &Auditor{cfg: cfg}
	a.comparison = &comparison{
		ledger: cfg.Ledger, stream: cfg.Stream, completed: map[orderName]string{},
		tell: func(found settled.Audited) { a.found = append(a.found, found) },
	}
	return a
}

const (
	// lookBound is less than PostgreSQL lets the turn's transaction idle.
	lookBound = 8 * time.Second
	// rest is the pause after a look that failed, counted in pauses; haste divides the pause
	// of an auditor that has not caught up.
	rest  = 3
	haste = 10
	// idle is how much longer than a look the pause after it is, in the whole fleet: where
	// payments wait for the processor a look takes long, and the auditor leaves it to them. It
	// catches up later.
	idle     = 4
	idleMost = 10 * time.Second
)

// Run audits until ctx ends. One auditor looks at a time in the whole fleet; the others
// wait for the turn, and go on where it stopped. Without PostgreSQL or NATS nothing is
// judged: the same page is looked at again.
func (a *Auditor) Run(ctx context.Context) error {
	for said := false; ; {
		a.behind = false
		began := a.cfg.Now()
		err := a.look(ctx)
		if err != nil && ctx.Err() == nil && !said {
			a.cfg.Log.WarnContext(ctx, "audit waits", "error", err)
		}
		said = err != nil
		timer := time.NewTimer(a.pause(a.cfg.Now().Sub(began), err))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

// pause is how long the auditor waits after a look that took so long.
func (a *Auditor) pause(took time.Duration, err error) time.Duration {
	wait := a.cfg.Every
	if a.behind {
		wait /= haste
	}
	if err != nil {
		wait *= rest
	}
	return max(wait, min(idle*took, idleMost))
}

// look takes one page of everything, if it is this process's turn.
func (a *Auditor) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookBound)
	defer cancel()
	err := a.cfg.Ledger.AuditTurn(ctx, func() error {
		began := a.cfg.Now()
		if resting, err := a.resting(ctx, began); err != nil || resting {
			return err
		}
		if err := a.page(ctx); err != nil {
			return err // somebody else may do better, and at once
		}
		now := a.cfg.Now()
		return a.keep(ctx, placeRest, now.Add(a.pause(now.Sub(began), nil)))
	})
	if open, openErr := a.cfg.Ledger.OpenBreaks(ctx); openErr == nil {
		a.cfg.Metrics.AuditOpen(open)
	}
	return err
}

// resting reports whether the auditor's pause is not over, whichever process looked last.
func (a *Auditor) resting(ctx context.Context, now time.Time) (bool, error) {
	var until time.Time
	if err := a.recall(ctx, placeRest, &until); err != nil {
		return false, err
	}
	rest := until.Sub(now)
	return rest > 0 && rest <= idleMost, nil // a clock that was set back delays nothing
}

// page takes one page of everything; without NATS the rest goes on.
func (a *Auditor) page(ctx context.Context) error {
	var failed []error
	for _, part := range []struct {
		name string
		look func(ctx context.Context) error
	}{
		{"look again", a.again},
		{"audit what has changed", a.changed},
		{"audit the outbox", a.outbox},
		{"audit a page of all", a.round},
		{"follow the stream", a.follow},
		{"look for what is published", a.published},
	} {
		if err := part.look(ctx); err != nil {
			a.found = nil // it is looked at once more
			failed = append(failed, fmt.Errorf("%s: %w", part.name, err))
		}
	}
	return errors.Join(failed...)
}
