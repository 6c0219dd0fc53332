package bus

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"settled/events"
)

const (
	defaultAttempts = 8
	defaultAckWait  = 30 * time.Second
	fetchWait       = time.Second
)

// consumption is one Consume at work.
type consumption struct {
	bus   *Bus
	cfg   events.Consumer
	slots chan struct{}
	hands sync.WaitGroup

	stopping context.Context //nolint:containedctx // ends when no new work is to be begun
	working  context.Context //nolint:containedctx // ends when what is in hand has had its time
}

// Consume reads a subject through its durable consumer until ctx ends. Then it takes no
// more, lets the handlers finish for at most Config.Drain, gives back at once what was
// not begun or is held, and returns nil.
//
// Only as many messages are taken as there are free hands, so none ages in a queue here.
func (b *Bus) Consume(ctx context.Context, cfg events.Consumer, handle events.Handler) error {
	if cfg.MaxAttempts == 0 {
		cfg.MaxAttempts = defaultAttempts
	}
	if cfg.AckWait == 0 {
		cfg.AckWait = defaultAckWait
	}
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	c := &consumption{bus: b, cfg: cfg, slots: make(chan struct{}, cfg.InFlight), stopping: ctx, working: working}
	context.AfterFunc(ctx, func() { time.AfterFunc(b.cfg.Drain, stop) })
	for ctx.Err() == nil {
		if err := c.read(handle); err != nil && ctx.Err() == nil {
			b.cfg.Log.DebugContext(ctx, "messages not fetched", "consumer", cfg.Name, "error", err)
			c.rest(ctx, jitter(250*time.Millisecond))
		}
	}
	c.hands.Wait()
	return nil
}

// read finds the consumer, or makes it, and fetches from it until something goes wrong.
func (c *consumption) read(handle events.Handler) error {
	consumer, err := c.consumer()
	if err != nil {
		return err
	}
	for c.stopping.Err() == nil {
		free, err := c.free()
		if err != nil {
			return err
		}
		if err := c.fetch(consumer, free, handle); err != nil {
			return err
		}
	}
	return nil
}

func (c *consumption) consumer() (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(c.stopping, 5*time.Second)
	defer cancel()
	b := c.bus
	stream, err := b.streamOf(ctx, c.cfg.Subject)
	if err != nil {
		return nil, errors.Join(err, b.Ensure(ctx))
	}
	name := b.named(c.cfg.Name)
	found, err := stream.Consumer(ctx, name)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return stream.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
			Durable: name, FilterSubject: b.subject(c.cfg.Subject), AckPolicy: jetstream.AckExplicitPolicy,
			DeliverPolicy: jetstream.DeliverAllPolicy, AckWait: c.cfg.AckWait, MaxDeliver: -1, MaxAckPending: 8192,
		})
	}
	return found, err
}

func (b *Bus) streamOf(ctx context.Context, subject string) (jetstream.Stream, error) {
	for _, s := range streams {
		for _, name := range s.subjects {
			if name == subject {
				return b.js.Stream(ctx, b.named(s.name))
			}
		}
	}
	return nil, fmt.Errorf("no stream holds %s", subject)
}

// free waits for a free hand and says how many there are.
func (c *consumption) free() (int, error) {
	select {
	case c.slots <- struct{}{}:
		<-c.slots
		return cap(c.slots) - len(c.slots), nil
	case <-c.stopping.Done():
		return 0, c.stopping.Err()
	}
}

func (c *consumption) fetch(consumer jetstream.Consumer, most int, handle events.Handler) error {
	// The wait ends on the server's word, not on a context's: what the server has sent by
	// then would be nobody's until its ack wait is over.
	batch, err := consumer.Fetch(most, jetstream.FetchMaxWait(fetchWait))
	if err != nil {
		return err
	}
	for m := range batch.Messages() {
		c.slots <- struct{}{}
		c.hands.Go(func() {
			defer func() { <-c.slots }()
			c.handle(m, handle)
		})
	}
	return batch.Error()
}

// rest pauses, unless ctx ends.
func (c *consumption) rest(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// jitter spreads d by a fifth to both sides.
func jitter(d time.Duration) time.Duration {
	return d - d/5 + rand.N(2*d/5+1) //nolint:gosec // a pause needs no secrecy
}

// growing is the pause before try n+1: first, twice that, and so on up to most.
func growing(n int, first, most time.Duration) time.Duration {
	return jitter(min(first<<min(n, 16), most))
}
