package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"settled/events"
)

// letterSteps is how many numbers of dead letters are tried one by one before the next
// letter is searched for: those that were dropped leave gaps.
const letterSteps = 8

// LatestDead reads at most so many dead letters with numbers below before, or from the end
// if that is 0, the latest first. next is the before of the letters that follow, 0 if these
// are the last.
func (b *Bus) LatestDead(ctx context.Context, before uint64, most int) (letters []DeadLetter, next uint64, err error) {
	stream, err := b.js.Stream(ctx, b.named(Dead))
	if err != nil {
		return nil, 0, fmt.Errorf("find dead letters: %w", err)
	}
	state := stream.CachedInfo().State
	if before == 0 || before > state.LastSeq {
		before = state.LastSeq + 1
	}
	missed := 0
	for number := before - 1; number >= state.FirstSeq && number > 0 && state.Msgs > 0; number-- {
		if len(letters) == most {
			return letters, number + 1, nil
		}
		if missed == letterSteps {
			if number, err = b.lastUpTo(ctx, stream, state.FirstSeq, number); err != nil || number == 0 {
				return letters, 0, err
			}
			missed = 0
		}
		m, err := stream.GetMsg(ctx, number)
		switch {
		case errors.Is(err, jetstream.ErrMsgNotFound):
			missed++
			continue
		case err != nil:
			return nil, 0, fmt.Errorf("read dead letter %d: %w", number, err)
		}
		missed = 0
		letters = append(letters, letterOf(events.Message{
			Sequence: number, Subject: b.bare(m.Subject), Header: m.Header, At: m.Time, Data: m.Data,
		}))
	}
	return letters, 0, nil
}

// lastUpTo is the highest number of a letter from first to most, 0 if there is none: the
// server tells the next letter from a number on, so half of what is left falls away each time.
func (b *Bus) lastUpTo(ctx context.Context, stream jetstream.Stream, first, most uint64) (found uint64, err error) {
	for low, high := max(first, 1), most; low <= high; {
		middle := low + (high-low)/2
		m, err := stream.GetMsg(ctx, middle, jetstream.WithGetMsgSubject(b.subject(events.DeadPrefix+">")))
		switch {
		case err != nil && !errors.Is(err, jetstream.ErrMsgNotFound):
			return 0, fmt.Errorf("search dead letters: %w", err)
		case err != nil || m.Sequence > high:
			high = middle - 1
		default:
			found, low = m.Sequence, m.Sequence+1
		}
	}
	return found, nil
}
