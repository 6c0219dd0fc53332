package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"settled"
)

// replayAhead is how far into the future a replay reaches, for events whose time was set
// by a clock that is ahead. What happens later goes out of the outbox by itself.
const replayAhead = time.Minute

// Look compares the streams with what is remembered of them, and remembers what they are
// now. Of a loss that can be made good the replay begins with the same commit, so that a
// loss is noticed once, and never forgotten. Only who has the relay's turn looks:
// otherwise mine is false, and nothing was done.
func (s *Store) Look(ctx context.Context, state func(context.Context) ([]settled.Stream, error)) (losses []settled.StreamLoss, mine bool, err error) {
	err = s.turn(ctx, "relay", func(tx *sqlx.Tx) error {
		mine = true
		streams, err := state(ctx)
		if err != nil {
			return err
		}
		for _, stream := range streams {
			loss, err := look(ctx, tx, stream)
			if err != nil {
				return fmt.Errorf("compare %s: %w", stream.Name, translate(err))
			}
			if loss.Loss != "" {
				losses = append(losses, loss)
			}
		}
		return nil
	})
	if err != nil {
		return nil, false, fmt.Errorf("look at streams: %w", err)
	}
	return losses, mine, nil
}

func look(ctx context.Context, tx *sqlx.Tx, stream settled.Stream) (settled.StreamLoss, error) {
	remembered, err := rememberedStream(ctx, tx, stream.Name)
	if errors.Is(err, sql.ErrNoRows) { // nobody has ever looked: whatever it holds is all
		remembered, err = settled.RememberedStream{Created: stream.Created}, nil
		if stream.Lost != "" {
			remembered.Lost = []string{stream.Lost}
		}
	}
	if err != nil {
		return settled.StreamLoss{}, err
	}
	found := settled.StreamLoss{Stream: stream, Loss: stream.Loss(remembered), Remembered: remembered}
	if found.Loss != "" && stream.Refill > 0 {
		if found.ReplaySince, err = beginReplay(ctx, tx, found); err != nil {
			return settled.StreamLoss{}, err
		}
	}
	lost := remembered.Lost
	if found.Loss == settled.LossRemade {
		lost = nil
	}
	if stream.Lost != "" && !slices.Contains(lost, stream.Lost) {
		lost = append(lost, stream.Lost)
	}
	_, err = tx.ExecContext(ctx, `
		insert into streams (name, created, last_seq, lost) values ($1, $2, $3, $4)
		on conflict (name) do update set created = excluded.created, last_seq = excluded.last_seq, lost = excluded.lost
		where streams.created <> excluded.created or streams.last_seq <> excluded.last_seq or streams.lost <> excluded.lost`,
		stream.Name, timeText(stream.Created), int64(stream.Last), pq.Array(append([]string{}, lost...))) //nolint:gosec // no stream counts that far
	if err != nil {
		return settled.StreamLoss{}, err
	}
	return found, forgetMarks(ctx, tx, stream, found.Loss)
}

func rememberedStream(ctx context.Context, tx *sqlx.Tx, name string) (settled.RememberedStream, error) {
	var r settled.RememberedStream
	err := tx.QueryRowContext(ctx, `select created, last_seq, lost from streams where name = $1`, name).
		Scan(&r.Created, &r.Last, pq.Array(&r.Lost))
	return r, err
}

// beginReplay has everything published again that the stream may have lost, and returns
// since when. One that is under way begins again, no later than it did before: what it
// had published may be lost as well.
func beginReplay(ctx context.Context, tx *sqlx.Tx, found settled.StreamLoss) (since time.Time, err error) {
	err = tx.GetContext(ctx, &since, `
		with lost as (
			select greatest(now() - make_interval(secs => $3), case when $2 then (
				select min(oldest) from stream_marks where stream = $1 and last_seq > $4
			) end) as since
		)
		insert into replays (stream, since, until, at, event_id, version)
		select $1, since, now() + make_interval(secs => $5), since, $6::uuid, 0 from lost
		on conflict (stream) do update set
			since = least(replays.since, excluded.since), at = least(replays.since, excluded.since),
			until = excluded.until, event_id = excluded.event_id, version = 0
		returning since`,
		found.Stream.Name, found.Loss == settled.LossShortened, found.Stream.Refill.Seconds(), int64(found.Stream.Last), //nolint:gosec // as above
		replayAhead.Seconds(), firstID)
	return since, err
}

// forgetMarks drops what no longer says anything: of sequences that are gone, and of a
// time that the stream does not keep.
func forgetMarks(ctx context.Context, tx *sqlx.Tx, stream settled.Stream, loss settled.Loss) error {
	if stream.Refill == 0 {
		return nil
	}
	_, err := tx.ExecContext(ctx, `
		delete from stream_marks
		where stream = $1 and (minute < now() - make_interval(secs => $2) or $3 or last_seq > $4 and $5)`,
		stream.Name, stream.Refill.Seconds(), loss == settled.LossRemade, int64(stream.Last), loss == settled.LossShortened) //nolint:gosec // as above
	return err
}

// remember notes what the stream was given, in the transaction that takes it out of the
// outbox: no published event escapes the memory.
func (s *Store) remember(ctx context.Context, tx *sqlx.Tx, stream string, last uint64, events []settled.Event) error {
	if stream == "" || last == 0 || len(events) == 0 {
		return nil
	}
	oldest := events[0].At
	for _, e := range events {
		if e.At.Before(oldest) {
			oldest = e.At
		}
	}
	err := s.statements.execIn(ctx, tx, `
		with known as (
			update streams set last_seq = greatest(last_seq, $2) where name = $1
		)
		insert into stream_marks (stream, minute, last_seq, oldest) values ($1, date_trunc('minute', now()), $2, $3)
		on conflict (stream, minute) do update set
			last_seq = greatest(stream_marks.last_seq, excluded.last_seq), oldest = least(stream_marks.oldest, excluded.oldest)`,
		stream, int64(last), timeText(oldest)) //nolint:gosec // as above
	return translate(err)
}
