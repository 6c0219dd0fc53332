package intake

import (
	"context"
	"fmt"

	"settled/bench/load"
	"settled/bench/peer"
	"settled/bench/rig"
	"settled/bench/shop"
	"settled/events/bus"
)

// clients is how many shops post at the same time.
const clients = 256

const rolePublisher = "intake_publisher"

const about = `Orders are posted to /v1/payments over kept connections, by 256 clients of a process of their own, each
of which posts again as soon as it was answered. Every order is let in by its token, read and checked, and answered once it is
in the stream, or once PostgreSQL has committed it. Time is taken from the first request until the last answer.`

// Parts are the parts of this package.
func Parts() []rig.Part {
	p := rig.Part{
		Name: "intake", Unit: "orders", About: about,
		Roles: map[string]rig.Role{load.Role: load.Play, rolePublisher: peer.Publisher},
	}
	for _, c := range contestants {
		p.Contestants = append(p.Contestants, rig.Contestant{Name: c.name, Settings: c.settings, Run: c.run})
	}
	return []rig.Part{p}
}

// contestant is one who takes orders in.
type contestant struct {
	name, settings string
	committed      bool // when it answers, not only stored
	start          func(ctx context.Context, r *rig.Round, at string) ([]*rig.Process, error)
}

var contestants = []contestant{
	{
		name: "settled, stored", settings: "`settled ingress`, acknowledge: stored; defaults otherwise",
		start: func(ctx context.Context, r *rig.Round, at string) ([]*rig.Process, error) {
			return shop.Ingress(ctx, r, shop.Settings{Ingress: at, Stored: true})
		},
	},
	{
		name: "settled, committed", committed: true,
		settings: "`settled ingress` with its defaults and `settled worker --pools prepare`: the answer waits until the worker has recorded " +
			"the payment in PostgreSQL. The worker then calls WeChat, which is not there in this part: each order also pays for calls that fail, " +
			"so the true rate is no lower than this one. What it is with WeChat, and to the end, is in the lives",
		start: func(ctx context.Context, r *rig.Round, at string) ([]*rig.Process, error) {
			return shop.Ingress(ctx, r, shop.Settings{Ingress: at}, "prepare")
		},
	},
	{
		name: "one publish for each", settings: "net/http, the same checks, and one synchronous publish for each request",
		start: func(ctx context.Context, r *rig.Round, at string) ([]*rig.Process, error) {
			process, err := r.Play(rolePublisher, peer.Task{
				Postgres: r.Postgres, NATS: r.Servers.NATS.URL, Prefix: r.Prefix(), Folder: r.Folder, Hands: 1, Connections: 1, Listen: at,
			})
			if err != nil {
				return nil, err
			}
			return []*rig.Process{process}, shop.Listening(ctx, process, at)
		},
	},
}

func (c contestant) run(ctx context.Context, r *rig.Round) (m rig.Measure, err error) {
	if err := shop.Open(ctx, r); err != nil {
		return m, err
	}
	if err := shop.WriteKeys(r.Folder); err != nil {
		return m, err
	}
	at, err := rig.FreeAddress(ctx)
	if err != nil {
		return m, err
	}
	processes, err := c.start(ctx, r, at)
	if err != nil {
		return m, err
	}
	m, err = load.Measure(ctx, r, processes, load.Task{URL: "http://" + at, Clients: clients, Status: 202}, orders(r.Size))
	if err != nil {
		return m, err
	}
	return m, c.check(ctx, r)
}

// orders are the requests of so many orders.
func orders(n int) []load.Request {
	header := map[string][]string{"Authorization": {"Bearer " + shop.Token}, "Content-Type": {"application/json"}}
	all := make([]load.Request, n)
	for i := range all {
		all[i] = load.Request{Path: "/v1/payments", Header: header, Body: shop.Request(shop.V2, i+1)}
	}
	return all
}

// check makes sure that each order is where its answer said.
func (c contestant) check(ctx context.Context, r *rig.Round) error {
	stream, err := r.Stream.Stream(ctx, r.StreamName(bus.Orders))
	if err != nil {
		return fmt.Errorf("find the stream of orders: %w", err)
	}
	if n := stream.CachedInfo().State.Msgs; n != uint64(r.Size) { //nolint:gosec // a count
		return fmt.Errorf("the stream has %d of %d orders", n, r.Size)
	}
	if !c.committed {
		return nil
	}
	var n int
	if err := r.DB.QueryRowContext(ctx, "select count(distinct order_id) from payments where merchant = $1", shop.V2).Scan(&n); err != nil {
		return fmt.Errorf("count payments: %w", err)
	}
	if n != r.Size {
		return fmt.Errorf("%d of %d orders were recorded", n, r.Size)
	}
	return nil
}
