package bus

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"

	"settled/events"
)

// ErrNoInbox: replies go to inboxes alone.
var ErrNoInbox = errors.New("a reply goes to an inbox alone")

// Reply tells whoever waits on the subject, over core NATS: sent and forgotten. Whoever
// asks names the subject, and may do less than we: a reply to any other than an inbox would
// lend our permissions to who wants to publish a payment.completed.
func (b *Bus) Reply(subject string, r events.Reply) error {
	if !strings.HasPrefix(subject, nats.InboxPrefix) || strings.ContainsAny(subject, "*> \t\r\n") {
		return ErrNoInbox
	}
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write reply: %w", err)
	}
	if err := b.nc.Publish(subject, data); err != nil {
		return fmt.Errorf("send reply: %w", err)
	}
	return nil
}

// replies is the one inbox of the process: a wildcard subscription, and who waits for
// what.
type replies struct {
	inbox  string
	number atomic.Uint64

	mu      sync.Mutex
	waiting map[string]chan events.Reply
}

func subscribeReplies(nc *nats.Conn) (*replies, error) {
	r := &replies{inbox: nc.NewRespInbox() + ".", waiting: map[string]chan events.Reply{}}
	_, err := nc.Subscribe(r.inbox+"*", r.deliver)
	return r, err
}

// deliver hands a reply to its waiter. A waiter that is slow or gone is not waited for.
func (r *replies) deliver(m *nats.Msg) {
	var reply events.Reply
	if json.Unmarshal(m.Data, &reply) != nil {
		return
	}
	r.mu.Lock()
	waiter := r.waiting[strings.TrimPrefix(m.Subject, r.inbox)]
	r.mu.Unlock()
	select {
	case waiter <- reply:
	default:
	}
}

// Expect returns a subject for the replies to one message, and the channel on which they
// come until cancel is called.
func (b *Bus) Expect() (subject string, waiter <-chan events.Reply, cancel func()) {
	r := b.replies
	id := strconv.FormatUint(r.number.Add(1), 36)
	ch := make(chan events.Reply, 4)
	r.mu.Lock()
	r.waiting[id] = ch
	r.mu.Unlock()
	return r.inbox + id, ch, func() {
		r.mu.Lock()
		delete(r.waiting, id)
		r.mu.Unlock()
	}
}
