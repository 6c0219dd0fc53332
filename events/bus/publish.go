package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"settled/batch"
	"settled/events"
)

const (
	// attempt bounds one try to publish. With a longer one, the death of one server would
	// stall every publisher for that long.
	attempt = time.Second
	// stored bounds the wait for the acknowledgements of many messages.
	stored = 4 * time.Second
	// worthBatch is from how many messages on they are stored all together. The server makes a
	// place of its own on the disk for each atomic batch, some 13 ms with a server that syncs, in
	// which it stores forty messages one after the other.
	worthBatch = 40
	// storeFull is JetStream's error code for a full stream that discards new messages.
	storeFull jetstream.ErrorCode = 10077
)

// ErrSkipped: an earlier event of the same order was not published, so this one was not
// sent either.
var ErrSkipped = errors.New("an earlier event of the order was not published")

// Publish puts a message into its stream; it returns when the stream has it. Many who
// publish at the same moment share one write. Tries that get no answer are repeated
// under the same message id until ctx ends. It fails with ErrFull when the stream takes no
// more.
func (b *Bus) Publish(ctx context.Context, e events.Envelope) error {
	return b.publish(ctx, b.message(e))
}

func (b *Bus) message(e events.Envelope) *nats.Msg {
	return &nats.Msg{Subject: b.subject(e.Type), Header: e.Header(), Data: e.Data}
}

func (b *Bus) publish(ctx context.Context, m *nats.Msg) error {
	group := b.publishing[holder(b.bare(m.Subject))]
	if group == nil {
		return fmt.Errorf("publish %s: %w", m.Subject, jetstream.ErrNoStreamResponse)
	}
	for {
		failure, err := group.Do(ctx, m)
		if err == nil {
			err = failure
		}
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

// share sets up, for each stream, the point at which publishers share a write.
func (b *Bus) share() {
	b.publishing = map[string]*batch.Group[*nats.Msg, error]{}
	for _, s := range streams {
		b.publishing[s.name] = batch.New(batch.Config[*nats.Msg, error]{
			Run: b.together, Key: func(m *nats.Msg) string { return m.Header.Get(events.HeaderMessageID) }, Runners: 2, Timeout: stored,
		})
	}
}

// together publishes messages that go into one stream, and returns a failure for each.
func (b *Bus) together(ctx context.Context, messages []*nats.Msg) ([]error, error) {
	failures := make([]error, len(messages))
	if len(messages) >= worthBatch {
		_, err := b.atOnce(ctx, messages)
		if err == nil {
			return failures, nil
		}
		if isFull(err) { // then there is no room for single ones either, or hardly any
			for i, m := range messages {
				failures[i] = explain(m.Subject, err)
			}
			return failures, nil
		}
	}
	ctx, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	b.oneByOne(ctx, messages, failures, func() error { return nil })
	return failures, b.remake(ctx, messages, failures)
}

// atOnce stores messages in their stream all together, with one write and one sync, or none
// of them. The stream refuses if it knows one of their ids already, or was made by somebody
// who did not allow it. It returns the sequence of the last one.
func (b *Bus) atOnce(ctx context.Context, messages []*nats.Msg) (last uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	stored, err := jetstreamext.PublishMsgBatch(ctx, b.js, messages, jetstreamext.BatchFlowControl{})
	if err == nil {
		return stored.Sequence, nil
	}
	for _, m := range messages {
		m.Header.Del(jetstreamext.BatchIDHeader)
		m.Header.Del(jetstreamext.BatchSeqHeader)
		m.Header.Del(jetstreamext.BatchCommitHeader)
	}
	return 0, err
}

// oneByOne sends messages without waiting, as long as each may be sent, then waits for
// every acknowledgement. It returns the highest sequence that one of them has.
func (b *Bus) oneByOne(ctx context.Context, messages []*nats.Msg, failures []error, may func() error) (last uint64) {
	futures := make([]jetstream.PubAckFuture, len(messages))
	for i, m := range messages {
		if failures[i] = may(); failures[i] == nil {
			futures[i], failures[i] = b.js.PublishMsgAsync(m)
		}
	}
	for i, m := range messages {
		if failures[i] != nil {
			continue
		}
		select {
		case ack := <-futures[i].Ok():
			last = max(last, ack.Sequence)
		case err := <-futures[i].Err():
			failures[i] = explain(m.Subject, err)
		case <-ctx.Done():
			failures[i] = explain(m.Subject, ctx.Err())
		}
	}
	return last
}

// explain words a failure to publish.
func explain(subject string, err error) error {
	if isFull(err) {
		err = ErrFull
	}
	return fmt.Errorf("publish %s: %w", subject, err)
}

func isFull(err error) bool {
	var apiErr *jetstream.APIError
	return errors.As(err, &apiErr) && apiErr.ErrorCode == storeFull
}

// remake makes the stream of the messages anew if some failed because it is gone. It
// publishes nothing: whoever wanted to tries again.
func (b *Bus) remake(ctx context.Context, messages []*nats.Msg, failures []error) error {
	gone := func(err error) bool {
		return errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, nats.ErrNoResponders)
	}
	if !slices.ContainsFunc(failures, gone) {
		return nil
	}
	return b.remade(context.WithoutCancel(ctx), b.bare(messages[0].Subject))
}

// PublishAll puts messages into their stream, many of them with one write if the stream
// allows that. Few, and otherwise the events of one order are sent one after the other, each when
// the one before it is stored; once one fails, the later ones of that order fail with
// ErrSkipped. It returns the highest sequence that one of them has in the stream, 0 for
// none, and an error for each envelope, nil where the stream has it.
//
// Over a connection that is a new one it sends nothing and fails with ErrUnseen until
// Streams was called: events must not come first into a stream that has lost older ones.
func (b *Bus) PublishAll(ctx context.Context, envelopes []events.Envelope) (last uint64, failures []error) {
	if len(envelopes) >= worthBatch && b.mayTell() == nil {
		messages := make([]*nats.Msg, len(envelopes))
		for i, e := range envelopes {
			messages[i] = b.message(e)
		}
		if last, err := b.atOnce(ctx, messages); err == nil {
			return last, make([]error, len(envelopes))
		}
	}
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

// publishWave publishes some of the envelopes, one of an order at most.
func (b *Bus) publishWave(ctx context.Context, envelopes []events.Envelope, wave []int, failures []error) (last uint64) {
	ctx, cancel := context.WithTimeout(ctx, stored)
	defer cancel()
	messages := make([]*nats.Msg, len(wave))
	for n, i := range wave {
		messages[n] = b.message(envelopes[i])
	}
	outcomes := make([]error, len(wave))
	last = b.oneByOne(ctx, messages, outcomes, b.mayTell)
	err := b.remake(ctx, messages, outcomes)
	for n, i := range wave {
		failures[i] = errors.Join(outcomes[n], err)
	}
	return last
}

// mayTell reports whether events may go out over this connection.
func (b *Bus) mayTell() error {
	if b.connection() != b.seen.Load() {
		return ErrUnseen
	}
	return nil
}
