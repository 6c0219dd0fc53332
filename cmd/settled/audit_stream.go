package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/google/uuid"

	"settled"
	"settled/events"
	"settled/events/bus"
)

// auditLedger is what an audit of the stream asks PostgreSQL.
type auditLedger interface {
	Published(ctx context.Context, eventType string, after settled.EventPlace, most int) (ids [][16]byte, next settled.EventPlace, more bool, err error)
	Unpublished(ctx context.Context, ids [][16]byte) ([]settled.Event, error)
	Committed(ctx context.Context, published []settled.Publication) ([]settled.Committed, error)
}

// auditStream is what it asks JetStream.
type auditStream interface {
	Walk(ctx context.Context, w bus.Walk) iter.Seq2[[]events.Message, error]
	HoldsSince(ctx context.Context, name string) (time.Time, error)
}

// streamAudit compares the stream of events with the database, both ways. PostgreSQL is
// asked first for what the stream must have, and last for what it may have, so that
// nothing that happens meanwhile looks like a break.
type streamAudit struct {
	ledger auditLedger
	stream auditStream
	tell   func(settled.Audited)

	// completed has the first payment.completed of each order for which PostgreSQL has none:
	// there are none in a world that is right, and at most auditWindow in any other.
	completed map[orderName]string
}

// orderName is an order's identity for the shop.
type orderName struct{ merchant, id string }

func (a *streamAudit) run(ctx context.Context) error {
	since, err := a.stream.HoldsSince(ctx, bus.Out)
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
	// auditWindow is how many ids are in memory at once, of 16 bytes each; the map that
	// holds them takes some 8 MB.
	auditWindow = 200_000
	// auditRead is how many of them are read at once.
	auditRead = 5_000
	// auditClocks is how much earlier than its event a message may seem to be stored, by
	// the clock of another machine.
	auditClocks = time.Minute
)

// missing looks for committed events of a type that the stream does not have, window by
// window: the ids of the window, less those that a walk from its first moment meets.
func (a *streamAudit) missing(ctx context.Context, eventType string, since time.Time) error {
	place := settled.EventPlace{At: since}
	for more := true; more; {
		from, window := place.At, map[[16]byte]bool{}
		for more && len(window) < auditWindow {
			var ids [][16]byte
			var err error
			if ids, place, more, err = a.ledger.Published(ctx, eventType, place, auditRead); err != nil {
				return err
			}
			for _, id := range ids {
				window[id] = true
			}
		}
		lookedAt := len(window)
		if err := a.strike(ctx, eventType, from.Add(-auditClocks), window); err != nil {
			return err
		}
		breaks, err := a.notThere(ctx, window)
		if err != nil {
			return err
		}
		a.tell(settled.Audited{Check: settled.CheckPublished, LookedAt: lookedAt, Breaks: breaks})
	}
	return nil
}

// strike takes out of the window what the stream has.
func (a *streamAudit) strike(ctx context.Context, eventType string, from time.Time, window map[[16]byte]bool) error {
	if len(window) == 0 {
		return nil
	}
	for batch, err := range a.stream.Walk(ctx, bus.Walk{Stream: bus.Out, Subject: eventType, Since: from, Headless: true}) {
		if err != nil {
			return err
		}
		for _, m := range batch {
			if id, err := uuid.Parse(m.Value(events.HeaderID)); err == nil {
				delete(window, id)
			}
		}
		if len(window) == 0 {
			break
		}
	}
	return nil
}

// notThere names the events that are left.
func (a *streamAudit) notThere(ctx context.Context, left map[[16]byte]bool) ([]settled.Break, error) {
	var ids [][16]byte
	for id := range left {
		ids = append(ids, id)
	}
	var breaks []settled.Break
	for len(ids) > 0 {
		page := ids[:min(len(ids), auditRead)]
		ids = ids[len(page):]
		lost, err := a.ledger.Unpublished(ctx, page)
		if err != nil {
			return nil, err
		}
		for _, e := range lost {
			breaks = append(breaks, settled.Break{
				Check: settled.CheckPublished, Merchant: e.Merchant, OrderID: e.OrderID,
				Detail: fmt.Sprintf("%s %s is committed, and neither published nor waiting to be", e.Type, e.ID),
			})
		}
	}
	return breaks, nil
}

// strange looks for messages that say what PostgreSQL does not.
func (a *streamAudit) strange(ctx context.Context) error {
	for batch, err := range a.stream.Walk(ctx, bus.Walk{Stream: bus.Out}) {
		if err != nil {
			return err
		}
		published := make([]settled.Publication, len(batch))
		for i, m := range batch {
			published[i] = publication(m)
		}
		known, err := a.ledger.Committed(ctx, published)
		if err != nil {
			return err
		}
		for i, p := range published {
			a.compare(p, known[i])
		}
	}
	return nil
}

// compare holds one message against what PostgreSQL knows.
func (a *streamAudit) compare(p settled.Publication, known settled.Committed) {
	verdict := func(check settled.Check, lookedAt int, detail string) {
		found := settled.Audited{Check: check, LookedAt: lookedAt}
		if detail != "" {
			found.Breaks = []settled.Break{{Check: check, Merchant: p.Merchant, OrderID: p.OrderID, RefundID: p.RefundID, Detail: detail}}
		}
		a.tell(found)
	}
	verdict(settled.CheckPublished, 1, uncommitted(p, known))
	if p.Type == events.PaymentCompleted {
		verdict(settled.CheckToldOnce, 1, a.toldTwice(p, known))
	}
	if p.Type == events.PaymentCompleted || p.Type == events.RefundCompleted {
		verdict(settled.CheckAmounts, 1, otherAmounts(p, known))
	}
}

// uncommitted says what of a message was never committed.
func uncommitted(p settled.Publication, known settled.Committed) string {
	switch {
	case known.Type == "":
		return fmt.Sprintf("%s %q was published, and never committed", p.Type, p.ID)
	case known.Private:
		return fmt.Sprintf("%s %s was published, and belongs to the history alone", p.Type, p.ID)
	case known.Type != p.Type || known.Merchant != p.Merchant || known.OrderID != p.OrderID:
		return fmt.Sprintf("%s %s was published, and is %s of %s %s", p.Type, p.ID, known.Type, known.Merchant, known.OrderID)
	default:
		return ""
	}
}

// toldTwice says that an order was completed under another id too.
func (a *streamAudit) toldTwice(p settled.Publication, known settled.Committed) string {
	order := orderName{p.Merchant, p.OrderID}
	first := cmp.Or(known.Completed, a.completed[order])
	if first == "" && len(a.completed) < auditWindow {
		a.completed[order] = p.ID
	}
	if first != "" && first != p.ID {
		return fmt.Sprintf("%s was published as %q, and is %s", p.Type, p.ID, first)
	}
	return ""
}

// otherAmounts says which amount of a message the row does not have.
func otherAmounts(p settled.Publication, known settled.Committed) string {
	wantAmount, wantTotal := known.Payment.Total, settled.Fen(0)
	if p.Type == events.RefundCompleted {
		wantAmount, wantTotal = known.Refund, known.Payment.Total
	}
	if known.Type == "" || p.Amount == wantAmount && p.Total == wantTotal && p.Currency == known.Payment.Currency {
		return "" // one that was never committed has no row to compare it with
	}
	if p.Type == events.RefundCompleted {
		return fmt.Sprintf("%s tells %d of %d fen %s, and the rows have %d of %d %s",
			p.Type, p.Amount, p.Total, p.Currency, wantAmount, wantTotal, known.Payment.Currency)
	}
	return fmt.Sprintf("%s tells %d fen %s, and the row has %d %s", p.Type, p.Amount, p.Currency, wantAmount, known.Payment.Currency)
}

// publication is a message as its subscribers read it. Who and what it is about stands in
// its body; where that is silent, the headers say it.
func publication(m events.Message) settled.Publication {
	var body struct {
		Merchant string `json:"merchant"`
		OrderID  string `json:"order_id"`
		RefundID string `json:"refund_id"`
		Amount   struct {
			Refund   *int64 `json:"refund"`
			Total    int64  `json:"total"`
			Currency string `json:"currency"`
		} `json:"amount"`
	}
	_ = json.Unmarshal(m.Data, &body) // what can't be read is no news of any payment
	_, merchant, _ := strings.Cut(m.Value(events.HeaderSource), "/")
	p := settled.Publication{
		ID: m.Value(events.HeaderID), Type: m.Subject,
		Merchant: cmp.Or(body.Merchant, merchant), OrderID: cmp.Or(body.OrderID, m.Value(events.HeaderSubject)),
		RefundID: body.RefundID, Amount: settled.Fen(body.Amount.Total), Currency: body.Amount.Currency,
	}
	if body.Amount.Refund != nil {
		p.Amount, p.Total = settled.Fen(*body.Amount.Refund), settled.Fen(body.Amount.Total)
	}
	return p
}
