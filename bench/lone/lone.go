package lone

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"settled"
	"settled/bench/rig"
	"settled/bench/shop"
	"settled/store"
)

const about = `One payment at a time. A signed notify of APIv2 is published to the stream; settled's worker verifies it,
completes the payment in one commit, and replies; then it publishes payment.completed. p50 and p99 are from the moment before
the publish to the reply, and nothing else is on its way meanwhile. After every twenty notifies the same statement
completes twenty other payments of the same table, one at a time: the bare transaction. Its p50 is what "times the bare
transaction" is held against; of a notify's time, the publish waits for a sync of the stream before the worker begins,
and a further column leaves that out.`

// share is how many of a run's operations are done: each waits for the one before it.
const share = 10

// Parts are the parts of this package.
func Parts() []rig.Part {
	return []rig.Part{{
		Name: "lone", Unit: "payments", About: about, Modules: []string{"github.com/lib/pq", "github.com/nats-io/nats.go"},
		Contestants: []rig.Contestant{{
			Name: "settled", Settings: "`settled worker --pools finalize,relay` with its defaults", Run: run,
		}},
	}}
}

// block is how many notifies come before as many bare transactions.
const block = 20

// Operations is how many payments a run of a size completes.
func Operations(size int) int { return max(1, size/share) }

func run(ctx context.Context, r *rig.Round) (m rig.Measure, err error) {
	n := Operations(r.Size)
	moves, err := prepare(ctx, r, n)
	if err != nil {
		return m, err
	}
	bare, err := store.Open(store.Config{URL: r.Postgres, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, bare.Close()) }()
	if err := bare.Ready(ctx); err != nil {
		return m, err
	}
	worker, err := shop.Worker(ctx, r, shop.Settings{}, "finalize", "relay")
	if err != nil {
		return m, err
	}
	ears, err := listen(ctx, r)
	if err != nil {
		return m, err
	}
	defer ears.close()
	notifies, err := shop.Notifies(shop.V2, n, time.Now())
	if err != nil {
		return m, err
	}
	var spans spans
	for from := 0; from < n; from += block {
		to := min(from+block, n)
		for i, notify := range notifies[from:to] {
			if err := spans.notify(ctx, ears, notify); err != nil {
				return m, fmt.Errorf("notify %d: %w", from+i+1, err)
			}
		}
		if err := spans.move(ctx, ears, bare, moves[from:to]); err != nil {
			return m, err
		}
	}
	most, _ := worker.Memory()
	m = spans.measure()
	m.Extra["MiB at most"] = most
	return m, check(ctx, r, n)
}

// move completes payments by the bare statement, one at a time. Its events are published too:
// they are heard before the next notify.
func (s *spans) move(ctx context.Context, e *ears, bare *store.Store, moves []settled.Move) error {
	for _, move := range moves {
		began := time.Now()
		if moved, err := bare.Move(ctx, move); err != nil || !moved {
			return fmt.Errorf("complete payment %s by the bare statement: moved %t: %w", move.PaymentID, moved, err)
		}
		s.bare = append(s.bare, time.Since(began))
	}
	for range moves {
		if _, err := e.event(ctx); err != nil {
			return err
		}
	}
	return e.quiet(ctx)
}

// spans are how long each operation took.
type spans struct{ stored, replied, completed, bare []time.Duration }

func (s *spans) measure() rig.Measure {
	m := rig.Measure{Operations: len(s.replied), Extra: map[string]float64{}}
	for _, took := range s.replied {
		m.Took += took
	}
	milliseconds := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	m.P50, m.P99 = percentile(s.replied, 50), percentile(s.replied, 99)
	for name, took := range map[string][]time.Duration{
		"ms publish alone: ": s.stored, "ms payment.completed: ": s.completed, "ms bare transaction: ": s.bare,
	} {
		m.Extra[name+"p50"], m.Extra[name+"p99"] = milliseconds(percentile(took, 50)), milliseconds(percentile(took, 99))
	}
	handled := make([]time.Duration, len(s.replied)) // from the stored message to the reply
	for i := range handled {
		handled[i] = s.replied[i] - s.stored[i]
	}
	bare := float64(max(1, percentile(s.bare, 50)))
	m.Extra["times the bare transaction, p50"] = float64(m.P50) / bare
	m.Extra["times the bare transaction, p50 without the publish"] = float64(percentile(handled, 50)) / bare
	return m
}

func percentile(took []time.Duration, percent int) time.Duration {
	sorted := slices.Sorted(slices.Values(took))
	return sorted[len(sorted)*percent/100]
}

// check makes sure that either way has completed all of its payments, once.
func check(ctx context.Context, r *rig.Round, n int) error {
	var completed, history int
	err := r.DB.QueryRowContext(ctx, `select (select count(*) from payments where status = 'completed' and version = 3),
		(select count(*) from events where type = 'payment.completed')`).Scan(&completed, &history)
	if err != nil {
		return fmt.Errorf("count what is completed: %w", err)
	}
	if completed != 2*n || history != 2*n {
		return fmt.Errorf("%d payments of %d are completed, with %d rows of the history", completed, 2*n, history)
	}
	return nil
}
