package shop

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"settled/bench/rig"
	"settled/events/bus"
)

// Request is the nth order of a merchant, as an order system posts it.
func Request(merchant string, n int) []byte {
	return fmt.Appendf(nil, `{"merchant":%q,"order_id":%q,"amount":{"total":%d,"currency":"CNY"},"description":"One pot of tea",`+
		`"trade_type":"APP","client_ip":"203.0.113.7","metadata":{"cart":"77"}}`, merchant, Order(n), Fen(n))
}

// Ingress starts settled's ingress, and one worker process with the pools if there are any,
// and waits until it listens.
func Ingress(ctx context.Context, r *rig.Round, s Settings, pools ...string) ([]*rig.Process, error) {
	file, err := Configure(r, s)
	if err != nil {
		return nil, err
	}
	door, err := r.Settled("ingress", "ingress", "--config", file, "--log-level", "error")
	if err != nil {
		return nil, err
	}
	processes := []*rig.Process{door}
	if len(pools) > 0 {
		worker, err := startWorker(ctx, r, file, pools)
		if err != nil {
			return nil, err
		}
		processes = append(processes, worker)
	}
	return processes, Listening(ctx, door, s.Ingress)
}

// Worker starts a worker process with some pools, and waits until it works.
func Worker(ctx context.Context, r *rig.Round, s Settings, pools ...string) (*rig.Process, error) {
	file, err := Configure(r, s)
	if err != nil {
		return nil, err
	}
	return startWorker(ctx, r, file, pools)
}

func startWorker(ctx context.Context, r *rig.Round, file string, pools []string) (*rig.Process, error) {
	worker, err := r.Settled("worker", "worker", "--pools", strings.Join(pools, ","), "--config", file, "--log-level", "error")
	if err != nil {
		return nil, err
	}
	return worker, working(ctx, r, worker)
}

// working waits until a worker has begun to read one of the streams of what comes in, so
// that its start is in nobody's figures.
func working(ctx context.Context, r *rig.Round, worker *rig.Process) error {
	return worker.Until(ctx, 20*time.Millisecond, func(ctx context.Context) (bool, error) {
		for _, name := range []string{bus.Orders, bus.Notify} {
			stream, err := r.Stream.Stream(ctx, r.StreamName(name))
			if err != nil {
				return false, fmt.Errorf("find stream %s: %w", name, err)
			}
			if stream.CachedInfo().State.Consumers > 0 {
				return true, nil
			}
		}
		return false, nil
	})
}

// Listening waits until a process listens at an address.
func Listening(ctx context.Context, process *rig.Process, at string) error {
	var dialer net.Dialer
	return process.Until(ctx, 20*time.Millisecond, func(ctx context.Context) (bool, error) {
		conn, err := dialer.DialContext(ctx, "tcp", at)
		if err != nil {
			return false, nil
		}
		return true, conn.Close()
	})
}
