package bus

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"settled/events"
)

// Follow reads at most so many of the messages of a stream that come after a place, and
// returns the place of the last of them. A stream that was made anew, or has lost its end,
// is read from its first message. It acknowledges nothing and leaves no consumer behind.
func (b *Bus) Follow(ctx context.Context, name string, after events.StreamPlace, most int) ([]events.Message, events.StreamPlace, error) {
	batch, next, err := b.follow(ctx, name, after, most)
	if err != nil {
		return nil, after, fmt.Errorf("follow stream %s: %w", b.named(name), err)
	}
	return batch, next, nil
}

func (b *Bus) follow(ctx context.Context, name string, after events.StreamPlace, most int) ([]events.Message, events.StreamPlace, error) {
	stream, err := b.js.Stream(ctx, b.named(name))
	if err != nil {
		return nil, after, err
	}
	info := stream.CachedInfo()
	if !info.Created.Equal(after.Created) || info.State.LastSeq < after.Sequence {
		after = events.StreamPlace{Created: info.Created}
	}
	if info.State.LastSeq == after.Sequence || info.State.Msgs == 0 {
		return nil, after, nil
	}
	cfg := b.walker(Walk{Stream: name})
	cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, after.Sequence+1
	consumer, err := stream.CreateConsumer(ctx, cfg)
	if err != nil {
		return nil, after, err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = stream.DeleteConsumer(ctx, consumer.CachedInfo().Name) // the server does it after walkLife
	}()
	pending := consumer.CachedInfo().NumPending
	if pending == 0 {
		after.Sequence = info.State.LastSeq // what was there is deleted
		return nil, after, nil
	}
	batch, reached, err := b.stride(ctx, consumer, 0, int(min(pending, uint64(max(most, 1))))) //nolint:gosec // at most most
	if err != nil {
		return nil, after, err
	}
	after.Sequence = reached.Sequence.Stream
	return batch, after, nil
}
