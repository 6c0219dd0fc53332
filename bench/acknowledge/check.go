package acknowledge

import (
	"context"
	"fmt"
	"time"

	"settled/bench/rig"
	"settled/bench/shop"
	"settled/events/bus"
)

// patience is more than the last events take to come out.
const patience = 30 * time.Second

// check makes sure that every payment is completed once, and waits until each event is told.
func (c contestant) check(ctx context.Context, r *rig.Round, door *rig.Process, merchant string, want int) error {
	for _, query := range []string{
		"select count(*) from payments where merchant = $1 and status = 'completed' and version = 3 and not late",
		"select count(*) from events where merchant = $1 and type = 'payment.completed'",
	} {
		var n int
		if err := r.DB.QueryRowContext(ctx, query, merchant).Scan(&n); err != nil {
			return fmt.Errorf("count what is completed: %w", err)
		}
		if n != want {
			return fmt.Errorf("%d of %d are completed (%s)", n, want, query)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	told := uint64(0)
	err := door.Until(ctx, 20*time.Millisecond, func(ctx context.Context) (bool, error) {
		stream, err := r.Stream.Stream(ctx, r.StreamName(bus.Out))
		if err != nil {
			return false, fmt.Errorf("find the stream of outputs: %w", err)
		}
		told = stream.CachedInfo().State.Msgs
		return told >= uint64(want), nil //nolint:gosec // a count
	})
	if err != nil {
		return fmt.Errorf("%d of %d payments were told: %w", told, want, err)
	}
	if told != uint64(want) { //nolint:gosec // a count
		return fmt.Errorf("%d events tell of %d payments of %s", told, want, shop.Order(1))
	}
	return nil
}
