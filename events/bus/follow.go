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
	consumer, err := stream.CreateConsumer(ctx, b.walker(Walk{Stream: name, From: after.Sequence + 1}))
	if err != nil {
		return nil, after, err
	}
	defer leave(ctx, stream, consumer, time.Second)
	var batch []events.Message
	var reached *jetstream.MsgMetadata
	if pending := consumer.CachedInfo().NumPending; pending > 0 {
		batch, reached, err = b.stride(ctx, consumer, 0, int(min(pending, uint64(max(most, 1))))) //nolint:gosec // at most most
		if err != nil {
			return nil, after, err
		}
	}
	if len(batch) == 0 { // what was there is deleted, before or just now
		after.Sequence = info.State.LastSeq
		return nil, after, nil
	}
	after.Sequence = reached.Sequence.Stream
	return batch, after, nil
}
