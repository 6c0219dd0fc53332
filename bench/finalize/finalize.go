// Package finalize measures how fast what WeChat says becomes what is: signed notifies wait
// in a stream, and each has to complete its payment, with its history and its event.
//
// It knows settled and its peers as processes, and judges all of them by the same rows and
// messages. It must not know how any of them works.
package finalize

import (
	"context"
	"fmt"
	"time"

	"settled/bench/limits"
	"settled/bench/peer"
	"settled/bench/rig"
	"settled/bench/shop"
)

// Parts are the parts of this package, one for each protocol.
func Parts() []rig.Part {
	return []rig.Part{
		part("finalize_v2", shop.V2, "signed with HMAC-SHA256", limits.Hash),
		part("finalize_v3", shop.V3, "signed with RSA-2048 and encrypted with AES-256", limits.Verify),
	}
}

const about = `Notifies, %s, wait in a stream for as many payments that stand prepared in PostgreSQL. Each has to be
verified and compared with its payment, which is completed with its history and outbox in one commit;
payment.completed is published, and the notify acknowledged. Time is taken from the first delivery until the
last event is in the stream and the last notify is acknowledged.`

// Path are the limits that a notify passes, whatever it is signed with. What is published may
// share a write.
func Path() []string { return []string{limits.MoveMany, limits.PublishAtomic, limits.Acknowledge} }

// Settled lets settled finalize as many payments as the round has operations.
func Settled(ctx context.Context, r *rig.Round, merchant string) (rig.Measure, error) {
	return settledItself.run(ctx, r, merchant)
}

// Before is Settled with so many repeats behind the notifies, which nobody waits for.
func Before(ctx context.Context, r *rig.Round, merchant string, repeats int) (rig.Measure, error) {
	c := settledItself
	c.wait = func(ctx context.Context, r *rig.Round, bodies [][]byte) error {
		return inStream(ctx, r, bodies, len(bodies)+repeats)
	}
	c.done = func(context.Context, *rig.Round) (bool, error) { return true, nil }
	return c.run(ctx, r, merchant)
}

func part(name, merchant, how, signature string) rig.Part {
	p := rig.Part{
		Name: name, Unit: "payments", About: fmt.Sprintf(about, how),
		Path: append(Path(), signature),
		Modules: []string{
			"github.com/lib/pq", "github.com/nats-io/nats.go", "github.com/jackc/pgx/v5", "github.com/riverqueue/river",
			"github.com/ThreeDotsLabs/watermill", "github.com/ThreeDotsLabs/watermill-nats/v2", "github.com/ThreeDotsLabs/watermill-sql/v4",
		},
		Roles: map[string]rig.Role{roleWatermill: peer.Watermill, roleRiver: peer.River},
	}
	for _, c := range []contestant{settledItself, watermill, river} {
		p.Contestants = append(p.Contestants, rig.Contestant{
			Name: c.name, Settings: c.settings,
			Run: func(ctx context.Context, r *rig.Round) (rig.Measure, error) { return c.run(ctx, r, merchant) },
		})
	}
	return p
}

// contestant is one who finalizes, as a process that is started once everything waits.
type contestant struct {
	name, settings string
	// wait makes the notifies wait for the contestant, wherever it takes them from.
	wait func(ctx context.Context, r *rig.Round, bodies [][]byte) error
	// start starts its process.
	start func(ctx context.Context, r *rig.Round) (*rig.Process, error)
	// begun and done say whether the first notify was given out, and the last acknowledged.
	begun, done func(ctx context.Context, r *rig.Round) (bool, error)
	// left counts what still waits to be published.
	left string
}

func (c contestant) run(ctx context.Context, r *rig.Round, merchant string) (m rig.Measure, err error) {
	if err := c.prepare(ctx, r, merchant); err != nil {
		return m, err
	}
	process, err := c.start(ctx, r)
	if err != nil {
		return m, err
	}
	const often, seldom = 2 * time.Millisecond, 10 * time.Millisecond
	began := time.Now()
	if err := process.Until(ctx, often, func(ctx context.Context) (bool, error) {
		began = time.Now() // of the question whose answer is yes, so no later than it was
		return c.begun(ctx, r)
	}); err != nil {
		return m, fmt.Errorf("wait for the first notify: %w", err)
	}
	before, err := r.Usage(ctx, process)
	if err != nil {
		return m, err
	}
	if err := process.Until(ctx, seldom, func(ctx context.Context) (bool, error) { return c.through(ctx, r) }); err != nil {
		return m, fmt.Errorf("wait for the last notify: %w", err)
	}
	m = rig.Measure{Operations: r.Size, Took: time.Since(began)}
	after, err := r.Usage(ctx, process)
	if err != nil {
		return m, err
	}
	m.Cost = after.Since(before, r.Size)
	most, _ := process.Memory()
	m.Extra = map[string]float64{"MiB at most": most}
	if err := c.check(ctx, r, merchant); err != nil {
		return m, err
	}
	m.Cost["syncs of PostgreSQL's log"], err = r.Syncs(ctx, before, r.Size, process)
	return m, err
}

// prepare lets payments stand and notifies wait.
func (c contestant) prepare(ctx context.Context, r *rig.Round, merchant string) error {
	notifies, err := signed(merchant, r.Size)
	if err != nil {
		return err
	}
	bodies := make([][]byte, len(notifies))
	for i, n := range notifies {
		if bodies[i], err = n.Received(merchant); err != nil {
			return err
		}
	}
	if err := shop.Open(ctx, r); err != nil {
		return err
	}
	if err := shop.Prepare(ctx, r.DB, merchant, r.Size); err != nil {
		return err
	}
	if err := c.wait(ctx, r, bodies); err != nil {
		return err
	}
	return r.Calm(ctx)
}
