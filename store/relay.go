package store

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"settled"
)

// Publish sends events in order and returns, for each, the error that kept it from being
// stored by the stream; nil if it was. It must not send an event of a payment after an
// earlier one of the same payment failed.
type Publish = func(ctx context.Context, events []settled.Event) []error

// Relay takes the oldest events out of the outbox, has them published, and deletes those
// that were. One relay is at work at a time in the whole fleet: it holds its turn for as
// long as its transaction lives, so the events of a payment leave in order. Without the
// turn it does nothing.
//
// A crash between the publish and the commit publishes again, with the same event ids.
func (s *Store) Relay(ctx context.Context, most int, publish Publish) (published int, err error) {
	err = s.turn(ctx, "relay", func(tx *sqlx.Tx) error {
		published, err = relay(ctx, tx, most, publish)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("relay events: %w", err)
	}
	return published, nil
}

func relay(ctx context.Context, tx *sqlx.Tx, most int, publish Publish) (int, error) {
	var rows []struct {
		OutboxID int64 `db:"outbox_id"`
		happeningRow
	}
	err := tx.SelectContext(ctx, &rows, `
		select o.id as outbox_id, `+happeningColumns+`, true as queued
		from outbox o join events e on e.id = o.event_id
		order by o.id limit $1`, most)
	if err != nil || len(rows) == 0 {
		return 0, translate(err)
	}
	events := make([]settled.Event, len(rows))
	for i, row := range rows {
		events[i] = row.happening().Event
	}
	var failed error
	var done []int64
	for i, err := range publish(ctx, events) {
		if err != nil {
			failed = err
			continue
		}
		done = append(done, rows[i].OutboxID)
	}
	if len(done) == 0 {
		return 0, failed
	}
	if _, err := tx.ExecContext(ctx, `delete from outbox where id = any($1)`, pq.Array(done)); err != nil {
		return 0, translate(err)
	}
	return len(done), nil
}

// turn runs f in a transaction that holds the turn of this name, or not at all if
// somebody else has it.
func (s *Store) turn(ctx context.Context, name string, f func(tx *sqlx.Tx) error) error {
	tx, err := s.db.BeginTxx(ctx, nil)
	if err != nil {
		return translate(err)
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	var mine []string
	err = tx.SelectContext(ctx, &mine, `select name from turns where name = $1 for update skip locked`, name)
	if err != nil || len(mine) == 0 {
		return translate(err)
	}
	if err := f(tx); err != nil {
		return err
	}
	return translate(tx.Commit())
}
