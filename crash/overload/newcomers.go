package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"settled/crash"
)

// newcomers are customers who order and pay while others wait.
type newcomers struct {
	world  *crash.World
	stream jetstream.JetStream
	client *http.Client

	mu     sync.Mutex
	orders map[string]*newcomer
	placed []*newcomer
	served int // before those
	wrong  []string
}

// newcomer is one of them. The lock of all of them holds.
type newcomer struct {
	id, merchant string
	overHTTP     bool
	turnedAway   int // how often the ingress had no room

	asked, prepared, paid, completed time.Time
	told                             map[string]bool // the ce-ids of payment.completed
	ready                            chan struct{}   // closed when it is prepared
}

// open listens to what becomes of newcomers' orders.
func open(w *crash.World, nc *nats.Conn, js jetstream.JetStream) (*newcomers, error) {
	n := &newcomers{
		world: w, stream: js, orders: map[string]*newcomer{},
		client: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	}
	for _, subject := range []string{"payment.prepared", "payment.completed"} {
		subscription, err := nc.Subscribe(w.Prefix()+subject, func(m *nats.Msg) {
			n.hear(subject, m.Header.Get("ce-subject"), m.Header.Get("ce-id"))
		})
		if err == nil {
			err = subscription.SetPendingLimits(-1, -1)
		}
		if err != nil {
			return nil, fmt.Errorf("subscribe to %s: %w", subject, err)
		}
	}
	return n, nil
}

func (n *newcomers) hear(subject, orderID, id string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	o := n.orders[orderID]
	switch {
	case o == nil: // of the backlog
	case subject == "payment.completed":
		if len(o.told) == 0 {
			o.completed = time.Now()
		}
		o.told[id] = true
	case o.prepared.IsZero():
		o.prepared = time.Now()
		close(o.ready)
	}
}

// come lets one after the other come until ctx ends, and then waits, for so long, until all
// have what they paid for.
func (n *newcomers) come(ctx context.Context, every, patience time.Duration) {
	all, leave := context.WithCancel(context.WithoutCancel(ctx))
	defer leave()
	var shopping sync.WaitGroup
	for ctx.Err() == nil {
		o := n.next()
		shopping.Go(func() {
			if err := n.shop(all, o); err != nil && all.Err() == nil {
				n.saw("order %s of %s: %v", o.id, o.merchant, err)
			}
		})
		pause(ctx, every)
	}
	time.AfterFunc(patience, leave)
	shopping.Wait()
}

func (n *newcomers) next() *newcomer {
	n.mu.Lock()
	defer n.mu.Unlock()
	number, merchants := n.served+len(n.placed), crash.Merchants()
	o := &newcomer{
		id: fmt.Sprintf("new%08d", number), merchant: merchants[number%len(merchants)], overHTTP: number/len(merchants)%2 == 0,
		asked: time.Now(), told: map[string]bool{}, ready: make(chan struct{}),
	}
	n.orders[o.id] = o
	n.placed = append(n.placed, o)
	return o
}

// shop takes one newcomer from the click to the moment when the shop knows that it has paid.
func (n *newcomers) shop(ctx context.Context, o *newcomer) error {
	if err := n.ask(ctx, o); err != nil {
		return err
	}
	select {
	case <-o.ready:
	case <-ctx.Done():
		return ctx.Err()
	}
	n.mu.Lock()
	o.paid = time.Now()
	n.mu.Unlock()
	if _, err := n.world.WeChat.PayOrder(ctx, o.merchant, o.id); err != nil {
		return fmt.Errorf("pay: %w", err)
	}
	return until(ctx, func() bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		return len(o.told) > 0
	})
}

// ask asks until somebody has taken the order, as an order system has to.
func (n *newcomers) ask(ctx context.Context, o *newcomer) error {
	body := order(o.merchant, o.id, o.asked.Add(expires))
	for ctx.Err() == nil {
		if !o.overHTTP {
			if _, err := n.stream.Publish(ctx, n.world.Prefix()+"payment.requested", body); err == nil {
				return nil
			}
			pause(ctx, 200*time.Millisecond) // until the stream is there
			continue
		}
		answer, err := post(ctx, n.client, request{url: "http://" + n.world.Door() + "/v1/payments", token: crash.Token, body: body})
		switch {
		case err == nil && answer.status == http.StatusAccepted:
			return nil
		case err == nil && answer.status < 500 && answer.status != http.StatusTooManyRequests:
			return fmt.Errorf("ask for a payment: %d %s", answer.status, answer.said)
		}
		n.mu.Lock()
		o.turnedAway++
		n.mu.Unlock()
		pause(ctx, 200*time.Millisecond)
	}
	return ctx.Err()
}

func (n *newcomers) saw(format string, values ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.wrong = append(n.wrong, fmt.Sprintf(format, values...))
}

// err names the newcomers that did not get what they paid for, or got it twice.
func (n *newcomers) err() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	var wrong []error
	for _, o := range n.placed {
		if len(o.told) != 1 {
			wrong = append(wrong, fmt.Errorf("order %s of %s was completed by %d events", o.id, o.merchant, len(o.told)))
		}
	}
	if len(n.wrong) > 0 {
		wrong = append(wrong, errors.New(strings.Join(n.wrong, "; ")))
	}
	return errors.Join(wrong...)
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// until waits for a condition that nobody signals.
func until(ctx context.Context, holds func() bool) error {
	for !holds() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		pause(ctx, 50*time.Millisecond)
	}
	return nil
}

// forget leaves out of the figures who has come so far.
func (n *newcomers) forget() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.placed, n.served = nil, n.served+len(n.placed)
}
