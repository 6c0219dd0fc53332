package crash

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"settled/failpoint"
	"settled/wechat/simulator"
)

// endConnections ends every connection to PostgreSQL, again and again: each time settled
// must fail over to a fresh one.
func endConnections(ctx context.Context, w *World) error {
	for range 10 {
		if _, err := w.db.ExecContext(ctx, endSettled); err != nil {
			return fmt.Errorf("end connections: %w", err)
		}
		pause(ctx, 300*time.Millisecond)
	}
	return nil
}

const endSettled = `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'settled'`

// hogConnections takes every connection that PostgreSQL has left, ends those of settled,
// and takes them too.
func hogConnections(ctx context.Context, w *World) error {
	db, err := sql.Open("postgres", w.postgres)
	if err != nil {
		return fmt.Errorf("take connections: %w", err)
	}
	defer func() { _ = db.Close() }() // and every connection with it
	taken := 0
	for end := time.Now().Add(away); time.Now().Before(end) && ctx.Err() == nil; {
		conn, err := db.Conn(ctx)
		if err != nil {
			pause(ctx, 20*time.Millisecond)
			continue
		}
		if taken++; taken == 1 {
			defer func() { _ = conn.Close() }()
		}
		if _, err := conn.ExecContext(ctx, endSettled); err != nil {
			return fmt.Errorf("end connections: %w", err)
		}
	}
	if taken == 0 {
		return errors.New("no connection could be taken")
	}
	return nil
}

// slow lets everything on the way to some servers take longer.
func slow(by time.Duration, servers ...Server) func(context.Context, *World) error {
	return spoil(2*away, func(p *Path) error { return p.Delay(by, by/2) }, servers...)
}

// loseAnswers lets what servers say vanish, on connections that stay open.
func loseAnswers(servers ...Server) func(context.Context, *World) error {
	return spoil(2*away, (*Path).SilenceAnswers, servers...)
}

// cutAnswers ends every connection once so many bytes have come back over it, in the middle
// of whatever is being said.
func cutAnswers(after int, servers ...Server) func(context.Context, *World) error {
	return spoil(away, func(p *Path) error { return p.CutAfter(after) }, servers...)
}

// spoil does something to every way to some servers for a while. What hangs on them at the
// end is cut, as by a router that has forgotten its connections.
func spoil(last time.Duration, how func(*Path) error, servers ...Server) func(context.Context, *World) error {
	return func(ctx context.Context, w *World) error {
		var paths []*Path
		for _, server := range servers {
			paths = append(paths, w.Paths(server)...)
		}
		var failed error
		for _, path := range paths {
			failed = errors.Join(failed, how(path))
		}
		pause(ctx, last)
		for _, path := range paths { // a proxy that is stopped while it delays something never ends
			failed = errors.Join(failed, path.Mend())
			path.Cut()
			failed = errors.Join(failed, path.Mend())
		}
		return failed
	}
}

// flap cuts servers off one after the other, several times.
func flap(servers ...Server) func(context.Context, *World) error {
	return func(ctx context.Context, w *World) error {
		for range 3 {
			for _, server := range servers {
				if err := spoil(time.Second, func(p *Path) error { p.Cut(); return nil }, server)(ctx, w); err != nil {
					return err
				}
				pause(ctx, 200*time.Millisecond)
			}
		}
		return nil
	}
}

// gateway lets WeChat's side of our calls misbehave for a while.
func gateway(switches simulator.GatewaySwitches) func(context.Context, *World) error {
	return misbehave(2*away, simulator.Switches{Gateway: switches})
}

// notifies lets WeChat's notifies misbehave for a while.
func notifies(switches simulator.NotifySwitches) func(context.Context, *World) error {
	return misbehave(away, simulator.Switches{Notify: switches})
}

func misbehave(last time.Duration, switches simulator.Switches) func(context.Context, *World) error {
	return func(ctx context.Context, w *World) error {
		if err := w.WeChat.Switch(switches); err != nil {
			return err
		}
		pause(ctx, last)
		return w.WeChat.Switch(simulator.Switches{})
	}
}

// fillDisk fills what NATS may keep until it takes no more of anybody.
func fillDisk(ctx context.Context, w *World) error {
	const filler = "FILLER"
	stream := w.Shop.stream
	if _, err := stream.CreateStream(ctx, jetstream.StreamConfig{Name: filler, Subjects: []string{"filler"}}); err != nil {
		return fmt.Errorf("fill the disk: %w", err)
	}
	for _, size := range []int{512 << 10, 4 << 10, 64} {
		for filled := 0; ; filled++ {
			if _, err := stream.Publish(ctx, "filler", make([]byte, size)); err != nil {
				break
			}
			if filled*size > 1<<30 {
				return errors.New("the disk could not be filled")
			}
		}
	}
	pause(ctx, away)
	return stream.DeleteStream(ctx, filler)
}

// dieReplaying wipes NATS and lets the relay die as it makes that good: with the events read,
// and, the next time, with all of them published and nothing committed.
func dieReplaying(ctx context.Context, w *World) error {
	relay := w.Process("relay")
	relay.Kill()
	if err := w.servers.NATS.Wipe(); err != nil {
		return err
	}
	for _, point := range []string{"relay.read", "relay.published"} {
		arm := Arm{Point: point, Way: failpoint.Kill} // the replay comes before anything else
		if err := relay.Start(arm); err != nil {
			return err
		}
		if err := relay.AwaitHit(ctx, arm); err != nil {
			return err
		}
		relay.Kill()
	}
	return relay.Start(Arm{})
}

// deleteConsumers deletes every consumer of every stream that takes input, again and again.
func deleteConsumers(ctx context.Context, w *World) error {
	deleted := 0
	for range 6 {
		for _, name := range []string{"SETTLED_ORDERS", "SETTLED_NOTIFY"} {
			stream, err := w.Shop.stream.Stream(ctx, w.cfg.Name+"_"+name)
			if err != nil {
				return fmt.Errorf("delete consumers: %w", err)
			}
			for consumer := range stream.ConsumerNames(ctx).Name() {
				if err := stream.DeleteConsumer(ctx, consumer); err == nil {
					deleted++
				}
			}
		}
		pause(ctx, time.Second)
	}
	if deleted == 0 {
		return errors.New("no consumer was deleted")
	}
	return nil
}
