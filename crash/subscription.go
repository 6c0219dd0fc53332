package crash

import (
	"context"
	"encoding/json"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// listen is a plain subscription with a durable consumer, made again when it is lost.
func (s *Shop) listen(ctx context.Context) {
	name := s.world.cfg.Name + "_SETTLED_OUT"
	for ctx.Err() == nil {
		bounded, cancel := context.WithTimeout(ctx, 5*time.Second)
		consumer, err := s.stream.CreateOrUpdateConsumer(bounded, name, jetstream.ConsumerConfig{
			Durable: "shop", AckPolicy: jetstream.AckExplicitPolicy,
		})
		cancel()
		for err == nil && ctx.Err() == nil {
			err = s.fetch(consumer)
		}
		pause(ctx, 200*time.Millisecond)
	}
}

func (s *Shop) fetch(consumer jetstream.Consumer) error {
	batch, err := consumer.Fetch(100, jetstream.FetchMaxWait(500*time.Millisecond))
	if err != nil {
		return err
	}
	for m := range batch.Messages() {
		s.hear(m.Subject()[len(s.world.Prefix()):], nats.Header(m.Headers()).Get("ce-id"), m.Data())
		_ = m.Ack() // a lost acknowledgement brings a repeat, which is known by its ce-id
	}
	return batch.Error()
}

// hear takes one event.
func (s *Shop) hear(subject, id string, data []byte) {
	var body payable
	if json.Unmarshal(data, &body) != nil {
		s.world.saw("%s that is no JSON", subject)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orders[body.OrderID]
	if o == nil {
		s.refused[id] = true
		return
	}
	if o.told[subject] == nil {
		o.told[subject] = map[string]bool{}
	}
	if subject == "payment.prepared" && len(o.told[subject]) == 0 {
		o.prepared <- body
	}
	o.told[subject][id] = true
	s.end(o)
}

// end says once that an order has ended.
func (s *Shop) end(o *order) {
	if !o.ended && o.hasEnded() {
		o.ended = true
		close(o.over)
	}
}
