package bus

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
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

// Cut reports whether Data is only the beginning of what came.
func (l DeadLetter) Cut() bool { return nats.Header(l.Header).Get(events.HeaderCut) != "" }

// ErrNoLetter: there is no dead letter of that number.
var ErrNoLetter = errors.New("there is no such dead letter")

// ErrUnread: no worker reads the subject of the letter. It is not published again: whoever
// can write to the dead letters would have settled tell in its own name what never happened.
var ErrUnread = errors.New("no worker reads this subject")

// ErrCut: the letter is not what came, but its beginning.
var ErrCut = errors.New("the message was too large for a dead letter, which has only its beginning")

// carried are the headers that a message takes with it into another stream. Those by which
// a client tells JetStream what to do were meant for the stream it came from.
func carried(from map[string][]string) nats.Header {
	header := nats.Header{}
	for name, values := range from {
		if name == events.HeaderMessageID || !strings.HasPrefix(strings.ToLower(name), "nats-") {
			header[name] = values
		}
	}
	return header
}

// bury writes the message to the dead letters, and only then gives it up.
func (c *consumption) bury(m jetstream.Msg, message events.Message, why error) {
	b := c.bus
	header := carried(message.Header)
	header.Del(events.HeaderCut)
	header.Set(events.HeaderReason, oneLine(why.Error()))
	header.Set(events.HeaderAttempts, strconv.Itoa(message.Attempt))
	if header.Get(events.HeaderMessageID) == "" {
		header.Set(events.HeaderMessageID, message.ID)
	}
	ctx, cancel := context.WithTimeout(c.working, 10*time.Second)
	defer cancel()
	letter := &nats.Msg{Subject: b.subject(events.DeadPrefix + message.Subject), Header: header, Data: message.Data}
	cut(letter, int(b.nc.MaxPayload()))
	if err := b.publish(ctx, letter); err != nil {
		b.cfg.Log.ErrorContext(c.working, "dead letter not stored", "consumer", c.cfg.Name, "message_id", message.ID, "error", err)
		c.say(m, "again", func() error { return m.NakWithDelay(growing(message.Attempt-1, time.Second, time.Minute)) })
		return
	}
	b.cfg.Log.ErrorContext(c.working, "message became a dead letter", "subject", message.Subject, "message_id", message.ID, "attempts", message.Attempt, "error", why)
	b.cfg.Metrics.Died(message.Subject)
	c.say(m, "dead", func() error { return m.TermWithReason(oneLine(why.Error())) })
}

// mostHeaders is how many bytes of headers JetStream takes.
const mostHeaders = 1<<16 - 1

// cut makes a letter fit into a message of most bytes: a message of the largest size has no
// room for what the letter says besides. If it is the headers that are too large, ours are
// kept.
func cut(letter *nats.Msg, most int) {
	crowded := headersOf(letter) > mostHeaders
	if letter.Size() <= most && !crowded {
		return
	}
	letter.Header.Set(events.HeaderCut, strconv.Itoa(len(letter.Data)))
	if crowded {
		ours := []string{events.HeaderReason, events.HeaderAttempts, events.HeaderMessageID, events.HeaderCut}
		maps.DeleteFunc(letter.Header, func(name string, _ []string) bool { return !slices.Contains(ours, name) })
	}
	letter.Data = letter.Data[:min(len(letter.Data), most-headersOf(letter))]
}

// headersOf is how many bytes a message has besides its body, its subject among them.
func headersOf(m *nats.Msg) int { return m.Size() - len(m.Data) }

// deadBatch is how many dead letters are in memory at once: a notify may be large.
const deadBatch = 100

// Letters says which dead letters are read.
type Letters struct {
	Subject string    // that they were published to; empty for all, and NATS's wildcards may stand in it
	Since   time.Time // zero for the oldest
}

// DeadLetters reads the dead letters that are there as it begins, the oldest first. Whoever
// takes them may do so slowly, and drop them meanwhile.
func (b *Bus) DeadLetters(ctx context.Context, which Letters) iter.Seq2[DeadLetter, error] {
	return func(yield func(DeadLetter, error) bool) {
		if err := b.deadLetters(ctx, which, func(letter DeadLetter) bool { return yield(letter, nil) }); err != nil {
			yield(DeadLetter{}, fmt.Errorf("read dead letters: %w", err))
		}
	}
}

// deadLetters takes a walk of its own for each batch: the server forgets a walk that rests
// for long.
func (b *Bus) deadLetters(ctx context.Context, which Letters, visit func(DeadLetter) bool) error {
	stream, err := b.js.Stream(ctx, b.named(Dead))
	if err != nil {
		return err
	}
	last := stream.CachedInfo().State.LastSeq
	walk := Walk{Stream: Dead, Since: which.Since, Batch: deadBatch}
	if which.Subject != "" {
		walk.Subject = events.DeadPrefix + which.Subject
	}
	for more := true; more; {
		more = false
		for batch, err := range b.Walk(ctx, walk) {
			if err != nil {
				return err
			}
			for _, m := range until(last, batch) {
				if !visit(letterOf(m)) {
					return nil
				}
				walk.From, more = m.Sequence+1, true
			}
			break
		}
	}
	return nil
}

func letterOf(m events.Message) DeadLetter {
	attempts, _ := strconv.Atoi(m.Value(events.HeaderAttempts))
	return DeadLetter{
		Sequence: m.Sequence, Subject: strings.TrimPrefix(m.Subject, events.DeadPrefix), At: m.At,
		Reason: m.Value(events.HeaderReason), Attempts: attempts, Header: m.Header, Data: m.Data,
	}
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
	return letterOf(events.Message{Sequence: sequence, Subject: b.bare(m.Subject), Header: m.Header, At: m.Time, Data: m.Data}), nil
}

// DropDead removes a dead letter for good. It fails with ErrNoLetter.
func (b *Bus) DropDead(ctx context.Context, sequence uint64) error {
	stream, err := b.js.Stream(ctx, b.named(Dead))
	if err != nil {
		return fmt.Errorf("find dead letters: %w", err)
	}
	err = stream.DeleteMsg(ctx, sequence)
	if err == nil {
		return nil
	}
	if _, gone := b.DeadLetter(ctx, sequence); errors.Is(gone, ErrNoLetter) {
		err = ErrNoLetter
	}
	return fmt.Errorf("drop dead letter %d: %w", sequence, err)
}

// ReplayDead publishes a dead letter that was read just now to the subject it came from, as
// a new message, and then removes the letter. Two who do so at once publish it once: the
// message's id is the letter's, and the stream drops a repeat within two minutes. A crash
// between the two steps leaves the letter, and a later replay publishes it again, to a
// handler that finds its work done. It fails with ErrUnread, ErrCut, ErrFull and, if
// somebody else was faster to remove it, ErrNoLetter.
func (b *Bus) ReplayDead(ctx context.Context, letter DeadLetter) error {
	if !slices.Contains(events.Inputs, letter.Subject) {
		return fmt.Errorf("replay dead letter %d: %w", letter.Sequence, ErrUnread)
	}
	if letter.Cut() {
		return fmt.Errorf("replay dead letter %d: %w", letter.Sequence, ErrCut)
	}
	header := carried(letter.Header)
	for _, name := range []string{events.HeaderReason, events.HeaderAttempts, events.HeaderReply} { // nobody waits any more
		header.Del(name)
	}
	header.Set(events.HeaderMessageID, fmt.Sprintf("replay-%d-%s", letter.Sequence, letter.At.UTC().Format(time.RFC3339Nano)))
	if err := b.publish(ctx, &nats.Msg{Subject: b.subject(letter.Subject), Header: header, Data: letter.Data}); err != nil {
		return fmt.Errorf("replay dead letter %d: %w", letter.Sequence, err)
	}
	return b.DropDead(ctx, letter.Sequence)
}
