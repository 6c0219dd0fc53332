package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"settled/crash"
)

// mix is whose the orders of a backlog are, ten after ten. APIv3 has a tenth: each of its
// calls costs four RSA signatures, two of them the simulator's, and with more of it the run
// would measure those.
var mix = []string{"classic", "shop2", "classic", "shop2", "classic", "shop3", "shop2", "classic", "shop2", "classic"}

// expires is far enough away that nobody asks or closes while the run lasts.
const expires = 24 * time.Hour

// order is the body of payment.requested.
func order(merchant, id string, until time.Time) []byte {
	return written(map[string]any{
		"merchant": merchant, "order_id": id, "amount": map[string]any{"total": 1999}, "description": "One pot of tea",
		"trade_type": "APP", "client_ip": "203.0.113.7", "expires_at": until.Format(time.RFC3339),
	})
}

// written is JSON; nothing that is written here has no words in it.
func written(value any) []byte {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return data
}

// backlogged is the order number of the nth order that waits.
func backlogged(n int) string { return fmt.Sprintf("backlog%08d", n) }

// fill lets orders and repeats of old notifies wait: no worker may run. The notifies were
// signed by WeChat and heard success once, as when WeChat did not get that answer.
func fill(ctx context.Context, w *crash.World, js jetstream.JetStream, orders, repeats int, old [][]byte) error {
	until := time.Now().Add(expires)
	return errors.Join(
		publishAll(ctx, js, w.Prefix()+"payment.requested", orders, func(n int) []byte { return order(mix[n%len(mix)], backlogged(n), until) }),
		publishAll(ctx, js, w.Prefix()+"notify.received", repeats, func(n int) []byte { return old[n%len(old)] }))
}

// publishAll publishes many messages without waiting for each.
func publishAll(ctx context.Context, js jetstream.JetStream, subject string, messages int, body func(n int) []byte) error {
	const wave = 2000 // at once
	for begin := 0; begin < messages; begin += wave {
		var acks []jetstream.PubAckFuture
		for n := begin; n < min(begin+wave, messages); n++ {
			ack, err := js.PublishAsync(subject, body(n))
			if err != nil {
				return fmt.Errorf("publish %s: %w", subject, err)
			}
			acks = append(acks, ack)
		}
		for _, ack := range acks {
			select {
			case <-ack.Ok():
			case err := <-ack.Err():
				return fmt.Errorf("publish %s: %w", subject, err)
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return nil
}

// waiting is how many messages of a stream no worker has acknowledged yet.
func waiting(ctx context.Context, js jetstream.JetStream, stream string) (uint64, error) {
	found, err := js.Stream(ctx, stream)
	if err != nil {
		return 0, fmt.Errorf("find stream %s: %w", stream, err)
	}
	var most uint64
	consumers := found.ListConsumers(ctx)
	for info := range consumers.Info() {
		if info.Config.Durable != "" { // the others are our own
			most = max(most, info.NumPending+uint64(info.NumAckPending)) //nolint:gosec // a count
		}
	}
	return most, consumers.Err()
}

// notifies are the bodies of every notify.received that the stream holds.
func notifies(ctx context.Context, js jetstream.JetStream, stream string) ([][]byte, error) {
	consumer, err := js.OrderedConsumer(ctx, stream, jetstream.OrderedConsumerConfig{})
	if err != nil {
		return nil, fmt.Errorf("read stream %s: %w", stream, err)
	}
	batch, err := consumer.Fetch(1000, jetstream.FetchMaxWait(time.Second))
	if err != nil {
		return nil, fmt.Errorf("read stream %s: %w", stream, err)
	}
	var bodies [][]byte
	for m := range batch.Messages() {
		bodies = append(bodies, m.Data())
	}
	return bodies, batch.Error()
}
