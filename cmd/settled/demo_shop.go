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
	lane   func(number int) lane

	mu     sync.Mutex
	orders map[string]*demoOrder
}

// demoOrder is what the shop has seen of one order.
type demoOrder struct {
	id      string
	lane    lane
	leaves  bool
	total   int
	refunds map[string]int       // the amount of each refund that the shop will ask for, by its number
	payable chan events.Prepared // what the customer needs, once
	ended   chan struct{}
	over    bool // ended is closed

	requested, prepared, paid, completed time.Time
	told                                 map[string]map[string]bool // by event type: the ce-ids seen
}

// placeAndPay takes one order from the click to its end.
func (s *demoShop) placeAndPay(ctx context.Context, number int) error {
	o := &demoOrder{
		id: orderNumber(number), lane: s.lane(number), leaves: s.leaves(number), total: 1 + number%9999,
		requested: time.Now(), payable: make(chan events.Prepared, 1), ended: make(chan struct{}),
		told: map[string]map[string]bool{},
	}
	o.refunds = o.wantedRefunds(number)
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
	if err := untilDone(ctx, func() error { return place(ctx, "payment", body) }); err != nil {
		return fmt.Errorf("place order %s: %w", o.id, err)
	}
	select {
	case prepared := <-o.payable:
		if err := s.customerPays(ctx, o, prepared); err != nil {
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

func orderNumber(number int) string { return fmt.Sprintf("demo%08d", number) }

// forget forgets an order that nobody will count.
func (s *demoShop) forget(number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.orders, orderNumber(number))
}

func (s *demoShop) request(o *demoOrder, number int) map[string]any {
	request := map[string]any{
		"merchant": o.lane.merchant(), "order_id": o.id, "amount": map[string]any{"total": o.total}, "trade_type": o.lane.tradeType,
		"description": "One pot of tea & 一壶茶", "client_ip": "203.0.113.7", "metadata": map[string]string{"cart": fmt.Sprint(number)},
	}
	if o.lane.tradeType == "JSAPI" {
		request["payer"] = map[string]string{"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}
	}
	if o.leaves {
		request["expires_at"] = time.Now().Add(s.ttl).Format(time.RFC3339)
	}
	return request
}

// placeByNATS asks for a payment or a refund over the bus.
func (s *demoShop) placeByNATS(ctx context.Context, what string, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_, err := s.stream.Publish(ctx, what+".requested", body)
	return err
}

// placeByHTTP asks for a payment or a refund over HTTP.
func (s *demoShop) placeByHTTP(ctx context.Context, what string, body []byte) error {
	return s.post(ctx, s.ingress+"/v1/"+what+"s", body, http.StatusAccepted)
}

// customerPays hands what WeChat needs to it, as the phone does: the app's or the page's
// object, the code that was scanned or the link that was followed.
func (s *demoShop) customerPays(ctx context.Context, o *demoOrder, prepared events.Prepared) error {
	if o.leaves {
		return nil
	}
	var means any = prepared.Client
	switch o.lane.tradeType {
	case "NATIVE":
		means = map[string]string{"code_url": prepared.CodeURL}
	case "H5":
		means = map[string]string{"h5_url": prepared.H5URL}
	}
	body, err := json.Marshal(means)
	if err != nil {
		return fmt.Errorf("write what pays order %s: %w", o.id, err)
	}
	s.mu.Lock()
	o.paid = time.Now()
	s.mu.Unlock()
	if err := untilDone(ctx, func() error { return s.post(ctx, s.pay, body, http.StatusOK) }); err != nil {
		return fmt.Errorf("pay order %s: %w", o.id, err)
	}
	return s.giveBack(ctx, o)
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
	var body struct {
		events.Prepared        // the fields that all events share, and what the customer needs
		RefundID        string `json:"refund_id"`
	}
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
	switch {
	case subject == events.PaymentPrepared && len(o.told[subject]) == 1:
		o.prepared = time.Now()
		o.payable <- body.Prepared
	case subject == events.PaymentCompleted && len(o.told[subject]) == 1:
		o.completed = time.Now()
	}
	if !o.over && o.hasEnded() {
		o.over = true
		close(o.ended)
	}
}

// hasEnded reports whether the order is where it has to come to, or can't come there.
func (o *demoOrder) hasEnded() bool {
	for _, wrong := range []string{events.PaymentFailed, events.PaymentRejected, events.RefundFailed, events.RefundRejected} {
		if len(o.told[wrong]) > 0 {
			return true
		}
	}
	return len(o.told[o.rightEnd()]) > 0 && len(o.told[events.RefundCompleted]) >= len(o.refunds)
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
