package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"settled"
	"settled/events"
)

// againMost is how many suspects a look sees to.
const againMost = 100

// suspect counts what was looked at, and keeps the breaks that were found to be looked at
// again: a payment that moved meanwhile is no break.
func (a *Auditor) suspect(ctx context.Context) error {
	var suspects []settled.Suspect
	for _, found := range a.found {
		for _, b := range found.Breaks {
			suspects = append(suspects, suspected(b))
		}
	}
	if err := a.cfg.Ledger.Suspect(ctx, suspects, a.cfg.Again); err != nil {
		return err
	}
	for _, found := range a.found {
		a.cfg.Metrics.AuditLookedAt(found.Check, found.LookedAt)
	}
	a.found = nil
	return nil
}

// suspected names a break. The same break has the same name, whoever finds it and
// whenever: that is what tells it once.
func suspected(b settled.Break) settled.Suspect {
	b.Merchant, b.OrderID, b.RefundID, b.Detail = plain(b.Merchant), plain(b.OrderID), plain(b.RefundID), plain(b.Detail)
	return settled.Suspect{
		ID:    settled.EventID(events.AuditBroken, string(b.Check), b.Merchant, b.OrderID, b.RefundID, b.Detail),
		Break: b,
	}
}

// plain makes what a stranger may have written fit for a table and a log.
func plain(text string) string {
	const most = 500
	text = printable(text)
	return strings.ToValidUTF8(text[:min(len(text), most)], "")
}

// again looks at the suspects whose time has come: one that holds is told, one that does
// not is forgotten.
func (a *Auditor) again(ctx context.Context) error {
	suspects, err := a.cfg.Ledger.Suspects(ctx, againMost)
	if err != nil {
		return err
	}
	var failed []error // one that can't be looked at now holds up no other
	for _, s := range suspects {
		holds, err := a.holds(ctx, s)
		switch {
		case err != nil:
		case holds:
			err = a.tell(ctx, s)
		default:
			err = a.cfg.Ledger.Mended(ctx, s.ID)
		}
		if err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// holds reports whether the very same break is found again.
func (a *Auditor) holds(ctx context.Context, s settled.Suspect) (bool, error) {
	found, err := a.lookAt(ctx, s)
	if err != nil {
		return false, err
	}
	for _, b := range found {
		if suspected(b).ID == s.ID {
			return true, nil
		}
	}
	return false, nil
}

// lookAt audits the subject of a break once more.
func (a *Auditor) lookAt(ctx context.Context, s settled.Suspect) (breaks []settled.Break, err error) {
	switch s.Subject.Kind {
	case settled.SubjectPayment:
		found, err := a.cfg.Ledger.AuditPayments(ctx, []string{s.Subject.Name}, a.cfg.Still)
		return broken(found...), err
	case settled.SubjectQueued:
		found, err := a.cfg.Ledger.AuditOutbox(ctx, a.cfg.Still)
		return broken(found), err
	case settled.SubjectEvent:
		var c settled.Changed
		if err := json.Unmarshal([]byte(s.Subject.Name), &c); err != nil {
			return nil, fmt.Errorf("read a suspected event: %w", err)
		}
		return a.lookFor(ctx, c)
	case settled.SubjectMessage:
		var p settled.Publication
		if err := json.Unmarshal([]byte(s.Subject.Name), &p); err != nil {
			return nil, fmt.Errorf("read a suspected message: %w", err)
		}
		return a.compareAgain(ctx, p)
	case settled.SubjectNotify:
		var n settled.Acknowledged
		if err := json.Unmarshal([]byte(s.Subject.Name), &n); err != nil {
			return nil, fmt.Errorf("read a suspected notify: %w", err)
		}
		return lost(ctx, a.cfg.Ledger, []settled.Acknowledged{n})
	}
	return nil, nil
}

// lookFor looks for an event in the stream. Before the stream was made, or once it has
// grown too old, nobody can say that it is missing.
func (a *Auditor) lookFor(ctx context.Context, c settled.Changed) ([]settled.Break, error) {
	since, err := a.cfg.Stream.HoldsSince(ctx)
	if err != nil || c.At.Before(since) {
		return nil, err
	}
	return a.missing(ctx, []settled.Changed{c})
}

// keptFor is how long a message that should not be there is a break: as long as the
// stream keeps it.
const keptFor = 7 * 24 * time.Hour

func (a *Auditor) compareAgain(ctx context.Context, p settled.Publication) ([]settled.Break, error) {
	var found []settled.Audited
	again := *a.comparison
	again.tell = func(f settled.Audited) { found = append(found, f) }
	err := again.compareAll(ctx, []settled.Publication{p})
	return broken(found...), err
}

func broken(found ...settled.Audited) (breaks []settled.Break) {
	for _, f := range found {
		breaks = append(breaks, f.Breaks...)
	}
	return breaks
}

// tell tells of a break that holds: once as an event, and once in this fleet's logs and
// metrics.
func (a *Auditor) tell(ctx context.Context, s settled.Suspect) error {
	if s.Subject.Kind == settled.SubjectMessage && a.cfg.Now().Sub(s.FoundAt) > keptFor {
		return a.cfg.Ledger.Mended(ctx, s.ID)
	}
	if !s.Told {
		if err := a.tellEvent(ctx, s); err != nil {
			return err
		}
	}
	first, err := a.cfg.Ledger.Holds(ctx, s.ID, a.cfg.Often)
	if err != nil || !first {
		return err
	}
	a.cfg.Metrics.AuditBroke(s.Check)
	a.cfg.Log.ErrorContext(ctx, "audit found a break",
		"check", s.Check, "merchant", s.Merchant, "order_id", s.OrderID, "refund_id", s.RefundID, "detail", s.Detail)
	return nil
}

// tellEvent tells it to everyone who listens. The event belongs to no payment: a history
// that is broken must not grow by it.
func (a *Auditor) tellEvent(ctx context.Context, s settled.Suspect) error {
	data, err := json.Marshal(events.Broken{
		Check: string(s.Check), Merchant: s.Merchant, OrderID: s.OrderID, RefundID: s.RefundID, Detail: s.Detail,
		FoundAt: s.FoundAt.UTC().Format(time.RFC3339),
	})
	if err != nil {
		return errors.Join(errors.New("write a break"), err)
	}
	_, err = a.cfg.Ledger.Tell(ctx, settled.Event{
		ID: s.ID, Type: events.AuditBroken, Merchant: s.Merchant, OrderID: s.OrderID, At: a.cfg.Now(), Data: data,
	})
	return err
}
