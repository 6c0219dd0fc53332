package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"settled"
	"settled/events"
)

// The names under which it is kept how far each part has looked, and until when all rest.
const (
	placeChanged   = "changed"
	placePublished = "published"
	placeRest      = "rest"
	placeRound     = "round"
	placeStream    = "stream"
)

// roundShare is the part of a page that the round over everything takes.
const roundShare = 2

// recall reads how far a part has looked.
func (a *Auditor) recall(ctx context.Context, name string, place any) error {
	text, err := a.cfg.Ledger.AuditPlace(ctx, name)
	if err != nil || text == "" {
		return err
	}
	if err := json.Unmarshal([]byte(text), place); err != nil {
		return fmt.Errorf("read place %s: %w", name, err)
	}
	return nil
}

// keep writes down what was found, and then how far the part has looked: a crash between
// the two looks at the page once more.
func (a *Auditor) keep(ctx context.Context, name string, place any) error {
	if err := a.suspect(ctx); err != nil {
		return err
	}
	text, err := json.Marshal(place)
	if err != nil {
		return fmt.Errorf("write place %s: %w", name, err)
	}
	return a.cfg.Ledger.KeepAuditPlace(ctx, name, string(text))
}

// begin is where an auditor that has never looked begins: what happened before is for the
// round.
func (a *Auditor) begin() time.Time { return a.cfg.Now().Add(-a.cfg.Behind) }

// changed audits the payments that have changed.
func (a *Auditor) changed(ctx context.Context) error {
	place := settled.EventPlace{At: a.begin()}
	if err := a.recall(ctx, placeChanged, &place); err != nil {
		return err
	}
	changed, err := a.cfg.Ledger.Changed(ctx, place, a.begin(), a.cfg.Page)
	if err != nil {
		return err
	}
	a.behind = a.behind || len(changed) == a.cfg.Page
	once, ids := map[string]bool{"": true}, []string(nil)
	for _, c := range changed {
		place = settled.EventPlace{At: c.At, ID: c.ID}
		if !once[c.PaymentID] {
			once[c.PaymentID] = true
			ids = append(ids, c.PaymentID)
		}
	}
	if err := a.payments(ctx, ids); err != nil {
		return err
	}
	return a.keep(ctx, placeChanged, place)
}

func (a *Auditor) payments(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	found, err := a.cfg.Ledger.AuditPayments(ctx, ids, a.cfg.Still)
	a.found = append(a.found, found...)
	return err
}

func (a *Auditor) outbox(ctx context.Context) error {
	found, err := a.cfg.Ledger.AuditOutbox(ctx, a.cfg.Still)
	if err != nil {
		return err
	}
	a.found = append(a.found, found)
	return a.suspect(ctx)
}

// roundPlace is how far the round has come.
type roundPlace struct {
	PaymentID string
	Began     time.Time
}

// round audits the next payments by id, and begins anew after the last: what was broken
// beneath settled is found, too.
func (a *Auditor) round(ctx context.Context) error {
	began := a.cfg.Now()
	if since := began.Sub(a.rounded); since >= 0 && since < a.cfg.Every { // a clock that is set back delays nothing
		return nil
	}
	a.rounded = began
	place := roundPlace{Began: began}
	if err := a.recall(ctx, placeRound, &place); err != nil {
		return err
	}
	most := max(a.cfg.Page/roundShare, 1)
	ids, err := a.cfg.Ledger.PaymentsAfter(ctx, place.PaymentID, most)
	if err != nil {
		return err
	}
	if err := a.payments(ctx, ids); err != nil {
		return err
	}
	if len(ids) == most {
		place.PaymentID = ids[len(ids)-1]
		return a.keep(ctx, placeRound, place)
	}
	now := a.cfg.Now()
	if err := a.keep(ctx, placeRound, roundPlace{Began: now}); err != nil {
		return err
	}
	a.cfg.Metrics.AuditRound(now, now.Sub(place.Began))
	return nil
}

// follow holds what was published since the last look against what is committed.
func (a *Auditor) follow(ctx context.Context) error {
	var place events.StreamPlace
	if err := a.recall(ctx, placeStream, &place); err != nil {
		return err
	}
	batch, next, err := a.cfg.Stream.Follow(ctx, place, a.cfg.Page)
	if err != nil {
		return err
	}
	a.behind = a.behind || len(batch) == a.cfg.Page
	if !next.Created.Equal(place.Created) {
		a.seen.forget()
	}
	said := make([]settled.Publication, len(batch))
	for i, m := range batch {
		said[i] = publication(m)
		a.seen.add(said[i].ID)
	}
	if err := a.comparison.compareAll(ctx, said); err != nil {
		return err
	}
	return a.keep(ctx, placeStream, next)
}
