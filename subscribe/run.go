package subscribe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// patience is how long one pull waits for messages, and so how long it takes at most until
// the end of the context is heeded.
const patience = time.Second

// Run reads events and hands them to handle until ctx ends. Then it takes no more, lets the
// handlers finish for at most Config.Drain, gives back at once what was not begun, and
// returns nil. While NATS or the stream is away it waits. It fails if the configuration is
// wrong, with ErrConsumer if the consumer is, and when the connection is closed.
//
// Several processes, or several calls, may run under one name: they share the events.
func Run(ctx context.Context, nc *nats.Conn, cfg Config, handle Handler) error {
	if err := cfg.complete(); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	stopping, halt := context.WithCancel(ctx)
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	context.AfterFunc(stopping, func() { time.AfterFunc(cfg.Drain, stop) })
	r := &reader{
		cfg: cfg, js: js, handler: handle, stopping: stopping, working: working,
		hands: make(chan struct{}, cfg.InFlight), turns: newTurns(),
	}
	err = r.run(nc)
	halt()
	r.wait()
	if err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	return nil
}

// reader is one Run at work.
type reader struct {
	cfg      Config
	js       jetstream.JetStream
	handler  Handler
	consumer jetstream.Consumer

	hands chan struct{} // one for each message that is in hand
	turns *turns
	relay relay // of who reads in order

	stopping context.Context //nolint:containedctx // ends when no new work is to be begun
	working  context.Context //nolint:containedctx // ends when what is in hand has had its time
}

// run reads until it is told to stop, or nothing can come of it any more.
func (r *reader) run(nc *nats.Conn) error {
	for r.stopping.Err() == nil {
		err := r.read()
		switch {
		case errors.Is(err, ErrConsumer):
			return err
		case nc.IsClosed() && r.stopping.Err() == nil:
			return nats.ErrConnectionClosed
		case err != nil && r.stopping.Err() == nil:
			r.cfg.Log.WarnContext(r.stopping, "events not read", "consumer", r.cfg.Name, "error", err)
			pause(r.stopping, patience)
		}
	}
	return nil
}

// read looks for the consumer and pulls from it until something goes wrong.
func (r *reader) read() error {
	var err error
	if r.consumer, err = r.find(r.stopping); err != nil {
		return fmt.Errorf("find consumer %s of stream %s: %w", r.named(r.cfg.Name), r.named(stream), err)
	}
	for r.stopping.Err() == nil {
		if err := r.round(); err != nil {
			return err
		}
	}
	return nil
}

// round pulls once, as many messages as there are hands free: none ages in a queue here.
func (r *reader) round() error {
	if r.cfg.Ordered {
		if err := r.takeOver(); err != nil {
			return err
		}
	}
	free := r.freeHands()
	if free == 0 {
		return nil
	}
	options := []jetstream.FetchOpt{jetstream.FetchMaxWait(patience)}
	if r.cfg.Ordered {
		options = append(options, jetstream.FetchPriorityGroup(group))
	}
	// The pull ends on the server's word, not on a context's: what the server has sent by
	// then would be nobody's until its ack wait is over.
	batch, err := r.consumer.Fetch(free, options...)
	if err != nil {
		r.dropHands(free)
		return err
	}
	for m := range batch.Messages() {
		free--
		r.admit(m)
	}
	r.dropHands(free)
	if err := batch.Error(); err != nil && !errors.Is(err, jetstream.ErrPinIDMismatch) {
		return err
	}
	return nil
}

// freeHands waits until a hand is free, for a while, and takes all that are.
func (r *reader) freeHands() (free int) {
	timer := time.NewTimer(patience / 10)
	defer timer.Stop()
	select {
	case r.hands <- struct{}{}:
		free++
	case <-timer.C:
		return 0
	case <-r.stopping.Done():
		return 0
	}
	for {
		select {
		case r.hands <- struct{}{}:
			free++
		default:
			return free
		}
	}
}

func (r *reader) dropHands(n int) {
	for range n {
		<-r.hands
	}
}

// wait returns once nothing is in hand any more.
func (r *reader) wait() {
	r.letGo()
	for range cap(r.hands) {
		r.hands <- struct{}{}
	}
}

// admit takes a message in hand. From now on it is kept from being given to another.
func (r *reader) admit(m jetstream.Msg) {
	t := r.receive(m)
	if r.cfg.Ordered {
		r.lineUp(t)
		return
	}
	go r.work(t)
}

// pause waits, unless ctx ends.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
