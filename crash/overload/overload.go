package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"settled/crash"
	"settled/failpoint"
)

// overload is what settled has to bear.
type overload struct {
	messages int           // orders that wait when the worker starts; a tenth as many notifies wait with them
	floods   []flood       // of the ingress, one after the other
	every    time.Duration // between two newcomers
	inFlight int           // of each pool
	durable  bool          // PostgreSQL writes to the disk, as it should where money is
	log      io.Writer
}

// name is that of the world.
const name = "overload"

// running is an overload under way.
type running struct {
	overload
	world     *crash.World
	stream    jetstream.JetStream
	worker    *crash.Process
	newcomers *newcomers
	memory    *memory
	result    result
}

// under lets the overload happen to a program, on servers of its own.
func (o overload) under(ctx context.Context, program *crash.Program) (r result, err error) {
	servers, err := crash.ServersConfig{Durable: o.durable}.Start(ctx, program)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, servers.Stop(context.WithoutCancel(ctx))) }()
	w, err := servers.NewWorld(ctx, crash.WorldConfig{Name: name, Empty: true, Schedule: "[12h]", Rate: 100_000, InFlight: o.inFlight})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	nc, err := nats.Connect(servers.NATS.URL())
	if err != nil {
		return r, fmt.Errorf("connect: %w", err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(4000))
	if err != nil {
		return r, fmt.Errorf("connect: %w", err)
	}
	now := &running{overload: o, world: w, stream: js, memory: &memory{}}
	if now.newcomers, err = open(w, nc, js); err != nil {
		return r, err
	}
	err = now.run(ctx)
	if err != nil || now.result.err() != nil {
		w.Keep()
		now.say("logs in %s", w.Folder())
	}
	return now.result, err
}

func (r *running) run(ctx context.Context) error {
	old, err := r.prepare(ctx)
	if err != nil {
		return err
	}
	r.say("%d orders and %d notifies wait", r.messages, r.result.Notifies)
	r.newcomers.forget()
	began := time.Now()
	if err := r.worker.Start(crash.Arm{}); err != nil {
		return err
	}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	go r.memory.watch(watching, r.world)
	coming, closes := context.WithCancel(ctx)
	defer closes()
	served := make(chan struct{})
	go func() {
		defer close(served)
		r.await(coming, uint64(r.messages)) //nolint:gosec // a count
		r.newcomers.come(coming, r.every, patience)
	}()
	poured := make(chan error, 1)
	go func() { poured <- r.pour(ctx, old) }()
	if err := r.workOff(ctx, began); err != nil {
		return err
	}
	if err := <-poured; err != nil {
		return err
	}
	closes()
	<-served
	if err := r.rest(ctx); err != nil {
		return err
	}
	stop()
	return r.count(ctx)
}

// patience bounds how long newcomers wait once the last has come, and how long it takes
// until nothing is left to do.
const patience = 5 * time.Minute

// prepare starts the ingress and lets the backlog wait. So that there are notifies which
// WeChat has signed, a worker serves a few customers first, and is stopped.
func (r *running) prepare(ctx context.Context) (map[string][]notify, error) {
	ingress, err := r.world.Add("ingress", failpoint.Ingress)
	if err != nil {
		return nil, err
	}
	if r.worker, err = r.world.Add("worker", failpoint.Worker); err != nil {
		return nil, err
	}
	r.worker.Pools = "prepare,finalize,reconcile,refund,acknowledge,relay,sweep,audit"
	if err := errors.Join(ingress.Start(crash.Arm{}), r.worker.Start(crash.Arm{})); err != nil {
		return nil, err
	}
	first, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	r.newcomers.come(first, 100*time.Millisecond, patience)
	if err := r.worker.Stop(ctx); err != nil {
		return nil, err
	}
	bodies, err := notifies(ctx, r.stream, r.named("NOTIFY"))
	if err != nil {
		return nil, err
	}
	old, err := byMerchant(bodies)
	if err != nil {
		return nil, err
	}
	for _, merchant := range crash.Merchants() {
		if len(old[merchant]) == 0 {
			return nil, fmt.Errorf("WeChat has sent no notify of %s", merchant)
		}
	}
	r.result.Messages, r.result.Notifies, r.result.InFlight = r.messages, r.messages/10, r.inFlight
	return old, fill(ctx, r.world, r.stream, r.messages, r.messages/10, bodies)
}

func (*running) named(stream string) string { return name + "_SETTLED_" + stream }

// pour floods the ingress once a tenth of the backlog is worked off.
func (r *running) pour(ctx context.Context, old map[string][]notify) error {
	r.await(ctx, uint64(r.messages)*9/10) //nolint:gosec // a count
	for i, f := range r.floods {
		began := time.Now()
		heard, err := call{f, r.world.Door(), old, int64(i) * 1e8}.pour(ctx)
		if err != nil {
			return err
		}
		r.result.Floods = append(r.result.Floods, poured{f, began, time.Now(), heard})
		for _, a := range heard {
			r.say("flood of %s: %s", f.Name, a)
		}
	}
	return nil
}

// await waits until fewer orders than that wait in the stream.
func (r *running) await(ctx context.Context, orders uint64) {
	_ = until(ctx, func() bool { // it ends with everything else
		left, err := waiting(ctx, r.stream, r.named("ORDERS"))
		return err == nil && left < orders
	})
}

// workOff waits until the backlog is, and notes when it was recorded, prepared and published.
func (r *running) workOff(ctx context.Context, began time.Time) error {
	said := began
	for ctx.Err() == nil {
		s, err := r.standing(ctx)
		if err != nil {
			return err
		}
		took := time.Since(began)
		few := uint64(100) // newcomers have always something under way
		if r.result.Recorded == 0 && s.orders < few {
			r.result.Recorded = took
		}
		if r.result.Recorded > 0 && s.notifies < few && s.requested < int64(few) && s.unpublished < int64(few) {
			r.result.WorkedOff = took
			return nil
		}
		if time.Since(said) > 10*time.Second {
			said = time.Now()
			r.say("%s: %s; %s", took.Round(time.Second), s, r.memory)
		}
		pause(ctx, time.Second)
	}
	return ctx.Err()
}

// rest waits until nothing is left to do at all.
func (r *running) rest(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var s standing
	var err error
	_ = until(bounded, func() bool { // what is left then is told below
		s, err = r.standing(bounded)
		return err == nil && s == standing{}
	})
	if s != (standing{}) || err != nil {
		return errors.Join(fmt.Errorf("not everything was worked off: %s", s), err)
	}
	return nil
}

// say tells of what is going on.
func (r *running) say(format string, values ...any) {
	fmt.Fprintln(r.log, strings.TrimSpace(fmt.Sprintf(format, values...)))
}
