package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"settled"
	"settled/events/bus"
)

// deadWork is the work on dead letters. Whoever makes one says where the letters and the
// ledger are, which letters are meant, and who is at work.
type deadWork struct {
	letters deadLetters
	ledger  deadLedger
	find    *finder
	chosen  chosen
	would   func(ctx context.Context, letter bus.DeadLetter) string

	by, comment string
	now         func() time.Time
	pace        func(ctx context.Context) error // waits for the turn of the next replay
	out         io.Writer                       // a line for each letter
	progress    io.Writer                       // how far it came
	shown       time.Time                       // when progress was written
}

// deadAct is something that is done to a letter.
type deadAct struct {
	eventType string // of its row in the history
	done      string // in a word
}

var (
	replaying = deadAct{deadReplayed, "replayed"}
	dropping  = deadAct{deadDropped, "dropped"}
)

const (
	// actPatience bounds what is done to one letter, well within the two minutes in which
	// the stream drops a repeat.
	actPatience = 15 * time.Second
	// progressEvery is how often progress is told.
	progressEvery = 2 * time.Second
)

// tally is how far the work came.
type tally struct{ done, gone, failed int }

func (t tally) String() string {
	text := fmt.Sprintf("%d done", t.done)
	if t.gone > 0 {
		text += fmt.Sprintf(", %d were gone already", t.gone)
	}
	if t.failed > 0 {
		text += fmt.Sprintf(", %d failed", t.failed)
	}
	return text
}

// act does it to every letter that is meant. Once ctx ends no other letter is begun.
func (w *deadWork) act(ctx context.Context, act deadAct) error {
	var t tally
	w.shown = w.now()
	for letter, err := range w.chosen.all(ctx) {
		if err == nil && act == replaying {
			err = w.pace(ctx)
		}
		if ctx.Err() != nil {
			break
		}
		if err == nil {
			err = w.one(ctx, letter, act)
		}
		if err := w.count(&t, letter, act, err); err != nil {
			return fmt.Errorf("%s: %w; it may be begun again", t, err)
		}
	}
	verb := "settled dead: "
	if ctx.Err() != nil {
		verb += "stopped, what is left may be begun again: "
	}
	fmt.Fprintf(w.progress, "%s%s: %s\n", verb, act.done, t)
	if t.failed > 0 {
		return stands(fmt.Errorf("%d letters were not %s", t.failed, act.done))
	}
	return nil
}

// count says what became of a letter; it fails with what stops all.
func (w *deadWork) count(t *tally, letter found, act deadAct, err error) error {
	asked := len(w.chosen.numbers) > 0
	switch {
	case err == nil:
		t.done++
		fmt.Fprintf(w.out, "%d\t%s\t%s\n", letter.Sequence, act.done, printable(letter.owner.name()))
	case errors.Is(err, bus.ErrNoLetter) && !asked:
		t.gone++
	case errors.Is(err, bus.ErrNoLetter), errors.Is(err, bus.ErrUnread):
		t.failed++
		fmt.Fprintf(w.out, "%d\tnot %s: %s\n", letter.Sequence, act.done, printable(err.Error()))
	default:
		return err
	}
	if now := w.now(); now.Sub(w.shown) >= progressEvery {
		w.shown = now
		fmt.Fprintf(w.progress, "settled dead: %s so far: %s\n", act.done, *t)
	}
	return nil
}

// one reads the letter again, notes what is to be done, and does it: a crash leaves at
// least the note. What is begun is ended, whatever becomes of ctx.
func (w *deadWork) one(ctx context.Context, letter found, act deadAct) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), actPatience)
	defer cancel()
	fresh, err := w.letters.DeadLetter(ctx, letter.Sequence)
	if err != nil {
		return err
	}
	if act == dropping {
		if err := w.note(ctx, found{fresh, letter.owner}, act); err != nil {
			return err
		}
		return w.letters.DropDead(ctx, fresh.Sequence)
	}
	if !replayable(fresh.Subject) {
		return fmt.Errorf("letter %d of %s: %w", fresh.Sequence, fresh.Subject, bus.ErrUnread)
	}
	if err := w.note(ctx, found{fresh, letter.owner}, act); err != nil {
		return err
	}
	return w.letters.ReplayDead(ctx, fresh)
}

// note writes into the payment's history what is about to be done, and by whom. A letter
// of no payment is noted under the order that it names. If the same was noted of the letter
// before, somebody is at it right now, or was stopped between the note and the deed: then
// this is another note, and says so.
func (w *deadWork) note(ctx context.Context, letter found, act deadAct) error {
	p, known, err := w.find.payment(ctx, letter.owner)
	if err != nil {
		return err
	}
	now := w.now()
	e := settled.Event{
		Type: act.eventType, Merchant: clean(letter.owner.merchant, 64), OrderID: clean(letter.owner.orderID, 64), At: now, Private: true,
	}
	if known {
		e.PaymentID, e.Merchant, e.OrderID = p.ID, p.Merchant, p.OrderID
	}
	name := []string{strconv.FormatUint(letter.Sequence, 10), letter.At.UTC().Format(time.RFC3339Nano)}
	note := deadNote{
		By: w.by, Letter: letter.Sequence, Subject: clean(letter.Subject, 128), Reason: clean(letter.Reason, 512),
		At: now.UTC().Format(time.RFC3339Nano), Comment: w.comment,
	}
	for _, note.Again = range []bool{false, true} {
		if note.Again {
			name = append(name, w.by, note.At)
		}
		e.ID = settled.EventID(e.Type, name...)
		if e.Data, err = json.Marshal(note); err != nil {
			return fmt.Errorf("write %s: %w", e.Type, err)
		}
		if told, err := w.ledger.Tell(ctx, e); err != nil || told {
			return err
		}
	}
	return nil
}
