package order

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"settled/events"
)

// Config says how a Client asks.
type Config struct {
	// Prefix is settled's nats.prefix.
	Prefix string
	// Again is how long the client waits for an answer before it asks again; twice that the
	// next time, and so on up to half a minute. Default: 2 s.
	Again time.Duration
}

// longest bounds the pause between two times that the same is asked.
const longest = 30 * time.Second

// Client asks settled for payments and refunds. Its methods may be called from many
// goroutines; one client is enough for a process.
type Client struct {
	cfg     Config
	js      jetstream.JetStream
	inbox   string
	answers *nats.Subscription
	number  atomic.Uint64

	mu      sync.Mutex
	waiting map[string]chan events.Reply
}

// New returns a client on a connection of the caller's. The connection's inbox prefix, if
// it has one, must begin with _INBOX: settled answers nowhere else.
func New(nc *nats.Conn, cfg Config) (*Client, error) {
	if cfg.Again == 0 {
		cfg.Again = 2 * time.Second
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("new order client: %w", err)
	}
	c := &Client{cfg: cfg, js: js, inbox: nc.NewRespInbox() + ".", waiting: map[string]chan events.Reply{}}
	if !strings.HasPrefix(c.inbox, nats.InboxPrefix) {
		return nil, fmt.Errorf("new order client: settled answers under %s alone, not under %s", nats.InboxPrefix, c.inbox)
	}
	if c.answers, err = nc.Subscribe(c.inbox+"*", c.hear); err != nil {
		return nil, fmt.Errorf("new order client: %w", err)
	}
	return c, nil
}

// Close ends the client, and not the connection.
func (c *Client) Close() error { return c.answers.Unsubscribe() }

// Pay asks for a payment and waits for what the customer pays with. It fails with a
// RejectedError, a FailedError, ErrConflict, ErrPaid, ErrClosed, or ErrUnanswered when ctx
// ends; without a deadline it waits for as long as WeChat is away.
func (c *Client) Pay(ctx context.Context, request events.PaymentRequest) (events.Prepared, error) {
	var prepared events.Prepared
	err := c.ask(ctx, events.PaymentRequested, request, func(reply events.Reply) (bool, error) {
		switch reply.Kind {
		case events.PaymentPrepared:
			return true, json.Unmarshal(reply.Data, &prepared)
		case events.PaymentRejected:
			return true, body(reply, func(b events.Rejected) error { return &RejectedError{b} })
		case events.PaymentFailed:
			return true, body(reply, func(b events.Failed) error { return &FailedError{b} })
		case events.PaymentCompleted:
			return true, ErrPaid
		case events.PaymentClosed:
			return true, ErrClosed
		}
		return false, nil // recorded: the answer is on its way
	})
	if err != nil {
		return events.Prepared{}, fmt.Errorf("pay %s/%s: %w", request.Merchant, request.OrderID, err)
	}
	return prepared, nil
}

// Refund asks for a refund and waits until WeChat works on it or has ended it: the Status
// of what it returns is accepted or completed. It fails with a RefundError, ErrConflict, or
// ErrUnanswered when ctx ends. Repeat it with the refund_id that it had: another one
// refunds again.
func (c *Client) Refund(ctx context.Context, request events.RefundRequest) (events.AcceptedRefund, error) {
	var accepted events.AcceptedRefund
	err := c.ask(ctx, events.RefundRequested, request, func(reply events.Reply) (bool, error) {
		switch reply.Kind {
		case events.RefundAccepted, events.RefundCompleted:
			return true, json.Unmarshal(reply.Data, &accepted)
		case events.RefundFailed, events.RefundRejected:
			return true, body(reply, func(b events.FailedRefund) error { return &RefundError{b} })
		}
		return false, nil
	})
	if err != nil {
		return events.AcceptedRefund{}, fmt.Errorf("refund %s of %s/%s: %w", request.RefundID, request.Merchant, request.OrderID, err)
	}
	return accepted, nil
}

// Returned says that the customer of an order came back from paying, so that WeChat is
// asked at once. It is a hint: whether it was paid is told by payment.completed.
func (c *Client) Returned(ctx context.Context, merchant, orderID string) error {
	data, err := json.Marshal(events.Return{Merchant: merchant, OrderID: orderID})
	if err == nil {
		_, err = c.js.Publish(ctx, c.cfg.Prefix+events.PaymentReturned, data)
	}
	if err != nil {
		return fmt.Errorf("say that the customer of %s/%s is back: %w", merchant, orderID, err)
	}
	return nil
}

// ask publishes a request, and again when nothing is heard, until judge says that a reply
// is the answer. Requests carry no message id: the stream has to take a repeat too, because
// its reply may be the one that is heard.
func (c *Client) ask(ctx context.Context, subject string, request any, judge func(events.Reply) (bool, error)) error {
	data, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("write request: %w", err)
	}
	to, replies, done := c.expect()
	defer done()
	m := &nats.Msg{Subject: c.cfg.Prefix + subject, Header: nats.Header{events.HeaderReply: {to}}, Data: data}
	for wait := c.cfg.Again; ; wait = min(2*wait, longest) {
		answered, err := c.try(ctx, wait, m, replies, judge)
		if answered {
			return err
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%w: %w", ErrUnanswered, errors.Join(ctx.Err(), err))
		}
	}
}

// try asks once. It returns when a reply is the answer, or the wait is over, which bounds
// the publishing too: the stream's word may get lost as well. An error without an answer
// says what is in the way.
func (c *Client) try(ctx context.Context, wait time.Duration, m *nats.Msg, replies <-chan events.Reply, judge func(events.Reply) (bool, error)) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	_, trouble := c.js.PublishMsg(ctx, m)
	if trouble != nil {
		trouble = fmt.Errorf("publish: %w", trouble)
	}
	for {
		select {
		case reply := <-replies:
			if answered, err := judge(reply); answered {
				return true, err
			}
		case <-ctx.Done():
			return false, trouble
		}
	}
}

// body makes an error of the body of a reply.
func body[Body any](reply events.Reply, made func(Body) error) error {
	var b Body
	if err := json.Unmarshal(reply.Data, &b); err != nil {
		return fmt.Errorf("read %s: %w", reply.Kind, err)
	}
	return made(b)
}

// expect returns a subject for the replies to one request, and where they come until done
// is called.
func (c *Client) expect() (subject string, replies <-chan events.Reply, done func()) {
	id := strconv.FormatUint(c.number.Add(1), 36)
	waiter := make(chan events.Reply, 8)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting[id] = waiter
	return c.inbox + id, waiter, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.waiting, id)
	}
}

// hear hands a reply to who waits for it. Who is slow or gone is not waited for.
func (c *Client) hear(m *nats.Msg) {
	var reply events.Reply
	if json.Unmarshal(m.Data, &reply) != nil {
		return
	}
	c.mu.Lock()
	waiter := c.waiting[strings.TrimPrefix(m.Subject, c.inbox)]
	c.mu.Unlock()
	select {
	case waiter <- reply:
	default:
	}
}
