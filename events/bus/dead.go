package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"settled/events"
)

// DeadLetter is a message that nobody could process.
type DeadLetter struct {
	Sequence uint64 // its number
	Subject  string // that it was published to, without prefix
	At       time.Time
	Reason   string
	Attempts int
	Header   map[string][]string
	Data     []byte
}

// ErrNoLetter: there is no dead letter of that number.
var ErrNoLetter = errors.New("there is no such dead letter")

// bury writes the message to the dead letters, and only then gives it up.
func (c *consumption) bury(m jetstream.Msg, message events.Message, why error) {
	b := c.bus
	header := nats.Header{}
	for name, values := range message.Header {
		header[name] = values
	}
	header.Set(events.HeaderReason, oneLine(why.Error()))
	header.Set(events.HeaderAttempts, strconv.Itoa(message.Attempt))
	if header.Get(events.HeaderMessageID) == "" {
		header.Set(events.HeaderMessageID, message.ID)
	}
	ctx, cancel := context.WithTimeout(c.working, 10*time.Second)
	defer cancel()
	letter := &nats.Msg{Subject: b.subject(events.DeadPrefix + message.Subject), Header: header, Data: message.Data}
	if err := b.publish(ctx, letter); err != nil {
		b.cfg.Log.ErrorContext(c.working, "dead letter not stored", "consumer", c.cfg.Name, "message_id", message.ID, "error", err)
		c.say(m, "again", func() error { return m.NakWithDelay(growing(message.Attempt-1, time.Second, time.Minute)) })
		return
	}
	b.cfg.Log.ErrorContext(c.working, "message became a dead letter", "subject", message.Subject, "message_id", message.ID, "attempts", message.Attempt, "error", why)
	b.cfg.Metrics.Died(message.Subject)
	c.say(m, "dead", func() error { return m.TermWithReason(oneLine(why.Error())) })
}

// DeadLetters reads all dead letters, the oldest first.
func (b *Bus) DeadLetters(ctx context.Context) ([]DeadLetter, error) {
	stream, err := b.js.Stream(ctx, b.named(Dead))
	if err != nil {
		return nil, fmt.Errorf("find dead letters: %w", err)
	}
	state := stream.CachedInfo().State
	var letters []DeadLetter
	for sequence := state.FirstSeq; sequence <= state.LastSeq && state.Msgs > 0; sequence++ {
		letter, err := b.DeadLetter(ctx, sequence)
		if errors.Is(err, ErrNoLetter) {
			continue
		}
		if err != nil {
			return nil, err
		}
		letters = append(letters, letter)
	}
	return letters, nil
}

// DeadLetter reads one. It fails with ErrNoLetter.
func (b *Bus) DeadLetter(ctx context.Context, sequence uint64) (DeadLetter, error) {
	stream, err := b.js.Stream(ctx, b.named(Dead))
	if err != nil {
		return DeadLetter{}, fmt.Errorf("find dead letters: %w", err)
	}
	m, err := stream.GetMsg(ctx, sequence)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return DeadLetter{}, fmt.Errorf("read dead letter %d: %w", sequence, ErrNoLetter)
	}
	if err != nil {
		return DeadLetter{}, fmt.Errorf("read dead letter %d: %w", sequence, err)
	}
	attempts, _ := strconv.Atoi(m.Header.Get(events.HeaderAttempts))
	return DeadLetter{
		Sequence: sequence, Subject: b.bare(m.Subject)[len(events.DeadPrefix):], At: m.Time,
		Reason: m.Header.Get(events.HeaderReason), Attempts: attempts, Header: m.Header, Data: m.Data,
	}, nil
}

// DropDead removes a dead letter for good.
func (b *Bus) DropDead(ctx context.Context, sequence uint64) error {
	stream, err := b.js.Stream(ctx, b.named(Dead))
	if err != nil {
		return fmt.Errorf("find dead letters: %w", err)
	}
	if err := stream.DeleteMsg(ctx, sequence); err != nil {
		return fmt.Errorf("drop dead letter %d: %w", sequence, err)
	}
	return nil
}

// ReplayDead publishes a dead letter to the subject it came from, as a new message, and
// then removes the letter.
func (b *Bus) ReplayDead(ctx context.Context, sequence uint64) error {
	letter, err := b.DeadLetter(ctx, sequence)
	if err != nil {
		return err
	}
	header := nats.Header{}
	for name, values := range letter.Header {
		header[name] = values
	}
	header.Del(events.HeaderReason)
	header.Del(events.HeaderAttempts)
	header.Set(events.HeaderMessageID, fmt.Sprintf("replay-%d-%s", sequence, letter.At.UTC().Format(time.RFC3339Nano)))
	if err := b.publish(ctx, &nats.Msg{Subject: b.subject(letter.Subject), Header: header, Data: letter.Data}); err != nil {
		return fmt.Errorf("replay dead letter %d: %w", sequence, err)
	}
	return b.DropDead(ctx, sequence)
}
