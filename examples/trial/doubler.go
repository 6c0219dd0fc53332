package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// copied marks what the doubler has told, so that it does not double that too.
const copied = "Example-Copy"

// outputs is the stream of what settled tells.
const outputs = "SETTLED_OUT"

// doubler tells everything once more, under the same ce-id and out of order.
type doubler struct {
	nc       *nats.Conn
	js       jetstream.JetStream
	consumer jetstream.Consumer
	cancel   context.CancelFunc
	working  sync.WaitGroup
	copies   atomic.Int64
}

// poison is what nobody can read.
const poison = `{"order_id": "go-0000"}`

// poison tells what settled never tells: that an order is paid of which it does not say
// whose, in which payment and for how much.
func (d *doubler) poison(ctx context.Context) error {
	_, err := d.js.PublishMsg(ctx, &nats.Msg{Subject: "payment.completed", Data: []byte(poison), Header: nats.Header{
		"ce-id": {"poison"}, "ce-type": {"payment.completed"}, "ce-time": {time.Now().Format(time.RFC3339)},
	}})
	if err != nil {
		return fmt.Errorf("tell what nobody can read: %w", err)
	}
	return nil
}

func startDoubler(ctx context.Context, address string) (*doubler, error) {
	nc, err := nats.Connect(address)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	d := &doubler{nc: nc}
	if d.js, err = jetstream.New(nc); err != nil {
		return nil, err
	}
	d.consumer, err = d.js.CreateConsumer(ctx, outputs, jetstream.ConsumerConfig{Durable: "doubler", AckPolicy: jetstream.AckExplicitPolicy})
	if err != nil {
		return nil, fmt.Errorf("make a consumer: %w", err)
	}
	ctx, d.cancel = context.WithCancel(ctx)
	d.working.Go(func() {
		for ctx.Err() == nil {
			d.double(ctx)
		}
	})
	return d, nil
}

// double tells the next few once more, in any order.
func (d *doubler) double(ctx context.Context) {
	batch, err := d.consumer.Fetch(8, jetstream.FetchMaxWait(300*time.Millisecond))
	if err != nil {
		return
	}
	var messages []jetstream.Msg
	for m := range batch.Messages() {
		messages = append(messages, m)
	}
	rand.Shuffle(len(messages), func(i, j int) { messages[i], messages[j] = messages[j], messages[i] })
	for _, m := range messages {
		if m.Headers().Get(copied) == "" {
			if _, err := d.js.PublishMsg(ctx, again(m)); err != nil {
				continue // it is not acknowledged, so it comes again
			}
			d.copies.Add(1)
		}
		_ = m.Ack() // a copy more does no harm
	}
}

// again is the same event. What speaks to JetStream is left out: by the message id the
// stream would know the repeat.
func again(m jetstream.Msg) *nats.Msg {
	header := nats.Header{copied: {"1"}}
	for name, values := range m.Headers() {
		if !strings.HasPrefix(name, "Nats-") {
			header[name] = values
		}
	}
	return &nats.Msg{Subject: m.Subject(), Header: header, Data: m.Data()}
}

// told is how many events were told twice.
func (d *doubler) told() int64 { return d.copies.Load() }

// done reports whether everything was told twice.
func (d *doubler) done(ctx context.Context) bool { return d.read(ctx, "doubler") }

// read reports whether a consumer has nothing left to do.
func (d *doubler) read(ctx context.Context, consumer string) bool {
	found, err := d.js.Consumer(ctx, outputs, consumer)
	if err != nil {
		return false
	}
	info := found.CachedInfo()
	return info.NumPending == 0 && info.NumAckPending == 0
}

func (d *doubler) close() {
	d.cancel()
	d.working.Wait()
	d.nc.Close()
}
