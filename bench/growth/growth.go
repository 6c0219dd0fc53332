package growth

import (
	"context"
	"fmt"
	"time"

	"settled/bench/finalize"
	"settled/bench/life"
	"settled/bench/rig"
	"settled/bench/shop"
)

// Scale says how far it has grown.
type Scale struct {
	Rows    []int // finished payments, for each of which there is a contestant
	Backlog int   // notifies that wait
}

const about = `%s, where so many payments are finished already, each with its history: half of them of this merchant. They lie in a schema
of their own, which is filled once, vacuumed and analyzed, and kept for all rounds; what a round adds is deleted before the next one. Caches
are as the round before left them: nothing is emptied. The memory is that of settled's process, at most.`

// Parts are the parts of this package.
func Parts(s Scale) []rig.Part {
	completes := part(s, "growth_finalize", "Notifies as in finalize v2", shop.V2, finalize.Path(), finalize.Settled)
	completes.Contestants = append(completes.Contestants, rig.Contestant{
		Name: "before a backlog of " + rig.Thousands(s.Backlog),
		Settings: "nothing is finished, and behind the notifies that are counted so many repeats of them wait in the stream; " +
			"time is taken until the last event, whatever still waits",
		Run: func(ctx context.Context, r *rig.Round) (rig.Measure, error) {
			return finalize.Before(ctx, r, shop.V2, s.Backlog)
		},
	})
	lives := part(s, "growth_life", "Lives as in life legacy", shop.Legacy, life.Path(), life.Run)
	lives.Roles = life.Roles()
	return []rig.Part{completes, lives}
}

// part is a piece of work beside each number of finished payments.
func part(
	s Scale, name, what, merchant string, path []string, run func(context.Context, *rig.Round, string) (rig.Measure, error),
) rig.Part {
	p := rig.Part{Name: name, Unit: "payments", About: fmt.Sprintf(about, what), Path: path, Bound: time.Hour}
	for _, rows := range s.Rows {
		p.Contestants = append(p.Contestants, rig.Contestant{
			Name: "beside " + rig.Thousands(rows) + " payments", Settings: "that are finished",
			Run: func(ctx context.Context, r *rig.Round) (rig.Measure, error) {
				if err := stand(ctx, r, rows); err != nil {
					return rig.Measure{}, err
				}
				return run(ctx, r, merchant)
			},
		})
	}
	return p
}

// stand lets the round work where so many payments are finished.
func stand(ctx context.Context, r *rig.Round, rows int) error {
	if err := r.Stay(ctx, fmt.Sprintf("grown_%d", rows)); err != nil {
		return err
	}
	if err := shop.Open(ctx, r); err != nil {
		return err
	}
	return shop.Grow(ctx, r.DB, rows)
}
