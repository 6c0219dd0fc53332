package bus

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"settled/events"
)

const (
	// walkBatch is how many messages of a walk are in memory at once, unless it says so.
	walkBatch = 500
	// walkPatience bounds the wait for the next of them.
	walkPatience = 5 * time.Second
	// walkLife is how long the server keeps a walk's consumer if whoever walked is killed.
	walkLife = time.Minute
	// clocks is how far the clocks of the machines may be apart.
	clocks = time.Minute
)

// Walk says which messages of a stream are looked at.
type Walk struct {
	Stream   string    // without prefix
	Subject  string    // without prefix; empty for all
	Since    time.Time // when the first one was stored; zero for the oldest
	From     uint64    // the number of the first one, instead of Since; zero for the oldest
	Batch    int       // how many are in memory at once; default 500
	Headless bool      // leave the bodies out
}

// Walk reads a stream from one end to what is its other end as the walk begins, in
// batches. It acknowledges nothing and leaves no consumer behind. It ends with the first
// error, and never passes over a message in silence.
func (b *Bus) Walk(ctx context.Context, w Walk) iter.Seq2[[]events.Message, error] {
	return func(yield func([]events.Message, error) bool) {
		if err := b.walk(ctx, w, func(batch []events.Message) bool { return yield(batch, nil) }); err != nil {
			yield(nil, fmt.Errorf("walk stream %s: %w", b.named(w.Stream), err))
		}
	}
}

func (b *Bus) walk(ctx context.Context, w Walk, visit func([]events.Message) bool) error {
	stream, err := b.js.Stream(ctx, b.named(w.Stream))
	if err != nil {
		return err
	}
	if w.Batch == 0 {
		w.Batch = walkBatch
	}
	last := stream.CachedInfo().State.LastSeq
	consumer, err := stream.CreateConsumer(ctx, b.walker(w))
	if err != nil {
		return err
	}
	defer leave(ctx, stream, consumer, walkPatience)
	for seen, left := uint64(0), consumer.CachedInfo().NumPending; left > 0; {
		batch, reached, err := b.stride(ctx, consumer, seen, int(min(left, uint64(w.Batch)))) //nolint:gosec // a batch is small
		if err != nil || len(batch) == 0 {
			return err
		}
		seen += uint64(len(batch))
		if !visit(until(last, batch)) || reached.Sequence.Stream >= last {
			return nil
		}
		left = reached.NumPending
	}
	return nil
}

// leave deletes the consumer of a walk; if that takes too long, the server does it after
// walkLife.
func leave(ctx context.Context, stream jetstream.Stream, consumer jetstream.Consumer, patience time.Duration) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	_ = stream.DeleteConsumer(ctx, consumer.CachedInfo().Name)
}

func (b *Bus) walker(w Walk) jetstream.ConsumerConfig {
	cfg := jetstream.ConsumerConfig{
		AckPolicy: jetstream.AckNonePolicy, DeliverPolicy: jetstream.DeliverAllPolicy,
		HeadersOnly: w.Headless, MemoryStorage: true, Replicas: 1, InactiveThreshold: walkLife,
	}
	if w.Subject != "" {
		cfg.FilterSubject = b.subject(w.Subject)
	}
	switch {
	case w.From > 0:
		cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, w.From
	case !w.Since.IsZero():
		cfg.DeliverPolicy, cfg.OptStartTime = jetstream.DeliverByStartTimePolicy, &w.Since
	}
	return cfg
}

// until leaves out what was stored after the walk had begun.
func until(last uint64, batch []events.Message) []events.Message {
	for len(batch) > 0 && batch[len(batch)-1].Sequence > last {
		batch = batch[:len(batch)-1]
	}
	return batch
}

// stride reads the next batch of so many, after those that were seen before. It is empty if
// whatever was left has been deleted meanwhile.
func (b *Bus) stride(ctx context.Context, consumer jetstream.Consumer, seen uint64, many int) (batch []events.Message, reached *jetstream.MsgMetadata, err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	fetched, err := consumer.Fetch(many, jetstream.FetchMaxWait(walkPatience))
	if err != nil {
		return nil, nil, err
	}
	for m := range fetched.Messages() {
		message, err := b.delivered(m)
		if err != nil {
			return nil, nil, err
		}
		if reached, err = m.Metadata(); err != nil {
			return nil, nil, err
		}
		batch = append(batch, message)
		if reached.Sequence.Consumer != seen+uint64(len(batch)) {
			return nil, nil, errors.New("messages were lost on their way")
		}
	}
	if len(batch) == 0 {
		if info, err := consumer.Info(ctx); err == nil && info.NumPending == 0 && info.Delivered.Consumer == seen {
			return nil, nil, nil
		}
		return nil, nil, errors.Join(errors.New("the stream gives no more messages"), fetched.Error())
	}
	return batch, reached, nil
}

// HoldsSince tells since when a stream holds whatever it was given: before that, messages
// may have grown too old, or were given to an earlier stream of the same name.
func (b *Bus) HoldsSince(ctx context.Context, name string) (time.Time, error) {
	stream, err := b.js.Stream(ctx, b.named(name))
	if err != nil {
		return time.Time{}, fmt.Errorf("look at stream %s: %w", b.named(name), err)
	}
	info := stream.CachedInfo()
	since := info.Created
	if info.State.FirstSeq > 1 && info.State.Msgs > 0 {
		since = later(since, info.State.FirstTime.Add(clocks))
	}
	if age := info.Config.MaxAge; age > 0 {
		since = later(since, info.TimeStamp.Add(clocks-age))
	}
	return since, nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
