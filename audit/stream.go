package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"settled"
	"settled/events"
)

// comparison compares the stream of events with the database, both ways. PostgreSQL is
// asked first for what the stream must have, and last for what it may have, so that
// nothing that happens meanwhile looks like a break.
type comparison struct {
	ledger Ledger
	stream Stream
	tell   func(settled.Audited)

	// completed has the first payment.completed of each order for which PostgreSQL has none:
	// there are none in a world that is right, and at most window in any other.
	completed map[orderName]string
}

// orderName is an order's identity for the shop.
type orderName struct{ merchant, id string }

func (a *comparison) run(ctx context.Context) error {
	since, err := a.stream.HoldsSince(ctx)
	if err != nil {
		return err
	}
	for _, eventType := range events.Outputs {
		if err := a.missing(ctx, eventType, since); err != nil {
			return err
		}
	}
	return a.strange(ctx)
}

const (
	// window is how many ids are in memory at once, of 16 bytes each; the map that
	// holds them takes some 8 MB.
	window = 200_000
	// readMost is how many of them are read at once.
	readMost = 5_000
	// clocks is how much earlier than its event a message may seem to be stored, by
	// the clock of another machine.
	clocks = time.Minute
)

// missing looks for committed events of a type that the stream does not have, window by
// window: the ids of the window, less those that a walk from its first moment meets.
func (a *comparison) missing(ctx context.Context, eventType string, since time.Time) error {
	place := settled.EventPlace{At: since}
	for more := true; more; {
		from, missed := place.At, map[[16]byte]bool{}
		for more && len(missed) < window {
			var ids [][16]byte
			var err error
			if ids, place, more, err = a.ledger.Published(ctx, eventType, place, readMost); err != nil {
				return err
			}
			for _, id := range ids {
				missed[id] = true
			}
		}
		lookedAt := len(missed)
		if err := a.strike(ctx, eventType, from.Add(-clocks), missed); err != nil {
			return err
		}
		breaks, err := a.notThere(ctx, missed)
		if err != nil {
			return err
		}
		a.tell(settled.Audited{Check: settled.CheckPublished, LookedAt: lookedAt, Breaks: breaks})
	}
	return nil
}

// strike takes out of what is missed what the stream has.
func (a *comparison) strike(ctx context.Context, eventType string, from time.Time, missed map[[16]byte]bool) error {
	if len(missed) == 0 {
		return nil
	}
	for batch, err := range a.stream.Since(ctx, from, eventType, true) {
		if err != nil {
			return err
		}
		for _, m := range batch {
			if id, err := uuid.Parse(m.Value(events.HeaderID)); err == nil {
				delete(missed, id)
			}
		}
		if len(missed) == 0 {
			break
		}
	}
	return nil
}

// notThere names the events that are left.
func (a *comparison) notThere(ctx context.Context, left map[[16]byte]bool) ([]settled.Break, error) {
	var ids [][16]byte
	for id := range left {
		ids = append(ids, id)
	}
	var breaks []settled.Break
	for len(ids) > 0 {
		page := ids[:min(len(ids), readMost)]
		ids = ids[len(page):]
		lost, err := a.ledger.Unpublished(ctx, page)
		if err != nil {
			return nil, err
		}
		for _, e := range lost {
			breaks = append(breaks, settled.Break{
				Check: settled.CheckPublished, Merchant: e.Merchant, OrderID: e.OrderID,
				Detail:  fmt.Sprintf("%s %s is committed, and neither published nor waiting to be", e.Type, e.ID),
				Subject: named(settled.SubjectEvent, settled.Changed{ID: e.ID, Type: e.Type, At: e.At}),
			})
		}
	}
	return breaks, nil
}
