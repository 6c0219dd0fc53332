package crash

import (
	"context"
	"errors"
	"time"

	"settled/wechat/simulator"
)

// Fault is one thing that goes wrong with servers, the network, WeChat or clocks while
// customers pay.
type Fault struct {
	Name  string
	Short bool // part of every run of the tests

	servers ServersConfig
	world   WorldConfig
	ahead   []time.Duration // how wrong the clocks are, process by process
	happens func(ctx context.Context, w *World) error
}

// away is how long something is away: longer than the pauses between tries; twice that is
// longer than a connection may stay silent.
const away = 6 * time.Second

// Faults lists every fault, by what fails.
func Faults() []Fault {
	proxied, clustered := WorldConfig{Proxied: true}, ServersConfig{Cluster: true}
	return []Fault{
		{Name: "postgres_restarts", happens: func(ctx context.Context, w *World) error { return w.servers.Postgres.Restart(ctx) }},
		{Name: "postgres_is_away", happens: func(ctx context.Context, w *World) error {
			w.servers.Postgres.Kill()
			pause(ctx, away)
			return w.servers.Postgres.Restart(ctx)
		}},
		{Name: "postgres_falls_silent", happens: func(ctx context.Context, w *World) error {
			w.servers.Postgres.Pause()
			pause(ctx, 2*away)
			w.servers.Postgres.Resume()
			return nil
		}},
		{Name: "postgres_ends_every_connection", happens: endConnections},
		{Name: "postgres_has_no_connection_left", Short: true, servers: ServersConfig{MaxConnections: 60}, happens: hogConnections},
		{Name: "postgres_is_slow", world: proxied, happens: slow(300*time.Millisecond, Postgres)},
		{Name: "postgres_is_cut_off_in_the_middle_of_answers", Short: true, world: proxied, happens: cutAnswers(20_000, Postgres)},
		{Name: "postgres_answers_vanish", world: proxied, happens: loseAnswers(Postgres)},

		{Name: "nats_restarts", happens: func(_ context.Context, w *World) error { return w.servers.NATS.Restart() }},
		{Name: "nats_is_wiped", Short: true, world: WorldConfig{OverHTTP: true}, happens: func(_ context.Context, w *World) error { return w.servers.NATS.Wipe() }},
		{Name: "nats_is_wiped_and_the_relay_dies_while_it_replays", world: WorldConfig{OverHTTP: true}, happens: dieReplaying},
		{Name: "nats_has_a_full_disk", Short: true, servers: ServersConfig{MaxStore: 24 << 20}, happens: fillDisk},
		{Name: "nats_loses_its_consumers", Short: true, happens: deleteConsumers},
		{Name: "nats_is_slow", world: proxied, happens: slow(300*time.Millisecond, NATS)},
		{Name: "nats_is_cut_off", world: proxied, happens: flap(NATS)},
		{Name: "nats_answers_vanish", world: proxied, happens: loseAnswers(NATS)},
		{Name: "nats_cluster_loses_its_leaders", Short: true, servers: clustered, happens: killLeaders},
		{Name: "nats_cluster_has_a_silent_leader", servers: clustered, happens: silenceLeader},
		{Name: "nats_cluster_has_no_majority", servers: clustered, happens: killMajority},

		{Name: "redis_restarts", happens: func(ctx context.Context, w *World) error { return w.servers.Redis.Restart(ctx) }},
		{Name: "redis_is_flushed", happens: func(ctx context.Context, w *World) error {
			var failed error
			for range 10 {
				failed = errors.Join(failed, w.servers.Redis.Flush(ctx))
				pause(ctx, 200*time.Millisecond)
			}
			return failed
		}},
		{Name: "redis_is_gone", happens: func(ctx context.Context, w *World) error {
			w.servers.Redis.Kill()
			pause(ctx, away)
			return w.servers.Redis.Restart(ctx)
		}},

		{Name: "wechat_is_slow", happens: gateway(simulator.GatewaySwitches{Slow: 1, SlowBy: simulator.Duration(time.Second)})},
		{Name: "wechat_answers_after_our_timeout", happens: gateway(simulator.GatewaySwitches{Slow: .3, SlowBy: simulator.Duration(15 * time.Second)})},
		{Name: "wechat_fails", happens: gateway(simulator.GatewaySwitches{ErrorRate: .5, Down: .3})},
		{Name: "wechat_is_down", happens: gateway(simulator.GatewaySwitches{Down: 1})},
		{Name: "wechat_cuts_connections", happens: gateway(simulator.GatewaySwitches{CutConnection: .4, AnswerLost: .4})},
		{Name: "wechat_signs_wrong", happens: gateway(simulator.GatewaySwitches{WrongSignature: .3, Unsigned: .2, Probe: .2})},
		{Name: "notifies_come_a_hundred_times", happens: notifies(simulator.NotifySwitches{Double: 1, Copies: 100, OutOfOrder: .3})},
		{Name: "answers_to_notifies_vanish", world: proxied, happens: func(ctx context.Context, w *World) error {
			door := w.Path("", Ingress)
			if err := door.SilenceAnswers(); err != nil {
				return err
			}
			pause(ctx, away)
			door.Cut()
			return door.Mend()
		}},

		{Name: "everything_is_slow", world: proxied, happens: slow(100*time.Millisecond, Postgres, NATS, Redis, WeChat)},
		{Name: "everything_is_cut_off_in_turn", Short: true, world: proxied, happens: flap(Redis, WeChat, NATS, Postgres)},
		{
			Name: "clocks_are_minutes_off", Short: true, ahead: []time.Duration{7 * time.Minute, -7 * time.Minute, 3 * time.Minute, -2 * time.Minute},
			happens: func(context.Context, *World) error { return nil },
		},
	}
}

// Under is the fault, happening to servers of its own under which the program runs: half of
// the customers come before it, it is undone, and the money is counted.
func (f Fault) Under(program *Program) Run {
	return Run{f.Name, func(ctx context.Context) Report {
		report, err := f.happen(ctx, program)
		if err != nil {
			report.Wrong = append(report.Wrong, err.Error())
		}
		return report
	}}
}

func (f Fault) happen(ctx context.Context, program *Program) (report Report, err error) {
	servers, err := f.servers.Start(ctx, program)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, servers.Stop(context.WithoutCancel(ctx))) }()
	f.world.Name = "fault"
	w, err := servers.NewWorld(ctx, f.world)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	if err := w.StartAll(f.ahead...); err != nil {
		return report, err
	}
	w.Shop.Place(ctx, orders/2)
	if err := w.awaitWork(ctx); err != nil {
		return report, err
	}
	happened := make(chan error, 1)
	go func() { happened <- f.happens(ctx, w) }()
	w.Shop.Place(ctx, orders/2)
	if err := <-happened; err != nil {
		return report, err
	}
	report = w.Settle(ctx)
	if report.Err() != nil {
		w.Keep()
		report.Wrong = append(report.Wrong, "its logs are in "+w.Folder())
	}
	return report, ctx.Err()
}
