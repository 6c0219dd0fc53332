package crash

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Shop is an order system with its customers. It repeats what got no answer, which is all
// that it has to do when something is away.
type Shop struct {
	world  *World
	open   context.Context //nolint:containedctx // ends when the world is closed, whatever is still waited for
	stream jetstream.JetStream
	http   *http.Client

	mu      sync.Mutex
	placed  []*order
	round   []int // the patterns of this round, in an order of its own
	orders  map[string]*order
	refused map[string]bool // the ce-ids of payment.rejected that belong to no order
}

func (w *World) openShop(context.Context) error {
	bus, _ := w.servers.nats()
	nc, err := nats.Connect(bus, nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
	if err != nil {
		return fmt.Errorf("connect the shop: %w", err)
	}
	stream, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("connect the shop: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	w.stop = stop
	w.Shop = &Shop{
		world: w, open: ctx, stream: stream, orders: map[string]*order{}, refused: map[string]bool{},
		http: &http.Client{Timeout: 8 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 32}},
	}
	w.running.Go(func() {
		defer nc.Close()
		w.Shop.listen(ctx)
	})
	return nil
}

// Place lets customers order, and returns at once; Settle waits for what becomes of it. May
// be called again and again.
func (s *Shop) Place(ctx context.Context, orders int) {
	for range orders {
		s.mu.Lock()
		o := s.next()
		o.overHTTP = o.overHTTP || s.world.cfg.OverHTTP
		s.placed = append(s.placed, o)
		s.orders[o.id] = o
		s.mu.Unlock()
		s.world.running.Go(func() {
			ctx, stop := context.WithCancel(ctx)
			defer stop()
			defer context.AfterFunc(s.open, stop)()
			if err := s.serve(ctx, o); err != nil && ctx.Err() == nil {
				s.world.saw("order %s of %s: %v", o.id, o.merchant, err)
			}
		})
		pause(ctx, 25*time.Millisecond)
	}
}

// next is the order that is placed next; the lock is held. Each round has an order of its
// own: NATS deals messages out in turn, and a pattern that came back in step with that would
// always come to the same one of several workers.
func (s *Shop) next() *order {
	number := len(s.placed)
	if number%round == 0 {
		s.round = rand.Perm(round)
	}
	return newOrder(number, s.round[number%round])
}

// Nonsense sends what nobody can do anything about: a request without an amount, and a hint
// about an order that nobody has heard of.
func (s *Shop) Nonsense(ctx context.Context) error {
	nth := time.Now().UnixNano()
	return errors.Join(
		s.publish(ctx, "payment.requested", written(map[string]any{"merchant": classic, "order_id": fmt.Sprintf("bad%d", nth)})),
		s.publish(ctx, "payment.returned", written(map[string]any{"merchant": classic, "order_id": fmt.Sprintf("none%d", nth)})))
}

// serve takes one order from the click to the last refund.
func (s *Shop) serve(ctx context.Context, o *order) error {
	if err := s.world.WeChat.SwitchOrder(o.id, o.faults()); err != nil {
		return err
	}
	if err := s.ask(ctx, o, "payment", o.request()); err != nil {
		return err
	}
	if o.again {
		if err := s.ask(ctx, o, "payment", o.request()); err != nil {
			return err
		}
	}
	select {
	case prepared := <-o.prepared:
		if o.leaves {
			return nil
		}
		if o.again {
			if err := s.ask(ctx, o, "payment", o.request()); err != nil {
				return err
			}
		}
		pause(ctx, o.pays)
		if err := s.pay(ctx, prepared); err != nil {
			return err
		}
	case <-o.over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
	s.mu.Lock()
	o.paid = true
	s.mu.Unlock()
	if o.returns {
		if err := s.comeBack(ctx, o); err != nil {
			return err
		}
	}
	for nth := range o.refunds {
		if err := s.ask(ctx, o, "refund", o.refund(nth+1)); err != nil {
			return err
		}
	}
	return nil
}

// ask asks for a payment or a refund until somebody has taken it.
func (s *Shop) ask(ctx context.Context, o *order, what string, body []byte) error {
	if !o.overHTTP {
		return s.publish(ctx, what+".requested", body)
	}
	for ctx.Err() == nil {
		status, said, err := s.post(ctx, "/v1/"+what+"s", body)
		switch {
		case err == nil && status < 300:
			return s.world.committed(ctx, o, what, said)
		case err == nil && o.leaves && status == http.StatusBadRequest:
			s.mu.Lock()
			o.turnedAway = true
			s.end(o)
			s.mu.Unlock()
			return nil
		case err == nil && (status == http.StatusUnprocessableEntity || status == http.StatusConflict):
			return nil // the event says what it is about
		case err == nil && status < 500 && status != http.StatusTooManyRequests:
			return fmt.Errorf("ask for a %s: %d %s", what, status, said)
		}
		pause(ctx, 200*time.Millisecond)
	}
	return ctx.Err()
}

// comeBack says that the app's user is back, over HTTP or NATS.
func (s *Shop) comeBack(ctx context.Context, o *order) error {
	if !o.overHTTP {
		return s.publish(ctx, "payment.returned", written(map[string]any{"merchant": o.merchant, "order_id": o.id}))
	}
	for ctx.Err() == nil {
		if status, _, err := s.post(ctx, "/v1/payments/"+o.merchant+"/"+o.id+"/returned", nil); err == nil && status < 500 {
			return nil
		}
		pause(ctx, 200*time.Millisecond)
	}
	return ctx.Err()
}

// publish puts a message into its stream, once the stream is there.
func (s *Shop) publish(ctx context.Context, subject string, body []byte) error {
	for ctx.Err() == nil {
		try, cancel := context.WithTimeout(ctx, 2*time.Second)
		_, err := s.stream.Publish(try, s.world.Prefix()+subject, body)
		cancel()
		if err == nil {
			return nil
		}
		pause(ctx, 100*time.Millisecond)
	}
	return ctx.Err()
}

func (s *Shop) post(ctx context.Context, path string, body []byte) (status int, said string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.world.door+path, bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("Authorization", "Bearer "+Token)
	response, err := s.http.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

// pay hands WeChat what the customer was given.
func (s *Shop) pay(ctx context.Context, p payable) error {
	var err error
	switch {
	case p.CodeURL != "":
		_, err = s.world.WeChat.PayCode(ctx, p.CodeURL)
	case p.H5URL != "":
		_, err = s.world.WeChat.PayLink(ctx, p.H5URL)
	default:
		_, err = s.world.WeChat.Pay(ctx, p.Client)
	}
	return err
}

// all are the orders so far.
func (s *Shop) all() []*order {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.placed)
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
