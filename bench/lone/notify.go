package lone

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"settled"
	"settled/bench/rig"
	"settled/bench/shop"
	"settled/events"
	"settled/events/bus"
)

// prepare makes payments stand: the first half for notifies, and the moves of the others.
func prepare(ctx context.Context, r *rig.Round, n int) ([]settled.Move, error) {
	if err := shop.Open(ctx, r); err != nil {
		return nil, err
	}
	if err := shop.Prepare(ctx, r.DB, shop.V2, 2*n); err != nil {
		return nil, err
	}
	moves := make([]settled.Move, n)
	for i := range moves {
		var id string
		err := r.DB.QueryRowContext(ctx, "select id from payments where merchant = $1 and order_id = $2", shop.V2, shop.Order(n+i+1)).Scan(&id)
		if err != nil {
			return nil, fmt.Errorf("read payment: %w", err)
		}
		moves[i] = shop.Completion(id)
	}
	return moves, r.Calm(ctx)
}

// ears hear what becomes of a notify.
type ears struct {
	r       *rig.Round
	inbox   string
	replies *nats.Subscription
	events  jetstream.ConsumeContext
	told    chan time.Time // when an event came
}

func listen(ctx context.Context, r *rig.Round) (*ears, error) {
	e := &ears{r: r, inbox: r.NATS.NewRespInbox(), told: make(chan time.Time, block)}
	var err error
	if e.replies, err = r.NATS.SubscribeSync(e.inbox); err != nil {
		return nil, fmt.Errorf("subscribe to replies: %w", err)
	}
	consumer, err := r.Stream.OrderedConsumer(ctx, r.StreamName(bus.Out), jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{r.Prefix() + events.PaymentCompleted},
	})
	if err != nil {
		return nil, fmt.Errorf("subscribe to events: %w", err)
	}
	e.events, err = consumer.Consume(func(jetstream.Msg) { e.told <- time.Now() })
	return e, err
}

func (e *ears) close() {
	_ = e.replies.Unsubscribe() // the connection ends with the round
	e.events.Stop()
}

// notify publishes a notify and waits for all that comes of it.
func (s *spans) notify(ctx context.Context, e *ears, n shop.Notify) error {
	body, err := n.Received(shop.V2)
	if err != nil {
		return err
	}
	message := &nats.Msg{Subject: e.r.Prefix() + events.NotifyReceived, Header: nats.Header{events.HeaderReply: {e.inbox}}, Data: body}
	began := time.Now()
	stored, err := e.r.Stream.PublishMsgAsync(message)
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	storing := make(chan struct{})
	var took time.Duration
	var failed error
	go func() {
		defer close(storing)
		select {
		case <-stored.Ok():
			took = time.Since(began)
		case failed = <-stored.Err():
		case <-ctx.Done():
			failed = ctx.Err()
		}
	}()
	bound, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, err := e.replies.NextMsgWithContext(bound); err != nil {
		return fmt.Errorf("wait for the reply: %w", err)
	}
	replied := time.Since(began)
	if <-storing; failed != nil {
		return fmt.Errorf("publish: %w", failed)
	}
	told, err := e.event(ctx)
	if err != nil {
		return err
	}
	if err := e.quiet(ctx); err != nil {
		return err
	}
	s.stored, s.replied, s.completed = append(s.stored, took), append(s.replied, replied), append(s.completed, told.Sub(began))
	return nil
}

// quiet waits until the relay has committed that everything is published.
func (e *ears) quiet(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for left := true; left; {
		if err := e.r.DB.QueryRowContext(ctx, "select exists (select from outbox)").Scan(&left); err != nil {
			return fmt.Errorf("wait for the relay: %w", err)
		}
	}
	return nil
}

// patience is more than any notify takes.
const patience = 20 * time.Second

func (e *ears) event(ctx context.Context) (time.Time, error) {
	select {
	case at := <-e.told:
		return at, nil
	case <-time.After(patience):
		return time.Time{}, errors.New("no event came")
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	}
}
