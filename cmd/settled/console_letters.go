package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"settled"
	"settled/console"
	"settled/events/bus"
)

var _ console.Letters = (*consoleLetters)(nil)

const (
	// lettersPatience bounds what a page waits for, lettersMost what it has.
	lettersPatience, lettersMost = 5 * time.Second, 200
	// lettersKnown is among how many of the latest letters those of an order are looked for,
	// lettersOf how many are shown.
	lettersKnown, lettersOf = 1000, 50
	// lettersPause is how long the letters of an order are left alone after they could not be
	// read: a NATS user that may not read them hears nothing, and each page would wait for it.
	lettersPause = 30 * time.Second
)

// latestLetters is what the page needs of the bus.
type latestLetters interface {
	deadLetters
	LatestDead(ctx context.Context, before uint64, most int) (letters []bus.DeadLetter, next uint64, err error)
}

// consoleLetters are the dead letters for the operator's page: what settled dead does, over
// the same code.
type consoleLetters struct {
	letters latestLetters
	find    *finder
	would   func(ctx context.Context, letter bus.DeadLetter) string
	work    deadWork // as it is without by and comment

	turn  chan struct{}             // who has it may look at the rest
	known map[uint64]console.Letter // the latest that were read, by number: none of them changes
	upTo  uint64                    // all up to this one were read
	rest  time.Time                 // until when nobody asks
	fault error                     // why
}

// consoleLetters brings together what the page needs of the dead letters.
func (p *process) consoleLetters() *consoleLetters {
	find := &finder{merchants: p.merchants, ledger: p.store}
	return &consoleLetters{
		letters: p.bus, find: find, would: p.wouldChange,
		turn: make(chan struct{}, 1), known: map[uint64]console.Letter{},
		work: deadWork{letters: p.bus, ledger: p.store, find: find, now: p.store.Now},
	}
}

// Letters lists dead letters, the latest first.
func (c *consoleLetters) Letters(ctx context.Context, before uint64, size int) (letters []console.Letter, next uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, lettersPatience)
	defer cancel()
	read, next, err := c.letters.LatestDead(ctx, before, max(1, min(size, lettersMost)))
	if err != nil {
		return nil, 0, unavailable(err)
	}
	for _, letter := range read {
		letters = append(letters, c.shown(ctx, letter))
	}
	return letters, next, nil
}

// shown is a letter as the page shows it. Whose it is may take PostgreSQL to tell, and is left
// out without.
func (c *consoleLetters) shown(ctx context.Context, letter bus.DeadLetter) console.Letter {
	o := c.find.owner(ctx, letter)
	if o.orderID == "" && o.paymentID != "" {
		if p, known, err := c.find.payment(ctx, o); err == nil && known {
			o.merchant, o.orderID = p.Merchant, p.OrderID
		}
	}
	return console.Letter{
		Sequence: letter.Sequence, Subject: letter.Subject, Merchant: o.merchant, OrderID: o.orderID,
		Reason: letter.Reason, Attempts: letter.Attempts, At: letter.At,
	}
}

// Would says what a replay of the letter would lead to.
func (c *consoleLetters) Would(ctx context.Context, sequence uint64) (console.Letter, string, error) {
	ctx, cancel := context.WithTimeout(ctx, lettersPatience)
	defer cancel()
	letter, err := c.letters.DeadLetter(ctx, sequence)
	if err != nil {
		return console.Letter{}, "", unavailable(err)
	}
	return c.shown(ctx, letter), c.would(ctx, letter), nil
}

// Replay notes who replays the letter, and publishes it again.
func (c *consoleLetters) Replay(ctx context.Context, sequence uint64, by, comment string) error {
	letter, err := c.letters.DeadLetter(ctx, sequence)
	if err != nil {
		return unavailable(err)
	}
	work := c.work
	work.by, work.comment = clean(by, 128), clean(comment, 512)
	return unavailable(work.one(ctx, found{letter, c.find.owner(ctx, letter)}, replaying))
}

// LettersOf lists the dead letters of one order among the latest thousand.
func (c *consoleLetters) LettersOf(ctx context.Context, merchant, orderID string) ([]console.Letter, error) {
	ctx, cancel := context.WithTimeout(ctx, lettersPatience)
	defer cancel()
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return nil, unavailable(ctx.Err())
	}
	if c.work.now().Before(c.rest) {
		return nil, c.fault
	}
	letters, err := c.lettersOf(ctx, merchant, orderID)
	if err != nil {
		c.rest, c.fault = c.work.now().Add(lettersPause), unavailable(err)
		return nil, c.fault
	}
	return letters, nil
}

// lettersOf gives those that are still there.
func (c *consoleLetters) lettersOf(ctx context.Context, merchant, orderID string) ([]console.Letter, error) {
	of, err := c.knownOf(ctx, merchant, orderID)
	if err != nil {
		return nil, err
	}
	var letters []console.Letter
	for _, letter := range of {
		switch _, err := c.letters.DeadLetter(ctx, letter.Sequence); {
		case errors.Is(err, bus.ErrNoLetter):
			delete(c.known, letter.Sequence)
		case err != nil:
			return nil, err
		case len(letters) < lettersOf:
			letters = append(letters, letter)
		}
	}
	return letters, nil
}

// knownOf reads the letters that have come since it was called last, and gives those of the
// order, the latest first. Some of them may be gone by now.
func (c *consoleLetters) knownOf(ctx context.Context, merchant, orderID string) ([]console.Letter, error) {
	highest := c.upTo
	for before, read := uint64(0), 0; read < lettersKnown; {
		letters, next, err := c.letters.LatestDead(ctx, before, 100)
		if err != nil {
			return nil, err
		}
		for _, letter := range letters {
			if letter.Sequence <= c.upTo {
				next = 0
				break
			}
			c.known[letter.Sequence] = c.shown(ctx, letter)
			highest = max(highest, letter.Sequence)
		}
		if read += len(letters); next == 0 {
			break
		}
		before = next
	}
	c.upTo = highest
	of := slices.SortedFunc(maps.Values(c.known), func(a, b console.Letter) int { return cmp.Compare(b.Sequence, a.Sequence) })
	for _, old := range of[min(len(of), lettersKnown):] {
		delete(c.known, old.Sequence)
	}
	return slices.DeleteFunc(of, func(l console.Letter) bool { return l.Merchant != merchant || l.OrderID != orderID }), nil
}

// unavailable puts what went wrong into the words of the page: a letter that is gone, one that
// nobody reads, or a server that does not answer.
func unavailable(err error) error {
	switch {
	case err == nil, errors.Is(err, bus.ErrUnread), errors.Is(err, settled.ErrUnavailable), errors.Is(err, settled.ErrNotFound):
		return err
	case errors.Is(err, bus.ErrNoLetter):
		return fmt.Errorf("%w: %w", settled.ErrNotFound, err)
	default:
		return fmt.Errorf("%w: %w", settled.ErrUnavailable, err)
	}
}
