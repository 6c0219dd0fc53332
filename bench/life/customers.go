package life

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"settled/bench/rig"
	"settled/bench/shop"
	"settled/events"
)

// task is what the order system is told.
type task struct {
	NATS, Prefix string
	Stream       string // of what settled tells
	Pay          string // URL where WeChat's app takes the customer's money
	Merchant     string
	Folder       string // for the report
	From         int    // how many orders there were before
	Payments     int
	Underway     int     // how many may be between their request and their completion; 0: any number
	Rate         float64 // requests in a second; 0: as soon as one is completed
}

// report is how it went.
type report struct {
	Took                time.Duration
	Prepared, Completed [2]time.Duration // p50 and p99, since the request and since the payment
	Wrong               string
}

// order is one of the orders, as far as it has come.
type order struct {
	requested, prepared, paid, completed time.Time
}

// customers are the order system with all its customers.
type customers struct {
	task
	http *http.Client
	js   jetstream.JetStream

	slots chan struct{} // nil: there are always some
	done  chan struct{}
	wrong chan error

	mu     sync.Mutex
	orders map[string]*order
	left   int
}

// play is the order system's process: it tells its report and then waits to be ended.
func play(ctx context.Context, text []byte) error {
	var t task
	if err := json.Unmarshal(text, &t); err != nil {
		return fmt.Errorf("read the task: %w", err)
	}
	went, err := t.live(ctx)
	if err != nil {
		went.Wrong = err.Error()
	}
	if err := rig.Tell(t.Folder, went); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// patience is more than the life of any payment lasts, however many are underway.
const patience = time.Minute

func (t task) live(ctx context.Context) (went report, err error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	c := &customers{
		task: t, orders: map[string]*order{}, left: t.Payments, done: make(chan struct{}), wrong: make(chan error, 1),
		http: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConns: 1024, MaxIdleConnsPerHost: 1024}},
	}
	if t.Underway > 0 {
		c.slots = make(chan struct{}, t.Underway)
	}
	nc, err := nats.Connect(t.NATS)
	if err != nil {
		return went, fmt.Errorf("connect to nats: %w", err)
	}
	defer nc.Close()
	if c.js, err = jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(4096)); err != nil {
		return went, err
	}
	listening, err := c.listen(ctx)
	if err != nil {
		return went, err
	}
	defer listening.Stop()
	began := time.Now()
	go c.request(ctx)
	select {
	case <-c.done:
	case err := <-c.wrong:
		return went, err
	case <-ctx.Done():
		return went, ctx.Err()
	}
	return c.report(began), nil
}

// listen hears what settled tells from now on.
func (c *customers) listen(ctx context.Context) (jetstream.ConsumeContext, error) {
	consumer, err := c.js.OrderedConsumer(ctx, c.Stream, jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverNewPolicy})
	if err != nil {
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	return consumer.Consume(func(m jetstream.Msg) {
		if err := c.hear(ctx, strings.TrimPrefix(m.Subject(), c.Prefix), m.Data()); err != nil {
			c.fail(err)
		}
	})
}

func (c *customers) fail(err error) {
	select {
	case c.wrong <- err:
	default: // one is enough
	}
}

// hear is told of a payment. Every payment is prepared once and completed once.
func (c *customers) hear(ctx context.Context, subject string, data []byte) error {
	now := time.Now()
	var told events.Prepared
	if err := json.Unmarshal(data, &told); err != nil {
		return fmt.Errorf("read %s: %w", subject, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.orders[told.OrderID]
	switch {
	case o == nil:
		return fmt.Errorf("%s of an order that was never made: %.200s", subject, data)
	case subject == events.PaymentPrepared && o.prepared.IsZero():
		o.prepared, o.paid = now, now
		go c.pay(ctx, told.Client)
	case subject == events.PaymentCompleted && o.completed.IsZero() && !o.prepared.IsZero():
		o.completed = now
		if c.slots != nil {
			<-c.slots
		}
		if c.left--; c.left == 0 {
			close(c.done)
		}
	default:
		return fmt.Errorf("%s comes when it must not: %.200s", subject, data)
	}
	return nil
}

// pay is a customer with a phone.
func (c *customers) pay(ctx context.Context, client map[string]string) {
	if err := c.hand(ctx, client); err != nil && ctx.Err() == nil {
		c.fail(fmt.Errorf("pay: %w", err))
	}
}

func (c *customers) hand(ctx context.Context, client map[string]string) error {
	text, err := json.Marshal(client)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Pay, bytes.NewReader(text))
	if err != nil {
		return err
	}
	answer, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }() // it was read to its end
	said, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%d %.200s", answer.StatusCode, said)
	}
	return err
}

// request makes all orders, each as soon as it may be made.
func (c *customers) request(ctx context.Context) {
	began := time.Now()
	for n := range c.Payments {
		if c.Rate > 0 {
			time.Sleep(time.Until(began.Add(time.Duration(float64(n) / c.Rate * float64(time.Second)))))
		}
		if c.slots != nil && !c.take(ctx) {
			return
		}
		number := c.From + n + 1
		c.mu.Lock()
		c.orders[shop.Order(number)] = &order{requested: time.Now()}
		c.mu.Unlock()
		stored, err := c.js.PublishAsync(c.Prefix+events.PaymentRequested, shop.Request(c.Merchant, number))
		if err != nil {
			c.fail(fmt.Errorf("request a payment: %w", err))
			return
		}
		go func() {
			select {
			case <-stored.Ok():
			case err := <-stored.Err():
				c.fail(fmt.Errorf("request a payment: %w", err))
			case <-ctx.Done():
			}
		}()
	}
}

// take waits for a payment to be completed, if as many as may be are underway.
func (c *customers) take(ctx context.Context) bool {
	select {
	case c.slots <- struct{}{}:
		return true
	default:
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case c.slots <- struct{}{}:
		return true
	case <-timer.C:
		c.fail(errors.New("nothing has been completed for a minute"))
	case <-ctx.Done():
	}
	return false
}

func (c *customers) report(began time.Time) report {
	c.mu.Lock()
	defer c.mu.Unlock()
	var last time.Time
	var prepared, completed []time.Duration
	for _, o := range c.orders {
		prepared = append(prepared, o.prepared.Sub(o.requested))
		completed = append(completed, o.completed.Sub(o.paid))
		if o.completed.After(last) {
			last = o.completed
		}
	}
	return report{Took: last.Sub(began), Prepared: percentiles(prepared), Completed: percentiles(completed)}
}

func percentiles(took []time.Duration) (of [2]time.Duration) {
	if len(took) > 0 {
		slices.Sort(took)
		of = [2]time.Duration{took[len(took)/2], took[len(took)*99/100]}
	}
	return of
}
