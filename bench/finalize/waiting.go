package finalize

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"settled/bench/rig"
	"settled/bench/shop"
	"settled/events"
	"settled/events/bus"
)

// sheaf is the notifies of a merchant, signed once for all rounds: what they pay has the
// same numbers in each.
type sheaf struct {
	mu   sync.Mutex
	made map[string][]shop.Notify
}

var sheaves = sheaf{made: map[string][]shop.Notify{}}

func signed(merchant string, orders int) ([]shop.Notify, error) {
	sheaves.mu.Lock()
	defer sheaves.mu.Unlock()
	if made := sheaves.made[merchant]; len(made) >= orders {
		return made[:orders], nil
	}
	made, err := shop.Notifies(merchant, orders, time.Now())
	sheaves.made[merchant] = made
	return made, err
}

// each lets each of the notifies wait in the stream once.
func each(ctx context.Context, r *rig.Round, bodies [][]byte) error {
	return inStream(ctx, r, bodies, len(bodies))
}

// inStream lets so many notifies wait in the stream, as the ingress would have put them there:
// all of them, and then the first ones again. For that moment the stream takes batches, which
// are so much faster.
func inStream(ctx context.Context, r *rig.Round, bodies [][]byte, messages int) error {
	stream, err := r.Stream.Stream(ctx, r.StreamName(bus.Notify))
	if err != nil {
		return fmt.Errorf("find the stream of notifies: %w", err)
	}
	as := stream.CachedInfo().Config
	quick := as
	quick.AllowAtomicPublish = true
	if _, err := r.Stream.UpdateStream(ctx, quick); err != nil {
		return fmt.Errorf("let the stream take batches: %w", err)
	}
	const together = 256
	for begin := 0; begin < messages; begin += together {
		var batch []*nats.Msg
		for n := begin; n < min(begin+together, messages); n++ {
			batch = append(batch, &nats.Msg{Subject: r.Prefix() + events.NotifyReceived, Header: nats.Header{}, Data: bodies[n%len(bodies)]})
		}
		if _, err := jetstreamext.PublishMsgBatch(ctx, r.Stream, batch); err != nil {
			return fmt.Errorf("fill the stream of notifies: %w", err)
		}
	}
	if _, err := r.Stream.UpdateStream(ctx, as); err != nil {
		return fmt.Errorf("leave the stream as it was: %w", err)
	}
	return nil
}

// consumers looks at each consumer of the notifies.
func consumers(ctx context.Context, r *rig.Round, look func(*jetstream.ConsumerInfo)) error {
	stream, err := r.Stream.Stream(ctx, r.StreamName(bus.Notify))
	if err != nil {
		return fmt.Errorf("find the stream of notifies: %w", err)
	}
	lister := stream.ListConsumers(ctx)
	for info := range lister.Info() {
		look(info)
	}
	return lister.Err()
}
