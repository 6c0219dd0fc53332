package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"settled"
	"settled/cmd/settled/config"
	"settled/events"
	"settled/events/bus"
	"settled/store"
)

// recheck is how often PostgreSQL is read while an answer is waited for: replies are a
// courtesy, and whoever asks WeChat a second time does not know who waits.
const recheck = 500 * time.Millisecond

// question is a request whose answer somebody waits for.
type question struct {
	request events.Envelope
	// books reads what became of it: the event that answers it has no type yet while there
	// is none, and err is nil once it is recorded.
	books func(ctx context.Context, s *store.Store) (answer settled.Event, err error)
}

// submit publishes a request and prints what came of it.
func submit(ctx context.Context, e environment, cfg *config.Config, s *store.Store, q question) (err error) {
	b, err := connect(ctx, e, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close(context.WithoutCancel(ctx))) }()
	if err := b.Ensure(ctx); err != nil {
		return err
	}
	subject, replies, done := b.Expect()
	defer done()
	q.request.ReplyTo = subject
	if err := b.Publish(ctx, q.request); err != nil {
		return err
	}
	kind, data, err := q.await(ctx, s, replies)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.out, "%s\n", data)
	switch kind {
	case events.PaymentRejected, events.PaymentFailed, events.RefundFailed, events.RefundRejected:
		return stands(errors.New(kind))
	}
	return nil
}

// await waits for the event that answers the request: its type and its body.
func (q question) await(ctx context.Context, s *store.Store, replies <-chan events.Reply) (kind string, data []byte, err error) {
	ticker := time.NewTicker(recheck)
	defer ticker.Stop()
	for recorded := false; ; {
		select {
		case reply := <-replies:
			if reply.Kind != events.ReplyRecorded {
				return reply.Kind, reply.Data, nil
			}
			recorded = true
		case <-ticker.C:
			answer, err := q.books(ctx, s)
			if err == nil && answer.Type != "" {
				return answer.Type, answer.Data, nil
			}
			recorded = recorded || err == nil
		case <-ctx.Done():
			if recorded {
				return "", nil, errors.New("the request is recorded, and WeChat has not answered yet; settled goes on asking")
			}
			return "", nil, errors.New("no worker answered; the request is in the stream and will be worked on")
		}
	}
}

// paymentBooks reads what became of a request for a payment.
func paymentBooks(request events.PaymentRequest) func(context.Context, *store.Store) (settled.Event, error) {
	return func(ctx context.Context, s *store.Store) (settled.Event, error) {
		p, err := s.Payment(ctx, request.Merchant, request.OrderID)
		if err != nil {
			return settled.Event{}, err
		}
		if p.Fingerprint != request.Fingerprint() {
			return settled.Event{}, settled.ErrNotFound // with other content: the worker says that it is a conflict
		}
		return unlessNone(s.Arrival(ctx, p))
	}
}

// refundBooks reads what became of a request for a refund.
func refundBooks(request events.RefundRequest) func(context.Context, *store.Store) (settled.Event, error) {
	return func(ctx context.Context, s *store.Store) (settled.Event, error) {
		r, err := s.Refund(ctx, request.Merchant, request.RefundID)
		if err != nil {
			return settled.Event{}, err
		}
		if r.Fingerprint != request.Fingerprint() {
			return settled.Event{}, settled.ErrNotFound
		}
		return unlessNone(s.RefundNews(ctx, r.ID))
	}
}

// unlessNone takes it for no failure that nothing was told yet.
func unlessNone(answer settled.Event, err error) (settled.Event, error) {
	if errors.Is(err, settled.ErrNotFound) {
		return settled.Event{}, nil
	}
	return answer, err
}

// connect opens the bus for a command that is over in a moment.
func connect(ctx context.Context, e environment, cfg *config.Config) (*bus.Bus, error) {
	return bus.Connect(ctx, bus.Config{
		URL: cfg.NATS.URL.Reveal(), Credentials: cfg.NATS.Credentials, Inbox: cfg.NATS.InboxPrefix, Prefix: cfg.NATS.Prefix,
		Replicas: cfg.NATS.Replicas, MaxMessages: cfg.NATS.MaxMessages, Name: "settled", Log: e.log,
	})
}
