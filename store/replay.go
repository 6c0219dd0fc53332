package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"settled"
)

// Replayed reads the next events of a replay, at most so many and in the order in which
// they have to go out, and the place that is reached with them. more is false at the end;
// a page may be empty and not the last.
func (s *Store) Replayed(ctx context.Context, r settled.Replay, from settled.ReplayPlace, most int) (
	events []settled.Event, next settled.ReplayPlace, more bool, err error,
) {
	events, next, more, err = replayed(ctx, s.db, r, from, most)
	if err != nil {
		return nil, from, false, fmt.Errorf("read events to replay: %w", translate(err))
	}
	return events, next, more, nil
}

// met is an event that the walk through time meets.
type met struct {
	ID        string         `db:"id"`
	At        time.Time      `db:"at"`
	PaymentID sql.NullString `db:"payment_id"`
	First     bool           `db:"first"` // of its payment, among those that are replayed
}

func replayed(ctx context.Context, db sqlx.QueryerContext, r settled.Replay, from settled.ReplayPlace, most int) (
	[]settled.Event, settled.ReplayPlace, bool, error,
) {
	if from.ID == "" {
		from = settled.ReplayPlace{At: r.Since, ID: firstID}
	}
	walked, err := walkHistory(ctx, db, r, from, most+1) // the place itself is met again
	if err != nil || len(walked) == 0 {
		return nil, from, false, err
	}
	groups, err := together(ctx, db, r, from, walked, most)
	if err != nil {
		return nil, from, false, err
	}
	events := make([]settled.Event, len(groups))
	for i, row := range groups {
		events[i] = row.happening().Event
	}
	if len(groups) == most {
		last := groups[most-1]
		return events, settled.ReplayPlace{At: last.MetAt, ID: last.MetID, Version: max(last.Version.Int64, 1)}, true, nil
	}
	last := walked[len(walked)-1]
	return events, settled.ReplayPlace{At: last.At, ID: last.ID, Version: math.MaxInt64}, len(walked) > most, nil
}

// walkHistory goes through the events by the time at which they happened, type by type,
// because that is what the index is by. A payment's first event is the one with the
// lowest version, which nothing that is committed later can change.
func walkHistory(ctx context.Context, db sqlx.QueryerContext, r settled.Replay, from settled.ReplayPlace, most int) ([]met, error) {
	var walked []met
	err := sqlx.SelectContext(ctx, db, &walked, `
		select w.id, w.at, w.payment_id, w.payment_id is null or not exists (
			select from events f
			where f.payment_id = w.payment_id and f.version < w.version and f.type = any($1::text[])
				and f.at >= $2::timestamptz and f.at < $3::timestamptz and not f.private
		) as first
		from (
			select w.* from unnest($1::text[]) as t(type)
			cross join lateral (
				select e.id, e.at, e.payment_id, e.version from events e
				where e.type = t.type and (e.at, e.id) >= ($4::timestamptz, $5::uuid) and e.at < $3::timestamptz and not e.private
				order by e.at, e.id limit $6
			) w
			order by w.at, w.id limit $6
		) w
		order by w.at, w.id`,
		pq.Array(r.Types), timeText(r.Since), timeText(r.Until), timeText(from.At), from.ID, most)
	return walked, err
}

// togetherRow is an event, and the one that was met when its turn came.
type togetherRow struct {
	MetAt time.Time `db:"met_at"`
	MetID string    `db:"met_id"`
	happeningRow
}

// together reads all that is replayed of the payments whose first events were met.
func together(ctx context.Context, db sqlx.QueryerContext, r settled.Replay, from settled.ReplayPlace, walked []met, most int) ([]togetherRow, error) {
	var c columns
	for _, m := range walked {
		if !m.First {
			continue
		}
		reached := int64(0)
		if m.ID == from.ID {
			reached = from.Version
		}
		c.row(m.ID, m.PaymentID.String, timeText(m.At), fenText(reached))
	}
	if len(c.values) == 0 {
		return nil, nil
	}
	var rows []togetherRow
	err := sqlx.SelectContext(ctx, db, &rows, `
		select m.at as met_at, m.id as met_id, `+happeningColumns+`, false as queued
		from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::bigint[]) with ordinality as m(id, payment_id, at, reached, place)
		cross join lateral (
			select * from events e where e.payment_id = nullif(m.payment_id, '')::uuid and e.version > m.reached
			union all
			select * from events e where e.id = m.id and m.payment_id = '' and m.reached = 0
		) e
		where e.type = any($5::text[]) and e.at >= $6::timestamptz and e.at < $7::timestamptz and not e.private
			and ($8 = '' or e.merchant = $8) and ($9 = '' or e.order_id = $9)
		order by m.place, e.version limit $10`,
		append(c.arguments(), pq.Array(r.Types), timeText(r.Since), timeText(r.Until), r.Merchant, r.OrderID, most)...)
	return rows, err
}

// replayRow is a replay that is under way, and the place that it has come to.
type replayRow struct {
	Since   time.Time `db:"since"`
	Until   time.Time `db:"until"`
	At      time.Time `db:"at"`
	EventID string    `db:"event_id"`
	Version int64     `db:"version"`
}

// replay publishes the next page of a replay that is under way; there need not be one.
func (s *Store) replay(ctx context.Context, tx *sqlx.Tx, round settled.RelayRound, publish Publish) (done settled.Relayed, running bool, err error) {
	r := settled.Replay{Types: round.Types}
	var places []replayRow
	err = s.statements.queryIn(ctx, tx, &places, `select since, until, at, event_id, version from replays where stream = $1`, round.Stream)
	if err != nil || len(places) == 0 {
		return settled.Relayed{}, false, translate(err)
	}
	r.Since, r.Until = places[0].Since, places[0].Until
	from := settled.ReplayPlace{At: places[0].At, ID: places[0].EventID, Version: places[0].Version}
	events, next, more, err := replayed(ctx, tx, r, from, round.Most)
	if err != nil {
		return settled.Relayed{}, true, translate(err)
	}
	if len(events) > 0 {
		last, failures := publish(ctx, events)
		if err := errors.Join(failures...); err != nil { // the whole page again: order before speed
			return settled.Relayed{}, true, err
		}
		if err := s.remember(ctx, tx, round.Stream, last, events); err != nil {
			return settled.Relayed{}, true, err
		}
	}
	if more {
		_, err = tx.ExecContext(ctx, `
			update replays set at = $2, event_id = $3::uuid, version = $4, replayed = replayed + $5 where stream = $1`,
			round.Stream, timeText(next.At), next.ID, next.Version, len(events))
	} else {
		_, err = tx.ExecContext(ctx, `delete from replays where stream = $1`, round.Stream)
	}
	return settled.Relayed{Replayed: len(events), More: true}, true, translate(err)
}

// RepeatAll puts events that were told before into the outbox once more, in this order,
// and returns how many: one that waits there already is left where it is.
func (s *Store) RepeatAll(ctx context.Context, ids []string) (int64, error) {
	result, err := s.db.ExecContext(ctx, `
		insert into outbox (event_id)
		select e.id from unnest($1::uuid[]) with ordinality as a(id, place) join events e on e.id = a.id
		where not exists (select from outbox o where o.event_id = e.id)
		order by a.place`, pq.Array(ids))
	if err != nil {
		return 0, fmt.Errorf("repeat %d events: %w", len(ids), translate(err))
	}
	s.wake()
	return result.RowsAffected()
}
