package limits

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"settled"
	"settled/bench/rig"
	"settled/bench/shop"
	"settled/store"
)

var statements = []rig.Contestant{
	{
		Name: MoveMany, Settings: "store.Move called by 512 goroutines at once: row, history and outbox of up to 256 payments in one statement and one commit, two at a time",
		Run: func(ctx context.Context, r *rig.Round) (rig.Measure, error) { return move(ctx, r, r.Size, 512) },
	},
	{
		Name: MoveOne, Settings: "store.Move called by one goroutine: one payment for each statement and commit",
		Run: func(ctx context.Context, r *rig.Round) (rig.Measure, error) {
			return move(ctx, r, max(1, r.Size/20), 1)
		},
	},
}

// move completes so many payments by so many callers at once.
func move(ctx context.Context, r *rig.Round, payments, callers int) (m rig.Measure, err error) {
	moves, err := standing(ctx, r, payments)
	if err != nil {
		return m, err
	}
	db, err := store.Open(store.Config{URL: r.Postgres, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := errors.Join(db.Ready(ctx), r.Calm(ctx)); err != nil {
		return m, err
	}
	before, err := r.Usage(ctx)
	if err != nil {
		return m, err
	}
	began := time.Now()
	if err := moveAll(ctx, db, moves, callers); err != nil {
		return m, err
	}
	m = rig.Measure{Operations: payments, Took: time.Since(began)}
	after, err := r.Usage(ctx)
	const postgres = "CPU µs: PostgreSQL"
	m.Extra = map[string]float64{postgres: after.Since(before, payments)[postgres]}
	return m, err
}

func moveAll(ctx context.Context, db *store.Store, moves []settled.Move, callers int) error {
	var next atomic.Int64
	var calling sync.WaitGroup
	failed := make([]error, callers)
	for caller := range callers {
		calling.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(moves)); i = next.Add(1) - 1 {
				moved, err := db.Move(ctx, moves[i])
				if err == nil && !moved {
					err = fmt.Errorf("payment %s did not move", moves[i].PaymentID)
				}
				if err != nil {
					failed[caller] = err
					return
				}
			}
		})
	}
	calling.Wait()
	return errors.Join(failed...)
}

// standing makes payments that stand prepared, and what completes them.
func standing(ctx context.Context, r *rig.Round, payments int) ([]settled.Move, error) {
	if err := shop.Open(ctx, r); err != nil {
		return nil, err
	}
	if err := shop.Prepare(ctx, r.DB, shop.V3, payments); err != nil {
		return nil, err
	}
	rows, err := r.DB.QueryContext(ctx, "select id from payments where status = 'prepared'")
	if err != nil {
		return nil, fmt.Errorf("read payments: %w", err)
	}
	defer func() { _ = rows.Close() }() // Err tells
	var moves []settled.Move
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("read payments: %w", err)
		}
		moves = append(moves, shop.Completion(id))
	}
	return moves, rows.Err()
}
