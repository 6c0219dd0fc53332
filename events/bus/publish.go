package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"settled/events"
)

const (
	// attempt bounds one try to publish. With a longer one, the death of one server would
	// stall every publisher for that long.
	attempt = time.Second
	// stored bounds the wait for the acknowledgements of many messages.
	stored = 4 * time.Second
	// storeFull is JetStream's error code for a full stream that discards new messages.
	storeFull jetstream.ErrorCode = 10077
)

// ErrSkipped: an earlier event of the same order was not published, so this one was not
// sent either.
var ErrSkipped = errors.New("an earlier event of the order was not published")

// Publish puts a message into its stream; it returns when the stream has it. Tries that
// get no answer are repeated under the same message id until ctx ends. It fails with
// ErrFull when the stream takes no more.
func (b *Bus) Publish(ctx context.Context, e events.Envelope) error {
	return b.publish(ctx, b.message(e))
}

func (b *Bus) message(e events.Envelope) *nats.Msg {
	return &nats.Msg{Subject: b.subject(e.Type), Header: e.Header(), Data: e.Data}
}

func (b *Bus) publish(ctx context.Context, m *nats.Msg) error {
	for {
		err := b.try(ctx, m)
		if err == nil || errors.Is(err, ErrFull) || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("publish %s: %w", m.Subject, errors.Join(ctx.Err(), err))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (b *Bus) try(ctx context.Context, m *nats.Msg) error {
	ctx, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	_, err := b.js.PublishMsg(ctx, m)
	return b.explain(ctx, m.Subject, err)
}

// explain words a failure to publish, and makes a stream that is gone again.
func (b *Bus) explain(ctx context.Context, subject string, err error) error {
	var apiErr *jetstream.APIError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &apiErr) && apiErr.ErrorCode == storeFull:
		return fmt.Errorf("publish %s: %w", subject, ErrFull)
	case errors.Is(err, jetstream.ErrNoStreamResponse), errors.Is(err, nats.ErrNoResponders):
		err = errors.Join(err, b.Ensure(context.WithoutCancel(ctx)))
	}
	return fmt.Errorf("publish %s: %w", subject, err)
}

// PublishAll puts many messages into their streams at once. The events of one order are
// sent one after the other, each when the one before it is stored; once one fails, the
// later ones of that order fail with ErrSkipped. It returns the highest sequence that one
// of them has in the stream, 0 for none, and an error for each envelope, nil where the
// stream has it.
//
// Over a connection that is a new one it sends nothing and fails with ErrUnseen until
// Streams was called: events must not come first into a stream that has lost older ones.
func (b *Bus) PublishAll(ctx context.Context, envelopes []events.Envelope) (last uint64, failures []error) {
	failures = make([]error, len(envelopes))
	failed := map[string]bool{}
	left := make([]int, len(envelopes))
	for i := range envelopes {
		left[i] = i
	}
	for len(left) > 0 {
		var wave, rest []int
		inWave := map[string]bool{}
		for _, i := range left {
			order := envelopes[i].Merchant + "\x00" + envelopes[i].OrderID
			switch {
			case failed[order]:
				failures[i] = ErrSkipped
			case inWave[order]:
				rest = append(rest, i)
			default:
				inWave[order] = true
				wave = append(wave, i)
			}
		}
		last = max(last, b.publishWave(ctx, envelopes, wave, failures))
		for _, i := range wave {
			if failures[i] != nil {
				failed[envelopes[i].Merchant+"\x00"+envelopes[i].OrderID] = true
			}
		}
		left = rest
	}
	return last, failures
}

// publishWave sends without waiting, then waits for every acknowledgement.
func (b *Bus) publishWave(ctx context.Context, envelopes []events.Envelope, wave []int, failures []error) (last uint64) {
	ctx, cancel := context.WithTimeout(ctx, stored)
	defer cancel()
	futures := make([]jetstream.PubAckFuture, len(wave))
	for n, i := range wave {
		if b.connection() != b.seen.Load() {
			failures[i] = ErrUnseen
			continue
		}
		futures[n], failures[i] = b.js.PublishMsgAsync(b.message(envelopes[i]))
	}
	for n, i := range wave {
		if failures[i] != nil {
			continue
		}
		select {
		case ack := <-futures[n].Ok():
			last = max(last, ack.Sequence)
		case err := <-futures[n].Err():
			failures[i] = b.explain(ctx, envelopes[i].Type, err)
		case <-ctx.Done():
			failures[i] = ctx.Err()
		}
	}
	return last
}
