package acknowledge

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"settled/bench/load"
	"settled/bench/peer"
	"settled/bench/rig"
	"settled/bench/shop"
	"settled/wechat/v2"
)

const roleCommitter = "acknowledge_committer"

// clients post at the same time; at a rate there are enough that none is waited for.
const clients, atRate = 128, 512

// hands is how many connections to PostgreSQL the plain handler has.
const hands = 64

const about = `Notifies, %s, are posted over kept connections by 128 clients of a process of their own, each of
which posts again as soon as it was answered: that is the maximum. Then a quarter as many are posted at 25, 50 and 80 %% of
that rate, whoever waits; their time is counted from the moment that each was to be posted. Every notify is verified, its
payment completed with its history and outbox, and success answered after the commit.`

// Parts are the parts of this package, one for each protocol.
func Parts() []rig.Part {
	return []rig.Part{
		part("acknowledge_v2", shop.V2, "signed with HMAC-SHA256"),
		part("acknowledge_v3", shop.V3, "signed with RSA-2048 and encrypted with AES-256"),
	}
}

func part(name, merchant, how string) rig.Part {
	p := rig.Part{
		Name: name, Unit: "notifies", About: fmt.Sprintf(about, how),
		Roles: map[string]rig.Role{load.Role: load.Play, roleCommitter: peer.Committer},
	}
	for _, c := range contestants {
		p.Contestants = append(p.Contestants, rig.Contestant{
			Name: c.name, Settings: c.settings,
			Run: func(ctx context.Context, r *rig.Round) (rig.Measure, error) { return c.run(ctx, r, merchant) },
		})
	}
	return p
}

// contestant is one who answers notifies.
type contestant struct {
	name, settings string
	start          func(ctx context.Context, r *rig.Round, at string) ([]*rig.Process, error)
}

var contestants = []contestant{
	{
		name: "settled", settings: "`settled ingress` and `settled worker --pools finalize,relay`, with their defaults",
		start: func(ctx context.Context, r *rig.Round, at string) ([]*rig.Process, error) {
			return shop.Ingress(ctx, r, shop.Settings{Ingress: at}, "finalize", "relay")
		},
	},
	{
		name: "one transaction and one publish for each",
		settings: fmt.Sprintf("net/http, pgx with %d connections; in the handler one transaction with an outbox row, one synchronous publish, "+
			"and the row deleted", hands),
		start: func(ctx context.Context, r *rig.Round, at string) ([]*rig.Process, error) {
			if _, err := r.DB.ExecContext(ctx, peer.Outbox); err != nil {
				return nil, fmt.Errorf("make the outbox: %w", err)
			}
			process, err := r.Play(roleCommitter, peer.Task{
				Postgres: r.Postgres, NATS: r.Servers.NATS.URL, Prefix: r.Prefix(), Folder: r.Folder, Hands: hands, Connections: hands + 4, Listen: at,
			})
			if err != nil {
				return nil, err
			}
			return []*rig.Process{process}, shop.Listening(ctx, process, at)
		},
	},
}

var shares = []int{25, 50, 80} // percent of the maximum

func (c contestant) run(ctx context.Context, r *rig.Round, merchant string) (m rig.Measure, err error) {
	some := max(1, r.Size/4)
	total := r.Size + len(shares)*some
	if err := prepare(ctx, r, merchant, total); err != nil {
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
	requests, err := notifies(merchant, total)
	if err != nil {
		return m, err
	}
	task := load.Task{URL: "http://" + at, Clients: clients, Status: http.StatusNoContent}
	if merchant == shop.V2 {
		task.Status, task.Holds = http.StatusOK, v2.Success
	}
	if m, err = load.Measure(ctx, r, processes, task, requests[:r.Size]); err != nil {
		return m, err
	}
	most := m.Rate()
	task.Clients = atRate
	for i, share := range shares {
		task.Rate = most * float64(share) / 100
		from := r.Size + i*some
		went, err := load.Start(ctx, r, task, requests[from:from+some])
		if err != nil {
			return m, fmt.Errorf("at %d %%: %w", share, err)
		}
		m.Extra[fmt.Sprintf("ms at %d %%: p50", share)] = float64(went.P50.Microseconds()) / 1000
		m.Extra[fmt.Sprintf("ms at %d %%: p99", share)] = float64(went.P99.Microseconds()) / 1000
	}
	return m, c.check(ctx, r, processes[0], merchant, total)
}

func prepare(ctx context.Context, r *rig.Round, merchant string, orders int) error {
	if err := shop.WriteKeys(r.Folder); err != nil {
		return err
	}
	if err := shop.Open(ctx, r); err != nil {
		return err
	}
	if err := shop.Prepare(ctx, r.DB, merchant, orders); err != nil {
		return err
	}
	return r.Calm(ctx)
}

// notifies are signed anew in each round: WeChat's word of APIv3 is good for five minutes.
func notifies(merchant string, n int) ([]load.Request, error) {
	signed, err := shop.Notifies(merchant, n, time.Now())
	all := make([]load.Request, len(signed))
	for i, notify := range signed {
		all[i] = load.Request{Path: "/notify/" + merchant, Header: notify.Header, Body: notify.Body}
	}
	return all, err
}
