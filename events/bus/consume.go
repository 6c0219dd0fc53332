package bus

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"settled/batch"
	"settled/events"
)

const (
	defaultAttempts = 8
	defaultAckWait  = 30 * time.Second
	fetchWait       = time.Second
	// glance bounds a wait that keeps one of two lanes from being read.
	glance = 20 * time.Millisecond
)

// consumption is one Consume at work.
type consumption struct {
	bus   *Bus
	cfg   events.Consumer
	hands *hands
	alive *alive
	acks  *batch.Group[jetstream.Msg, error]

	lanes  []lane // the oldest first
	looked time.Time
	turn   int // of the older lanes

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
	c := &consumption{bus: b, cfg: cfg, hands: newHands(), alive: newAlive(), stopping: ctx, working: working}
	c.acks = batch.New(batch.Config[jetstream.Msg, error]{Run: c.acknowledge})
	go c.alive.run(working, cfg.AckWait/3)
	context.AfterFunc(ctx, func() { time.AfterFunc(b.cfg.Drain, stop) })
	for ctx.Err() == nil {
		if err := c.read(handle); err != nil && ctx.Err() == nil {
			b.cfg.Log.DebugContext(ctx, "messages not fetched", "consumer", cfg.Name, "error", err)
			c.pause(ctx, jitter(250*time.Millisecond))
		}
	}
	c.hands.dismiss()
	return nil
}

// read looks for the lanes, and fetches from them until something goes wrong.
func (c *consumption) read(handle events.Handler) error {
	if err := c.look(); err != nil {
		return err
	}
	for c.stopping.Err() == nil {
		if len(c.lanes) > 1 && c.bus.cfg.Now().Sub(c.looked) > lookEvery {
			if err := c.look(); err != nil {
				return err
			}
		}
		if err := c.round(handle); err != nil {
			return err
		}
	}
	return nil
}

// round fetches once from each lane that has a hand free, and waits for something to do if
// there is none.
func (c *consumption) round(handle events.Handler) error {
	given, older, newest := c.readable()
	if len(given) == 0 && older == nil {
		if free := c.cfg.InFlight - c.hands.held(""); free > 0 {
			return c.fetch(newest, free, fetchWait, handle)
		}
		return c.hands.freed(c.stopping, fetchWait)
	}
	if free := c.share(newest); free > 0 {
		if err := c.fetch(newest, free, 0, handle); err != nil {
			return err
		}
	}
	for _, l := range given { // only what comes back to it
		if c.rest(newest) > 0 {
			if err := c.fetch(l, 1, 0, handle); err != nil {
				return err
			}
		}
	}
	if free := c.rest(newest); free > 0 && older != nil {
		return c.fetch(*older, free, glance, handle)
	}
	return c.hands.freed(c.stopping, glance)
}

// fetch takes at most so many messages of a lane in hand.
func (c *consumption) fetch(from lane, most int, wait time.Duration, handle events.Handler) error {
	// The wait ends on the server's word, not on a context's: what the server has sent by
	// then would be nobody's until its ack wait is over.
	batch, err := request(from.consumer, most, wait)
	if err != nil {
		return err
	}
	var failed error
	first := true
	for m := range batch.Messages() {
		if first {
			first, failed = false, c.consider(from, m)
			from = c.asKnown(from)
		}
		if meta, err := m.Metadata(); err == nil && !from.owns(meta.Sequence.Stream) {
			_ = m.NakWithDelay(c.cfg.AckWait) // the next lane has it; should that get lost, this one will
			c.looked = time.Time{}            // this one may be through
			continue
		}
		c.hands.take(from.name(), func() { c.handle(m, handle) })
	}
	return errors.Join(failed, batch.Error())
}

// request asks the server for messages, at once or within the wait.
func request(consumer jetstream.Consumer, most int, wait time.Duration) (jetstream.MessageBatch, error) {
	if wait == 0 {
		return consumer.FetchNoWait(most)
	}
	return consumer.Fetch(most, jetstream.FetchMaxWait(wait))
}

// asKnown is the lane as it is known now.
func (c *consumption) asKnown(l lane) lane {
	for _, known := range c.lanes {
		if known.name() == l.name() {
			return known
		}
	}
	return l
}

// pause waits, unless ctx ends.
func (c *consumption) pause(ctx context.Context, d time.Duration) bool {
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
