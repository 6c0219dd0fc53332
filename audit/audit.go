// Package audit holds what is published against what is committed, and what is committed
// against itself: the whole at once, or a little at a time for as long as settled runs.
//
// It knows the checks and the messages. It must not know SQL or JetStream, and it changes
// nothing: what is broken it tells, and people mend it.
package audit

import (
	"context"
	"iter"
	"time"

	"settled"
	"settled/events"
)

// Ledger is what an audit of the whole asks PostgreSQL.
type Ledger interface {
	Audit(ctx context.Context, still time.Duration, tell func(settled.Audited)) error
	Published(ctx context.Context, eventType string, after settled.EventPlace, most int) (ids [][16]byte, next settled.EventPlace, more bool, err error)
	Unpublished(ctx context.Context, ids [][16]byte) ([]settled.Event, error)
	Committed(ctx context.Context, published []settled.Publication) ([]settled.Committed, error)
}

// Stream is what an audit asks of the stream of events.
type Stream interface {
	// Since reads what was stored from a moment on, of one subject or of all if it is
	// empty, with or without the bodies.
	Since(ctx context.Context, from time.Time, subject string, headless bool) iter.Seq2[[]events.Message, error]
	// HoldsSince tells since when the stream holds whatever it was given.
	HoldsSince(ctx context.Context) (time.Time, error)
	// Follow reads at most so many messages after a place; a stream that was made anew is
	// read from its first.
	Follow(ctx context.Context, after events.StreamPlace, most int) ([]events.Message, events.StreamPlace, error)
}

// Still is how long something may be overdue before it is a break.
const Still = 10 * time.Minute

// Whole audits everything there is.
func Whole(ctx context.Context, ledger Ledger, stream Stream, still time.Duration) (*Report, error) {
	report := &Report{}
	if err := ledger.Audit(ctx, still, report.add); err != nil {
		return nil, err
	}
	return report, (&comparison{ledger: ledger, stream: stream, tell: report.add, completed: map[orderName]string{}}).run(ctx)
}
