package life

import (
	"context"
	"fmt"
	"time"

	"settled/bench/limits"
	"settled/bench/rig"
	"settled/bench/shop"
	"settled/events/bus"
)

const role = "life_customers"

// underway is how many payments the order system keeps between their request and their
// completion: twice in_flight's default, so that each of the two pools can have its hands full.
const underway = 512

const about = `An order system publishes payment.requested on NATS and keeps %d payments underway; settled prepares each with
WeChat (%s), the customer hands what payment.prepared holds to WeChat and pays at once, WeChat posts its notify to the ingress,
which answers after the commit, and the order system hears payment.completed. Time is taken from the first request to the last
completion. WeChat is the simulator, a process of its own, and so are settled and the order system with its customers. Then a
quarter as many payments are requested at half that rate, whoever waits.`

// rsa is what WeChat's APIv3 takes of both sides, and why no more can be had.
const rsa = `APIv3: for one payment either side signs twice and verifies twice with RSA-2048; settled signs the call and what the app
hands over, and verifies the answer and the notify; the simulator, on the same cores, does the other half`

// Parts are the parts of this package, one for each protocol.
func Parts() []rig.Part {
	return []rig.Part{
		part("life_legacy", shop.Legacy, "the legacy protocol, MD5 and SHA-1"),
		part("life_v2", shop.V2, "APIv2, HMAC-SHA256"),
		part("life_v3", shop.V3, rsa, limits.RSA),
	}
}

func part(name, merchant, how string, beyond ...string) rig.Part {
	return rig.Part{
		Name: name, Unit: "payments", About: fmt.Sprintf(about, underway, how), Path: append(Path(), beyond...),
		Modules: []string{"github.com/lib/pq", "github.com/nats-io/nats.go", "github.com/redis/go-redis/v9"},
		Roles:   Roles(),
		Contestants: []rig.Contestant{{
			Name: "settled", Settings: Settings,
			Run: func(ctx context.Context, r *rig.Round) (rig.Measure, error) {
				return Run(ctx, r, merchant)
			},
		}},
	}
}

// Settings is how settled is set up.
const Settings = "`settled serve`, ingress and all pools in one process, with its defaults but for the calls to WeChat that it may make in a second"

// Path are the limits that every payment passes in its life, whatever its protocol: its request
// comes alone, what else is published may share a write; it moves twice; an order and a notify
// are acknowledged; WeChat is called, paid, and calls.
func Path() []string {
	return []string{
		limits.PublishAsync, limits.PublishAtomic, limits.PublishAtomic, limits.PublishAtomic, limits.MoveMany, limits.MoveMany,
		limits.Acknowledge, limits.Acknowledge, limits.Echo, limits.Echo, limits.Echo,
	}
}

// Roles are the roles of whoever runs lives.
func Roles() map[string]rig.Role { return map[string]rig.Role{role: play} }

// life is one run.
type life struct {
	*rig.Round
	merchant string
	wechat   string // its address
	settled  *rig.Process
}

// Run lets as many payments live as the round has operations, and then a quarter as many at
// half the rate.
func Run(ctx context.Context, r *rig.Round, merchant string) (m rig.Measure, err error) {
	l := life{Round: r, merchant: merchant}
	if err := l.start(ctx); err != nil {
		return m, err
	}
	before, err := r.Usage(ctx, l.settled)
	if err != nil {
		return m, err
	}
	went, err := l.live(ctx, task{Payments: r.Size, Underway: underway})
	if err != nil {
		return m, err
	}
	after, err := r.Usage(ctx, l.settled)
	if err != nil {
		return m, err
	}
	m = rig.Measure{Operations: r.Size, Took: went.Took, Extra: map[string]float64{}, Cost: after.Since(before, r.Size)}
	m.Cost["calls to WeChat"] = (shop.Calls(after.Counters) - shop.Calls(before.Counters)) / float64(r.Size)
	m.Extra["MiB at most"], _ = l.settled.Memory()
	went.fill(m.Extra, "")
	some := max(1, r.Size/4)
	calm, err := l.live(ctx, task{From: r.Size, Payments: some, Rate: m.Rate() / 2})
	if err != nil {
		return m, fmt.Errorf("at half the rate: %w", err)
	}
	calm.fill(m.Extra, "at 50 %, ")
	if err := l.check(ctx, r.Size+some); err != nil {
		return m, err
	}
	// A connection tells its syncs when it ends: those of the quarter are among them.
	m.Cost["syncs of PostgreSQL's log"], err = r.Syncs(ctx, before, r.Size+some, l.settled)
	return m, err
}

// start starts WeChat and settled.
func (l *life) start(ctx context.Context) error {
	if err := shop.Open(ctx, l.Round); err != nil {
		return err
	}
	if err := l.Calm(ctx); err != nil {
		return err
	}
	var at [3]string
	for i := range at {
		var err error
		if at[i], err = rig.FreeAddress(ctx); err != nil {
			return err
		}
	}
	const unbounded = 1_000_000
	l.wechat = at[2]
	s := shop.Settings{Ingress: at[0], Admin: at[1], WeChat: "http://" + l.wechat, Rate: unbounded}
	file, err := shop.Configure(l.Round, s)
	if err != nil {
		return err
	}
	wechat, err := shop.WeChat(ctx, l.Round, file, l.wechat)
	if err != nil {
		return err
	}
	l.Beside(wechat)
	l.settled, err = shop.Serve(ctx, l.Round, file, s)
	return err
}

// live lets payments live and waits for the last of them.
func (l *life) live(ctx context.Context, t task) (went report, err error) {
	t.NATS, t.Prefix, t.Stream = l.Servers.NATS.URL, l.Prefix(), l.StreamName(bus.Out)
	t.Pay, t.Merchant = "http://"+l.wechat+"/simulator/pay", l.merchant
	if t.Folder, err = l.NewFolder(role); err != nil {
		return went, err
	}
	customers, err := l.Play(role, t)
	if err != nil {
		return went, err
	}
	if err := customers.Hear(ctx, t.Folder, &went); err != nil {
		return went, err
	}
	if went.Wrong != "" {
		return went, fmt.Errorf("the order system: %s", went.Wrong)
	}
	return went, customers.Stop()
}

// fill writes latencies down, as milliseconds.
func (r report) fill(extra map[string]float64, when string) {
	for _, span := range []struct {
		name string
		took [2]time.Duration
	}{{"order to prepared", r.Prepared}, {"paid to completed", r.Completed}} {
		for i, name := range []string{"p50", "p99"} {
			extra[fmt.Sprintf("ms %s%s: %s", when, span.name, name)] = float64(span.took[i].Microseconds()) / 1000
		}
	}
}
