package store

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"settled"
)

// Publish sends events in order and returns the highest sequence that the stream has given
// one of them and, for each, the error that kept it from being stored by the stream; nil
// if it was. It must not send an event of a payment after an earlier one of the same
// payment failed.
type Publish = func(ctx context.Context, events []settled.Event) (last uint64, failures []error)

// Relay takes the oldest events out of the outbox, has them published, and deletes those
// that were. One relay is at work at a time in the whole fleet: it holds its turn for as
// long as its transaction lives, so the events of a payment leave in order. Without the
// turn it does nothing. What the stream has lost goes out again before anything else
// does.
//
// A crash between the publish and the commit publishes again, with the same event ids.
func (s *Store) Relay(ctx context.Context, round settled.RelayRound, publish Publish) (done settled.Relayed, err error) {
	err = s.turn(ctx, "relay", func(tx *sqlx.Tx) error {
		var running bool
		if done, running, err = s.replay(ctx, tx, round, publish); err != nil || running {
			return err
		}
		done.Published, err = s.relay(ctx, tx, round, publish)
		done.More = done.Published == round.Most
		return err
	})
	if err != nil {
		return settled.Relayed{}, fmt.Errorf("relay events: %w", err)
	}
	return done, nil
}

func (s *Store) relay(ctx context.Context, tx *sqlx.Tx, round settled.RelayRound, publish Publish) (int, error) {
	var rows []struct {
		OutboxID int64 `db:"outbox_id"`
		happeningRow
	}
	err := s.statements.queryIn(ctx, tx, &rows, `
		select o.id as outbox_id, `+happeningColumns+`, true as queued
		from outbox o join events e on e.id = o.event_id
		order by o.id limit (select $1::integer)`, round.Most)
	if err != nil || len(rows) == 0 {
		return 0, translate(err)
	}
	events := make([]settled.Event, len(rows))
	for i, row := range rows {
		events[i] = row.happening().Event
	}
	var failed error
	var done []int64
	var stored []settled.Event
	last, failures := publish(ctx, events)
	for i, err := range failures {
		if err != nil {
			failed = err
			continue
		}
		done, stored = append(done, rows[i].OutboxID), append(stored, events[i])
	}
	if len(done) == 0 {
		return 0, failed
	}
	if err := s.statements.execIn(ctx, tx, `delete from outbox where id = any($1)`, pq.Array(done)); err != nil {
		return 0, translate(err)
	}
	return len(done), s.remember(ctx, tx, round.Stream, last, stored)
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
	err = s.statements.queryIn(ctx, tx, &mine, `select name from turns where name = $1 for update skip locked`, name)
	if err != nil || len(mine) == 0 {
		return translate(err)
	}
	if err := f(tx); err != nil {
		return err
	}
	return translate(tx.Commit())
}
