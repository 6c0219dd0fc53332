package limits

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"settled/bench/rig"
	"settled/bench/shop"
)

// together is how many messages go to the server or come from it at once.
const together = 256

var streams = []rig.Contestant{
	{Name: PublishOne, Settings: "each message waits for its acknowledgement", Run: publishing(publishOne)},
	{Name: PublishAsync, Settings: "256 messages are sent, then 256 acknowledgements awaited", Run: publishing(publishAsync)},
	{Name: PublishAtomic, Settings: "batches by jetstreamext, one acknowledgement each", Run: publishing(publishAtomic)},
	{Name: Acknowledge, Settings: "fetched 256 at a time, each acknowledgement confirmed, all 256 at once", Run: acknowledge},
}

// message is one of the size and with the headers of an event.
func (t *target) message() *nats.Msg {
	t.sent++
	m := nats.NewMsg(t.subject)
	m.Header.Set(nats.MsgIdHdr, strconv.Itoa(t.sent))
	for _, name := range []string{"ce-specversion", "ce-id", "ce-type", "ce-source", "ce-time", "ce-subject", "content-type"} {
		m.Header.Set(name, "3f2b8c1e-0000-0000-0000-000000000000")
	}
	m.Data = []byte(shop.Completed)
	return m
}

// target is a stream like that of the outputs.
type target struct {
	js      jetstream.JetStream
	stream  jetstream.Stream
	subject string
	sent    int
}

func newTarget(ctx context.Context, r *rig.Round) (*target, error) {
	t := &target{js: r.Stream, subject: r.Prefix() + "limit"}
	var err error
	t.stream, err = r.Stream.CreateStream(ctx, jetstream.StreamConfig{
		Name: r.StreamName("LIMIT"), Subjects: []string{t.subject}, Storage: jetstream.FileStorage,
		Duplicates: 5 * time.Minute, AllowAtomicPublish: true,
	})
	if err != nil {
		return nil, fmt.Errorf("create stream: %w", err)
	}
	return t, nil
}

func publishing(publish func(context.Context, *target) (int, error)) func(context.Context, *rig.Round) (rig.Measure, error) {
	return func(ctx context.Context, r *rig.Round) (rig.Measure, error) {
		t, err := newTarget(ctx, r)
		if err != nil {
			return rig.Measure{}, err
		}
		m, err := spin(ctx, r.Span, func(ctx context.Context) (int, error) { return publish(ctx, t) })
		if err != nil {
			return rig.Measure{}, fmt.Errorf("publish: %w", err)
		}
		info, err := t.stream.Info(ctx)
		if err == nil && info.State.Msgs != uint64(m.Operations) { //nolint:gosec // a count
			err = fmt.Errorf("the stream has %d of %d messages", info.State.Msgs, m.Operations)
		}
		return m, err
	}
}

func publishOne(ctx context.Context, t *target) (int, error) {
	_, err := t.js.PublishMsg(ctx, t.message())
	return 1, err
}

func publishAsync(ctx context.Context, t *target) (int, error) {
	var futures [together]jetstream.PubAckFuture
	for i := range futures {
		var err error
		if futures[i], err = t.js.PublishMsgAsync(t.message()); err != nil {
			return 0, err
		}
	}
	for _, future := range futures {
		select {
		case <-future.Ok():
		case err := <-future.Err():
			return 0, err
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return together, nil
}

func publishAtomic(ctx context.Context, t *target) (int, error) {
	messages := make([]*nats.Msg, together)
	for i := range messages {
		messages[i] = t.message()
	}
	_, err := jetstreamext.PublishMsgBatch(ctx, t.js, messages)
	return together, err
}

// acknowledge works off a stream that was filled beforehand.
func acknowledge(ctx context.Context, r *rig.Round) (rig.Measure, error) {
	t, err := newTarget(ctx, r)
	if err != nil {
		return rig.Measure{}, err
	}
	want := (r.Size + together - 1) / together * together
	for t.sent < want {
		if _, err := publishAtomic(ctx, t); err != nil {
			return rig.Measure{}, fmt.Errorf("fill the stream: %w", err)
		}
	}
	consumer, err := t.stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		Durable: r.StreamName("limit"), AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 2 * together,
	})
	if err != nil {
		return rig.Measure{}, fmt.Errorf("create consumer: %w", err)
	}
	m, began := rig.Measure{}, time.Now()
	for m.Operations < want {
		done, err := acknowledgeSome(ctx, consumer)
		if err != nil {
			return rig.Measure{}, fmt.Errorf("acknowledge: %w", err)
		}
		m.Operations += done
	}
	m.Took = time.Since(began)
	return m, nil
}

func acknowledgeSome(ctx context.Context, consumer jetstream.Consumer) (int, error) {
	batch, err := consumer.Fetch(together, jetstream.FetchMaxWait(time.Second))
	if err != nil {
		return 0, err
	}
	var confirming sync.WaitGroup
	var failed [together]error
	n := 0
	for m := range batch.Messages() {
		slot := n
		n++
		confirming.Go(func() { failed[slot] = m.DoubleAck(ctx) })
	}
	confirming.Wait()
	return n, errors.Join(append(failed[:], batch.Error())...)
}
