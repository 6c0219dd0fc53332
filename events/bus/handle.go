package bus

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"settled/events"
	"settled/failpoint"
)

// handle takes one message through its handler and does what the verdict says.
func (c *consumption) handle(m jetstream.Msg, handle events.Handler) {
	message, err := c.bus.delivered(m)
	if err != nil {
		c.bus.cfg.Log.ErrorContext(c.working, "message without metadata", "consumer", c.cfg.Name, "error", err)
		return
	}
	if c.stopping.Err() != nil {
		c.say(m, "given back", m.Nak)
		return
	}
	release := c.alive.keep(m)
	verdict := c.try(message, handle)
	for n := 0; events.IsHold(verdict); n++ {
		if n == 0 {
			c.bus.cfg.Log.WarnContext(c.working, "message held", "consumer", c.cfg.Name, "message_id", message.ID, "error", verdict)
		}
		if !c.pause(c.stopping, growing(n, 200*time.Millisecond, 10*time.Second)) {
			release()
			c.say(m, "given back", m.Nak)
			return
		}
		verdict = c.try(message, handle)
	}
	release()
	c.conclude(m, message, verdict)
}

// conclude tells the stream what is to become of the message.
func (c *consumption) conclude(m jetstream.Msg, message events.Message, verdict error) {
	delay, later := events.IsLater(verdict)
	switch {
	case verdict == nil:
		c.say(m, "done", func() error { return c.done(m) })
	case later:
		c.say(m, "later", func() error { return m.NakWithDelay(delay) })
	case events.IsPark(verdict) || message.Attempt >= c.cfg.MaxAttempts:
		c.bury(m, message, verdict)
	default:
		c.bus.cfg.Log.WarnContext(c.working, "message not handled", "consumer", c.cfg.Name, "message_id", message.ID, "attempt", message.Attempt, "error", verdict)
		c.say(m, "again", func() error { return m.NakWithDelay(growing(message.Attempt-1, time.Second, time.Minute)) })
	}
}

// say acknowledges, one way or another, and counts it. An acknowledgement that fails
// brings the message back, to a handler that finds its work done.
func (c *consumption) say(m jetstream.Msg, verdict string, acknowledge func() error) {
	failpoint.At("ack", c.cfg.Name, verdict, "before")
	if err := acknowledge(); err != nil {
		c.bus.cfg.Log.WarnContext(c.working, "message not acknowledged", "consumer", c.cfg.Name, "verdict", verdict, "error", err)
	}
	failpoint.At("ack", c.cfg.Name, verdict, "after")
	c.bus.cfg.Metrics.Handled(c.cfg.Name, verdict)
}

// done acknowledges for good, together with whatever is done at the same moment.
func (c *consumption) done(m jetstream.Msg) error {
	failure, err := c.acks.Do(c.working, m)
	if err == nil {
		err = failure
	}
	return err
}

// acknowledge says that messages are done. The server takes the acknowledgements of a
// consumer in the order in which they come, so that the last one's confirmation is that of
// all. One that got lost all the same brings its message back, to a handler that finds its
// work done.
func (c *consumption) acknowledge(_ context.Context, messages []jetstream.Msg) ([]error, error) {
	failures := make([]error, len(messages))
	last := map[string]int{} // by consumer
	for i, m := range messages {
		meta, err := m.Metadata()
		if failures[i] = err; err != nil {
			continue
		}
		if before, ok := last[meta.Consumer]; ok {
			failures[before] = messages[before].Ack()
		}
		last[meta.Consumer] = i
	}
	for _, i := range last {
		failures[i] = c.confirmed(messages[i].DoubleAck)
	}
	return failures, nil
}

// confirmed repeats an acknowledgement until the server has confirmed it.
func (c *consumption) confirmed(acknowledge func(ctx context.Context) error) error {
	const tries = 4
	var err error
	for range tries {
		ctx, cancel := context.WithTimeout(c.working, time.Second)
		err = acknowledge(ctx)
		cancel()
		if err == nil || errors.Is(err, jetstream.ErrMsgAlreadyAckd) {
			return nil
		}
	}
	return fmt.Errorf("confirm: %w", err)
}

// try runs the handler. A panic is a bug with a message attached: it counts as an error.
func (c *consumption) try(m events.Message, handle events.Handler) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			c.bus.cfg.Log.ErrorContext(c.working, "handler panicked", "consumer", c.cfg.Name, "message_id", m.ID, "panic", cause, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", cause)
		}
	}()
	return handle(c.working, m)
}

// delivered is the message in our words.
func (b *Bus) delivered(m jetstream.Msg) (events.Message, error) {
	meta, err := m.Metadata()
	if err != nil {
		return events.Message{}, err
	}
	return events.Message{
		ID:       meta.Stream + "-" + strconv.FormatUint(meta.Sequence.Stream, 10) + "-" + strconv.FormatInt(meta.Timestamp.UnixNano(), 36),
		Sequence: meta.Sequence.Stream, Subject: b.bare(m.Subject()), Header: m.Headers(), Data: m.Data(),
		At: meta.Timestamp, Attempt: int(meta.NumDelivered), //nolint:gosec // deliveries are few
	}, nil
}

// oneLine makes a reason fit for a header.
func oneLine(reason string) string {
	reason = strings.Join(strings.Fields(reason), " ")
	return strings.ToValidUTF8(reason[:min(len(reason), 512)], "")
}
