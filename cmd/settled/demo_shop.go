package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"settled/events"
)

// demoShop is the order system of the demo and its customers with their phones. It uses
// settled as any order system would: plain NATS, plain HTTP, and nothing of this program
// but the shape of its messages.
type demoShop struct {
	stream  jetstream.JetStream
	http    *http.Client
	ingress string // URL
	token   string
	pay     string // URL where WeChat's app takes the customer's money

	// leaves says that a customer never pays, and the order is to be closed.
	leaves func(number int) bool
	ttl    time.Duration // of the orders of customers who leave

	mu     sync.Mutex
	orders map[string]*demoOrder
}

// demoOrder is what the shop has seen of one order.
type demoOrder struct {
	id     string
	leaves bool
	client chan map[string]string // what the app needs, once
	ended  chan struct{}
	over   bool // ended is closed

	requested, prepared, paid, completed time.Time
	told                                 map[string]map[string]bool // by event type: the ce-ids seen
}

const demoMerchant = "demo"

// placeAndPay takes one order from the click to its end.
func (s *demoShop) placeAndPay(ctx context.Context, number int) error {
	o := &demoOrder{
		id: fmt.Sprintf("demo%08d", number), leaves: s.leaves(number), requested: time.Now(),
		client: make(chan map[string]string, 1), ended: make(chan struct{}), told: map[string]map[string]bool{},
	}
	s.mu.Lock()
	s.orders[o.id] = o
	s.mu.Unlock()
	body, err := json.Marshal(s.request(o, number))
	if err != nil {
		return fmt.Errorf("write order %s: %w", o.id, err)
	}
	place := s.placeByNATS
	if number%2 == 1 {
		place = s.placeByHTTP
	}
	if err := untilDone(ctx, func() error { return place(ctx, body) }); err != nil {
		return fmt.Errorf("place order %s: %w", o.id, err)
	}
	select {
	case client := <-o.client:
		if err := s.customerPays(ctx, o, client); err != nil {
			return err
		}
	case <-o.ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("order %s: not prepared: %w", o.id, ctx.Err())
	}
	select {
	case <-o.ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("order %s: not ended: %w", o.id, ctx.Err())
	}
}

func (s *demoShop) request(o *demoOrder, number int) map[string]any {
	request := map[string]any{
		"merchant": demoMerchant, "order_id": o.id, "amount": map[string]any{"total": 1 + number%9999},
		"description": "One pot of tea & 一壶茶", "client_ip": "203.0.113.7", "metadata": map[string]string{"cart": fmt.Sprint(number)},
	}
	if o.leaves {
		request["expires_at"] = time.Now().Add(s.ttl).Format(time.RFC3339)
	}
	return request
}

func (s *demoShop) placeByNATS(ctx context.Context, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_, err := s.stream.Publish(ctx, events.PaymentRequested, body)
	return err
}

func (s *demoShop) placeByHTTP(ctx context.Context, body []byte) error {
	return s.post(ctx, s.ingress+"/v1/payments", body, http.StatusAccepted)
}

// customerPays hands what WeChat's app needs to it, as the phone does.
func (s *demoShop) customerPays(ctx context.Context, o *demoOrder, client map[string]string) error {
	if o.leaves {
		return nil
	}
	body, err := json.Marshal(client)
	if err != nil {
		return fmt.Errorf("write client of order %s: %w", o.id, err)
	}
	s.mu.Lock()
	o.paid = time.Now()
	s.mu.Unlock()
	if err := untilDone(ctx, func() error { return s.post(ctx, s.pay, body, http.StatusOK) }); err != nil {
		return fmt.Errorf("pay order %s: %w", o.id, err)
	}
	return nil
}

func (s *demoShop) post(ctx context.Context, url string, body []byte, want int) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+s.token)
	response, err := s.http.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	said, err := io.ReadAll(io.LimitReader(response.Body, 4096))
	if err != nil {
		return err
	}
	if response.StatusCode != want {
		return fmt.Errorf("status %d: %s", response.StatusCode, said)
	}
	return nil
}

// untilDone repeats what is safe to repeat: that is all a shop has to do when a server is
// away for a moment.
func untilDone(ctx context.Context, do func() error) error {
	for {
		err := do()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// listen is the shop's subscription: a durable consumer of what settled tells.
func (s *demoShop) listen(ctx context.Context) (stop func(), err error) {
	consumer, err := s.stream.CreateOrUpdateConsumer(ctx, "SETTLED_OUT", jetstream.ConsumerConfig{
		Durable: "shop", AckPolicy: jetstream.AckExplicitPolicy,
	})
	if err != nil {
		return nil, fmt.Errorf("subscribe to SETTLED_OUT: %w", err)
	}
	consumption, err := consumer.Consume(func(m jetstream.Msg) {
		s.hear(m.Subject(), nats.Header(m.Headers()).Get(events.HeaderID), m.Data())
		_ = m.Ack() // a lost acknowledgement brings a repeat, which is known by its ce-id
	})
	if err != nil {
		return nil, fmt.Errorf("consume SETTLED_OUT: %w", err)
	}
	return consumption.Stop, nil
}

// hear takes one event.
func (s *demoShop) hear(subject, id string, data []byte) {
	var body events.Prepared // the fields that all events share, and the client
	if json.Unmarshal(data, &body) != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orders[body.OrderID]
	if o == nil || o.told[subject][id] {
		return
	}
	if o.told[subject] == nil {
		o.told[subject] = map[string]bool{}
	}
	o.told[subject][id] = true
	if len(o.told[subject]) > 1 {
		return // counted, and complained of in the summary
	}
	switch subject {
	case events.PaymentPrepared:
		o.prepared = time.Now()
		o.client <- body.Client
	case events.PaymentCompleted:
		o.completed = time.Now()
	}
	if !o.over && (subject == o.rightEnd() || subject == events.PaymentFailed || subject == events.PaymentRejected) {
		o.over = true
		close(o.ended)
	}
}

// rightEnd is the event with which the order has to end.
func (o *demoOrder) rightEnd() string {
	if o.leaves {
		return events.PaymentClosed
	}
	return events.PaymentCompleted
}

// progress says in one line how far the orders are.
func (s *demoShop) progress(of int, took time.Duration) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	prepared, completed, closed := 0, 0, 0
	for _, o := range s.orders {
		prepared += min(1, len(o.told[events.PaymentPrepared]))
		completed += min(1, len(o.told[events.PaymentCompleted]))
		closed += min(1, len(o.told[events.PaymentClosed]))
	}
	return fmt.Sprintf("%5.1f s   requested %d/%d   prepared %d   completed %d   closed %d",
		took.Seconds(), len(s.orders), of, prepared, completed, closed)
}
