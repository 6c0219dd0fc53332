package subscribe

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"settled/events"
)

// task is a message in hand.
type task struct {
	jetstream.Msg
	event   Event
	broken  error // why there is no event
	attempt int
	number  uint64 // in the stream
	release func() // lets the ack wait run again
}

// receive reads a message and keeps it alive.
func (r *reader) receive(m jetstream.Msg) *task {
	t := &task{Msg: m, release: r.keepAlive(m)}
	subject := strings.TrimPrefix(m.Subject(), r.cfg.Prefix)
	t.event, t.broken = Read(subject, m.Headers(), m.Data())
	meta, err := m.Metadata()
	if err != nil {
		t.broken = fmt.Errorf("%w: %w", ErrUnreadable, err)
		return t
	}
	t.attempt, t.number = int(meta.NumDelivered), meta.Sequence.Stream //nolint:gosec // deliveries are few
	t.event.Subscriber = r.cfg.Name
	return t
}

// keepAlive tells the server now and then that the message is being worked on.
func (r *reader) keepAlive(m jetstream.Msg) (release func()) {
	ctx, cancel := context.WithCancel(r.working)
	every := r.consumer.CachedInfo().Config.AckWait / 3
	go func() {
		for pause(ctx, every) {
			_ = m.InProgress() // one that gets lost is followed by another
		}
	}()
	return cancel
}

// line is the one that a message waits in: its order's.
func (t *task) line() string {
	header := t.Headers()
	return header.Get(events.HeaderSource) + " " + header.Get(events.HeaderSubject)
}

// work takes a message to its end, or gives it back.
func (r *reader) work(t *task) {
	defer r.dropHands(1)
	defer t.release()
	for ; ; t.attempt++ {
		if r.stopping.Err() != nil {
			r.say(t, "give back", t.Nak)
			return
		}
		err := r.try(t)
		if err == nil {
			return
		}
		wait := r.cfg.Pause(t.attempt)
		r.cfg.Log.WarnContext(r.working, "event not handled", "consumer", r.cfg.Name, "event_id", t.event.ID, "event_type", t.event.Type,
			"attempt", t.attempt, "again_in", wait, "error", err)
		if !r.cfg.Ordered {
			if r.stopping.Err() == nil {
				r.say(t, "ask again for", func() error { return t.NakWithDelay(wait) })
				return
			}
			continue
		}
		pause(r.stopping, wait) // in hand, so that nothing of its order overtakes it
	}
}

// try lets the handler act, and acknowledges what is done or parked. An error means: again.
func (r *reader) try(t *task) error {
	verdict := t.broken
	if verdict == nil {
		t.event.Attempt = t.attempt
		verdict = r.guard(func() error { return r.handler(r.working, t.event) })
	}
	switch {
	case t.broken != nil, IsGivenUp(verdict), verdict != nil && r.cfg.MaxAttempts > 0 && t.attempt >= r.cfg.MaxAttempts:
		return r.park(t, verdict)
	case verdict != nil:
		return verdict
	}
	r.say(t, "acknowledge", func() error {
		ctx, cancel := context.WithTimeout(r.working, reach)
		defer cancel()
		return t.DoubleAck(ctx)
	})
	return nil
}

// park hands over what is not tried again; only when that is done the message is ended.
func (r *reader) park(t *task, reason error) error {
	parked := Parked{
		Subject: strings.TrimPrefix(t.Subject(), r.cfg.Prefix), Header: t.Headers(), Data: t.Data(), Attempt: t.attempt, Reason: reason,
	}
	if err := r.guard(func() error { return r.cfg.Park(r.working, parked) }); err != nil {
		return fmt.Errorf("park: %w", err)
	}
	r.say(t, "terminate", t.Term)
	return nil
}

// guard takes a panic for an error: it is a bug with a message attached.
func (r *reader) guard(do func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			r.cfg.Log.ErrorContext(r.working, "handler panicked", "consumer", r.cfg.Name, "panic", cause, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", cause)
		}
	}()
	return do()
}

// say tells the server what became of a message. What it does not hear brings the message
// back, to a handler that finds its effect done.
func (r *reader) say(t *task, what string, tell func() error) {
	if err := tell(); err != nil && !errors.Is(err, jetstream.ErrMsgAlreadyAckd) {
		r.cfg.Log.WarnContext(r.working, "message not acknowledged", "consumer", r.cfg.Name, "event_id", t.event.ID, "verdict", what, "error", err)
	}
}
