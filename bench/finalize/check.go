package finalize

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"settled/bench/rig"
	"settled/bench/shop"
	"settled/events"
	"settled/events/bus"
)

// through reports whether every event is in the stream, nothing is left in the outbox, and
// every notify is acknowledged.
func (c contestant) through(ctx context.Context, r *rig.Round) (bool, error) {
	told, err := told(ctx, r)
	if err != nil || told < uint64(r.Size) { //nolint:gosec // a count
		return false, err
	}
	left := 0
	if err := r.DB.QueryRowContext(ctx, c.left).Scan(&left); err != nil || left > 0 {
		return false, err
	}
	return c.done(ctx, r)
}

// told counts the events in the stream of the outputs.
func told(ctx context.Context, r *rig.Round) (uint64, error) {
	stream, err := r.Stream.Stream(ctx, r.StreamName(bus.Out))
	if err != nil {
		return 0, fmt.Errorf("find the stream of outputs: %w", err)
	}
	return stream.CachedInfo().State.Msgs, nil
}

// checks are what must be as many as there are notifies when the work is done, and the
// same for everybody. The round's orders are looked for by their numbers: others may stand
// beside them.
var checks = []struct{ what, query string }{
	{"payments completed", "select count(*)" + ours + " and status = 'completed' and version = 3 and not late"},
	{"transactions", "select count(distinct transaction_id)" + ours + " and source = 'notify'"},
	{"rows of the history that completed", "select count(*)" + history + " and type = 'payment.completed' and to_status = 'completed' and e.version = 3"},
	{"rows of the history by three", "select count(*) / 3" + history},
}

const (
	ours    = " from payments p where p.merchant = $1 and p.order_id between $2 and $3"
	history = " from events e join payments p on p.id = e.payment_id where p.merchant = $1 and p.order_id between $2 and $3"
)

// check makes sure that the work was done, once and for each.
func (c contestant) check(ctx context.Context, r *rig.Round, merchant string) error {
	for _, check := range checks {
		var n int
		if err := r.DB.QueryRowContext(ctx, check.query, merchant, shop.Order(1), shop.Order(r.Size)).Scan(&n); err != nil {
			return fmt.Errorf("count %s: %w", check.what, err)
		}
		if n != r.Size {
			return fmt.Errorf("%d %s, not %d", n, check.what, r.Size)
		}
	}
	stream, err := r.Stream.Stream(ctx, r.StreamName(bus.Out))
	if err != nil {
		return fmt.Errorf("find the stream of outputs: %w", err)
	}
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(">"))
	if err != nil {
		return fmt.Errorf("count events: %w", err)
	}
	if n := info.State.Subjects[r.Prefix()+events.PaymentCompleted]; n != uint64(r.Size) || n != info.State.Msgs { //nolint:gosec // counts
		return fmt.Errorf("%d events tell of %d payments, among %d", n, r.Size, info.State.Msgs)
	}
	return nil
}
