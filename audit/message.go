package audit

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"settled"
	"settled/events"
)

// strange looks for messages that say what PostgreSQL does not.
func (a *comparison) strange(ctx context.Context) error {
	for batch, err := range a.stream.Since(ctx, time.Time{}, "", false) {
		if err != nil {
			return err
		}
		published := make([]settled.Publication, len(batch))
		for i, m := range batch {
			published[i] = publication(m)
		}
		if err := a.compareAll(ctx, published); err != nil {
			return err
		}
	}
	return nil
}

// compareAll holds messages against what PostgreSQL knows.
func (a *comparison) compareAll(ctx context.Context, published []settled.Publication) error {
	known, err := a.ledger.Committed(ctx, published)
	if err != nil {
		return err
	}
	for i, p := range published {
		a.compare(p, known[i])
	}
	return nil
}

// compare holds one message against what PostgreSQL knows.
func (a *comparison) compare(p settled.Publication, known settled.Committed) {
	verdict := func(check settled.Check, lookedAt int, detail string) {
		found := settled.Audited{Check: check, LookedAt: lookedAt}
		if detail != "" {
			found.Breaks = []settled.Break{{
				Check: check, Merchant: p.Merchant, OrderID: p.OrderID, RefundID: p.RefundID, Detail: detail,
				Subject: named(settled.SubjectMessage, p),
			}}
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
func (a *comparison) toldTwice(p settled.Publication, known settled.Committed) string {
	order := orderName{p.Merchant, p.OrderID}
	first := cmp.Or(known.Completed, a.completed[order])
	if first == "" && len(a.completed) < window {
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

// named makes what a check has looked at a subject that can be kept.
func named(kind settled.SubjectKind, what any) settled.AuditSubject {
	name, err := json.Marshal(what)
	if err != nil {
		panic(fmt.Sprintf("write a subject of an audit: %v", err)) // plain texts, numbers and times
	}
	return settled.AuditSubject{Kind: kind, Name: string(name)}
}
