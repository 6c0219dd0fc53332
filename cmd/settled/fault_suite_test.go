package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"settled/embedded"
	"settled/events/bus"
	"settled/store/storetest"
	"settled/wechat/simulator"
)

// hall is a world whose servers are its own, so that a fault may do to them what it likes.
type hall struct {
	*world
	pg    *embedded.Postgres
	cache *embedded.RedisServer
}

// fault is one thing that goes wrong while payments are made.
type fault struct {
	name    string
	short   bool        // part of every run of the tests
	world   worldConfig // how its world differs
	limit   int         // of PostgreSQL's connections; default plenty
	happens func(h *hall)
}

// away is how long a server is away in these tests: longer than the pauses between tries.
const away = 6 * time.Second

// faults are what the world does to a payment system, by who fails.
var faults = []fault{
	{name: "postgres_restarts", happens: func(h *hall) { h.must(h.pg.Restart(h.t.Context())) }},
	{name: "postgres_is_away", happens: func(h *hall) {
		h.pg.Kill()
		h.lasts(away)
		h.must(h.pg.Restart(h.t.Context()))
	}},
	{name: "postgres_falls_silent", happens: func(h *hall) {
		h.pg.Pause()
		h.lasts(2 * away) // longer than a connection may stay silent
		h.pg.Resume()
	}},
	{name: "postgres_cuts_every_connection", happens: func(h *hall) {
		for range 10 {
			h.write(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'settled' and pid <> pg_backend_pid()`)
			h.lasts(300 * time.Millisecond)
		}
	}},
	{name: "postgres_has_no_connection_left", short: true, limit: 40, happens: (*hall).hogConnections},
	{name: "postgres_is_slow", world: worldConfig{network: true}, happens: func(h *hall) { h.slow("postgres", 300*time.Millisecond) }},
	{name: "postgres_is_cut_in_the_middle_of_answers", short: true, world: worldConfig{network: true}, happens: func(h *hall) {
		h.net.interrupt("postgres", 20_000)
		h.lasts(away)
		h.net.heal("postgres")
	}},
	{name: "postgres_answers_vanish", world: worldConfig{network: true}, happens: func(h *hall) {
		h.net.swallow("postgres")
		h.lasts(2 * away)
		h.net.heal("postgres")
	}},

	{name: "nats_restarts", happens: func(h *hall) { h.must(h.nats.Restart()) }},
	{name: "nats_is_wiped", world: worldConfig{schedule: "[1s, 3s, 5s]"}, happens: func(h *hall) { h.must(h.nats.Wipe()) }},
	{name: "nats_disk_is_full", short: true, world: worldConfig{store: 24 << 20}, happens: (*hall).fillDisk},
	{name: "nats_consumers_are_deleted", short: true, happens: (*hall).deleteConsumers},
	{name: "nats_is_slow", world: worldConfig{network: true}, happens: func(h *hall) { h.slow("nats", 300*time.Millisecond) }},
	{name: "nats_is_cut_off", world: worldConfig{network: true}, happens: func(h *hall) { h.flap("nats") }},
	{name: "nats_answers_vanish", world: worldConfig{network: true}, happens: func(h *hall) {
		h.net.swallow("nats")
		h.lasts(2 * away)
		h.net.heal("nats")
	}},

	{name: "redis_restarts", happens: func(h *hall) { h.must(h.cache.Restart(h.t.Context())) }},
	{name: "redis_is_flushed", happens: func(h *hall) {
		for range 10 {
			h.must(h.cache.Flush(h.t.Context()))
			h.lasts(200 * time.Millisecond)
		}
	}},
	{name: "redis_is_gone", happens: func(h *hall) {
		h.cache.Kill()
		h.lasts(away)
		h.must(h.cache.Restart(h.t.Context()))
	}},

	{name: "wechat_is_slow", happens: gateway(simulator.GatewaySwitches{Slow: 1, SlowBy: simulator.Duration(time.Second)})},
	{name: "wechat_answers_after_the_timeout", happens: gateway(simulator.GatewaySwitches{Slow: .3, SlowBy: simulator.Duration(15 * time.Second)})},
	{name: "wechat_fails", happens: gateway(simulator.GatewaySwitches{ErrorRate: .5, Down: .3})},
	{name: "wechat_is_down", happens: gateway(simulator.GatewaySwitches{Down: 1})},
	{name: "wechat_cuts_connections", happens: gateway(simulator.GatewaySwitches{CutConnection: .4, AnswerLost: .4})},
	{name: "wechat_signs_wrong", happens: gateway(simulator.GatewaySwitches{WrongSignature: .3, Unsigned: .2, Probe: .2})},
	{name: "notifies_a_hundred_times", happens: notifies(simulator.NotifySwitches{Double: 1, Copies: 100, OutOfOrder: .3})},
	{name: "notifies_never_come", world: worldConfig{schedule: "[1s, 2s, 3s]"}, happens: notifies(simulator.NotifySwitches{Silent: .7, Late: .2, LateBy: simulator.Duration(5 * time.Second)})},
	{name: "answers_to_notifies_vanish", world: worldConfig{network: true}, happens: func(h *hall) {
		h.net.swallow("ingress")
		h.lasts(away)
		h.net.heal("ingress")
	}},

	{name: "everything_is_slow", world: worldConfig{network: true}, happens: func(h *hall) {
		h.slow("postgres", 100*time.Millisecond, "nats", "redis", "wechat", "backup", "ingress")
	}},
	{name: "everything_is_cut_in_turn", short: true, world: worldConfig{network: true}, happens: func(h *hall) {
		h.flap("redis", "wechat", "ingress", "nats", "postgres")
	}},
	{name: "clocks_are_minutes_off", short: true, happens: func(*hall) {}}, // see clocks
}

// clocks are how wrong the clocks of a world's processes are.
func (f fault) clocks() [3]time.Duration {
	if f.name == "clocks_are_minutes_off" {
		return [3]time.Duration{7 * time.Minute, -7 * time.Minute, 3 * time.Minute}
	}
	return [3]time.Duration{}
}

var (
	faultsToRun = flag.String("faults", "short", "which `faults` TestFaults lets happen: short, all, or the name of one")
	faultsTable = flag.String("faults-table", "", "the `file` in which TestFaults writes what became of the money under all of them")
)

// chosen reports whether a fault is to happen in this run. The short run has those that no
// other test of this package makes.
func (f fault) chosen() bool {
	return *faultsToRun == "all" || *faultsToRun == f.name || *faultsToRun == "short" && f.short
}

// An ingress and two workers take payments of three protocols while one thing after the
// other goes wrong: whatever was paid is completed, once.
func TestFaults(t *testing.T) {
	t.Parallel()
	counts := make([]count, len(faults))
	t.Cleanup(func() { writeFaults(t, counts) })
	happened := 0
	for i, f := range faults {
		if !f.chosen() {
			continue
		}
		happened++
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			counts[i] = f.run(t)
		})
	}
	if happened == 0 {
		t.Errorf("there is no fault %q", *faultsToRun)
	}
	t.Logf("%d of %d faults; the others are left to make crash", happened, len(faults))
}

func (f fault) run(t *testing.T) count {
	t.Helper()
	h := f.hall(t)
	for i, name := range []string{"ingress", "worker", "worker"} {
		h.launchAt(name, f.clocks()[i])
	}
	s := h.open(30, 100*time.Millisecond)
	s.reached(5)
	f.happens(h)
	c := s.close()
	t.Log(c)
	return c
}

// writeFaults writes what became of the money under every fault, if all of them happened and
// all went well.
func writeFaults(t *testing.T, counts []count) {
	t.Helper()
	if *faultsTable == "" || *faultsToRun != "all" || t.Failed() {
		return
	}
	text := "| fault | requested | paid | completed | lost | doubled |\n|---|---|---|---|---|---|\n"
	for i, f := range faults {
		c := counts[i]
		text += fmt.Sprintf("| %s | %d | %d | %d | %d | %d |\n", strings.ReplaceAll(f.name, "_", " "), c.requested, c.paid, c.completed, c.lost, c.doubled)
	}
	if err := os.WriteFile(*faultsTable, []byte(text), 0o600); err != nil {
		t.Error(err)
	}
}

// hall starts the servers of a fault.
func (f fault) hall(t *testing.T) *hall {
	t.Helper()
	pg, err := embedded.StartPostgres(t.Context(), embedded.PostgresConfig{MaxConnections: f.limit})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pg.Stop(context.WithoutCancel(t.Context())) })
	cache, err := embedded.StartRedisServer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cache.Stop(context.WithoutCancel(t.Context())) })
	f.world.postgres, f.world.redisURL, f.world.deliver = pg.URL(), cache.URL(), true
	return &hall{world: newWorld(t, f.world), pg: pg, cache: cache}
}

func (h *hall) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Error(err)
	}
}

// lasts lets a fault last.
func (h *hall) lasts(d time.Duration) {
	select {
	case <-time.After(d):
	case <-h.t.Context().Done():
	}
}

// slow lets everything on the way to some servers take longer for a while.
func (h *hall) slow(name string, by time.Duration, others ...string) {
	names := append([]string{name}, others...)
	for _, name := range names {
		h.net.slow(name, by)
	}
	h.lasts(2 * away)
	for _, name := range names {
		h.net.heal(name)
	}
}

// flap cuts servers off one after the other, several times.
func (h *hall) flap(names ...string) {
	for range 3 {
		for _, name := range names {
			h.net.cut(name)
			h.lasts(time.Second)
			h.net.mend(name)
			h.lasts(200 * time.Millisecond)
		}
	}
}

// gateway lets WeChat's side of our calls misbehave for a while.
func gateway(switches simulator.GatewaySwitches) func(h *hall) {
	return func(h *hall) {
		h.switches(simulator.Switches{Gateway: switches})
		h.lasts(2 * away)
		h.switches(simulator.Switches{})
	}
}

// notifies lets WeChat's notifies misbehave for a while.
func notifies(switches simulator.NotifySwitches) func(h *hall) {
	return func(h *hall) {
		h.switches(simulator.Switches{Notify: switches})
		h.lasts(away)
		h.switches(simulator.Switches{})
	}
}

// hogConnections takes every connection that PostgreSQL has left, cuts those of settled,
// and takes them too.
func (h *hall) hogConnections() {
	ctx := h.t.Context()
	db := storetest.DB(h.t, h.postgres)
	var taken []*sql.Conn
	for {
		conn, err := db.Conn(ctx)
		if err == nil {
			err = conn.PingContext(ctx)
		}
		if err != nil {
			break
		}
		taken = append(taken, conn)
	}
	if len(taken) == 0 {
		h.t.Fatal("no connection could be taken")
	}
	_, _ = taken[0].ExecContext(ctx, `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'settled'`)
	for range 20 {
		if conn, err := db.Conn(ctx); err == nil {
			taken = append(taken, conn)
		}
	}
	h.lasts(away)
	for _, conn := range taken {
		_ = conn.Close()
	}
	h.must(db.Close())
}

// fillDisk fills what NATS may keep until it takes no more of anybody.
func (h *hall) fillDisk() {
	ctx := h.t.Context()
	const filler = "FILLER"
	if _, err := h.stream.CreateStream(ctx, jetstream.StreamConfig{Name: filler, Subjects: []string{"filler"}}); err != nil {
		h.t.Fatal(err)
	}
	full := false
	for _, size := range []int{512 << 10, 4 << 10, 64} {
		for range 100_000 {
			if _, err := h.stream.Publish(ctx, "filler", make([]byte, size)); err != nil {
				full = true
				break
			}
		}
	}
	if !full {
		h.t.Error("the disk could not be filled")
	}
	h.lasts(away)
	h.must(h.stream.DeleteStream(ctx, filler))
}

// deleteConsumers deletes every consumer of every stream, again and again.
func (h *hall) deleteConsumers() {
	ctx := h.t.Context()
	deleted := 0
	for range 6 {
		for _, name := range []string{bus.Orders, bus.Notify} {
			stream, err := h.stream.Stream(ctx, name)
			if err != nil {
				h.t.Error(err)
				continue
			}
			for consumer := range stream.ConsumerNames(ctx).Name() {
				err := stream.DeleteConsumer(ctx, consumer)
				if err == nil {
					deleted++
				} else if !errors.Is(err, jetstream.ErrConsumerNotFound) {
					h.t.Error(err)
				}
			}
		}
		h.lasts(time.Second)
	}
	if deleted == 0 {
		h.t.Error("no consumer was deleted")
	}
}

// launchAt starts a process whose clock is wrong by so much.
func (w *world) launchAt(name string, ahead time.Duration) *child {
	w.t.Helper()
	return w.launchWith(name, fmt.Sprintf("%s=%s", clockAhead, ahead))
}
