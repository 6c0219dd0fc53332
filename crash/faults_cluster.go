package crash

import (
	"context"
	"fmt"
	"time"

	"settled/embedded"
)

// killLeaders kills the server that leads a stream, one stream after the other. Each comes
// back and catches up before the next one goes: two of three must be there.
func killLeaders(ctx context.Context, w *World) error {
	for _, stream := range []string{"SETTLED_OUT", "SETTLED_NOTIFY", "SETTLED_ORDERS"} {
		leader, err := w.leader(ctx, stream)
		if err != nil {
			return err
		}
		leader.Kill()
		pause(ctx, away/2)
		if err := leader.Restart(ctx); err != nil {
			return err
		}
		if err := w.servers.Cluster.Whole(ctx); err != nil {
			return err
		}
	}
	return nil
}

// silenceLeader lets the server that leads the events stop where it is, with every connection
// open, until others lead and longer; then it goes on with what it believes.
func silenceLeader(ctx context.Context, w *World) error {
	leader, err := w.leader(ctx, "SETTLED_OUT")
	if err != nil {
		return err
	}
	leader.Pause()
	pause(ctx, 2*away)
	leader.Resume()
	return w.servers.Cluster.Whole(ctx)
}

// killMajority leaves one server alone, which can take nothing.
func killMajority(ctx context.Context, w *World) error {
	nodes := w.servers.Cluster.Nodes()
	for _, n := range nodes[1:] {
		n.Kill()
	}
	pause(ctx, away)
	for _, n := range nodes[1:] {
		if err := n.Restart(ctx); err != nil {
			return err
		}
	}
	return w.servers.Cluster.Whole(ctx)
}

// leader is the server that leads one of the world's streams, once one is elected.
func (w *World) leader(ctx context.Context, stream string) (found *embedded.NATSNode, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err = until(ctx, func() bool {
		try, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		info, err := w.Shop.stream.Stream(try, w.cfg.Name+"_"+stream)
		if err != nil || info.CachedInfo().Cluster == nil {
			return false
		}
		for _, n := range w.servers.Cluster.Nodes() {
			if n.Name() == info.CachedInfo().Cluster.Leader {
				found = n
			}
		}
		return found != nil
	})
	if err != nil {
		return nil, fmt.Errorf("find who leads %s: %w", stream, err)
	}
	return found, nil
}
