package finalize

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"settled/bench/peer"
	"settled/bench/rig"
	"settled/bench/shop"
)

// The roles of the peers.
const (
	roleWatermill = "finalize_watermill"
	roleRiver     = "finalize_river"
)

// How the peers work at the same time: what was best of 2 to 32 subscribers of Watermill,
// and of 4 to 250 workers and pauses of 5 to 100 ms of River, on a machine of two cores.
// River's default pause would bound it at ten times its workers in a second.
var (
	watermillTask = peer.Task{Hands: 32, Connections: 36}
	riverTask     = peer.Task{Hands: 100, Connections: 36, Cooldown: 20 * time.Millisecond}
)

// settledItself is settled with its defaults.
var settledItself = contestant{
	name: "settled", settings: "`settled worker --pools finalize,relay` with its defaults",
	wait: each, begun: given, done: acknowledged,
	start: func(ctx context.Context, r *rig.Round) (*rig.Process, error) {
		admin, err := rig.FreeAddress(ctx)
		if err != nil {
			return nil, err
		}
		file, err := shop.Configure(r, shop.Settings{Admin: admin})
		if err != nil {
			return nil, err
		}
		process, err := r.Settled("settled", "worker", "--pools", "finalize,relay", "--config", file, "--log-level", "warn")
		if err == nil {
			process.Admin = admin
		}
		return process, err
	},
	left: "select count(*) from outbox",
}

// watermill is one transaction for each message, and its forwarder.
var watermill = contestant{
	name: "Watermill",
	settings: fmt.Sprintf("router, JetStream subscriber with SubscribersCount %d, pgx with a connection for each, one transaction for each message with "+
		"watermill-sql as its outbox, forwarder to JetStream; defaults otherwise", watermillTask.Hands),
	wait: each, begun: given, done: acknowledged,
	start: func(_ context.Context, r *rig.Round) (*rig.Process, error) {
		return play(r, roleWatermill, watermillTask)
	},
	left: `select count(*) from watermill_forwarded m, watermill_offsets_forwarded o
		where (m.transaction_id, m."offset") > (o.last_processed_transaction_id, o.offset_acked)`,
}

// river is one job for each notify, and one for each event.
var river = contestant{
	name: "River",
	settings: fmt.Sprintf("MaxWorkers %d, FetchCooldown %s, pgx with %d connections; the notify is a job that waits in PostgreSQL and is completed by JobCompleteTx in the "+
		"transaction that does its work; a second job publishes the event; defaults otherwise", riverTask.Hands, riverTask.Cooldown, riverTask.Connections),
	wait: func(ctx context.Context, r *rig.Round, bodies [][]byte) error {
		return peer.PrepareRiver(ctx, r.Postgres, bodies)
	},
	begun: func(ctx context.Context, r *rig.Round) (begun bool, err error) {
		err = r.DB.QueryRowContext(ctx, "select exists (select from river_job where attempted_at is not null)").Scan(&begun)
		return begun, err
	},
	done: func(context.Context, *rig.Round) (bool, error) { return true, nil }, // what is left says it
	start: func(_ context.Context, r *rig.Round) (*rig.Process, error) {
		return play(r, roleRiver, riverTask)
	},
	left: "select count(*) from river_job where state <> 'completed'",
}

func play(r *rig.Round, role string, t peer.Task) (*rig.Process, error) {
	if err := shop.WriteKeys(r.Folder); err != nil {
		return nil, err
	}
	t.Postgres, t.NATS, t.Prefix, t.Folder = r.Postgres, r.Servers.NATS.URL, r.Prefix(), r.Folder
	return r.Play(role, t)
}

// given reports whether a consumer has given out a notify.
func given(ctx context.Context, r *rig.Round) (bool, error) {
	found := false
	err := consumers(ctx, r, func(info *jetstream.ConsumerInfo) { found = found || info.Delivered.Consumer > 0 })
	return found, err
}

// acknowledged reports whether every consumer has nothing to give and nothing outstanding.
func acknowledged(ctx context.Context, r *rig.Round) (bool, error) {
	all := true
	err := consumers(ctx, r, func(info *jetstream.ConsumerInfo) { all = all && info.NumPending == 0 && info.NumAckPending == 0 })
	return all, err
}
