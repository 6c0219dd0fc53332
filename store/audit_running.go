package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"settled"
)

// AuditTurn runs look while this process has the auditor's turn, and not at all if
// another one has it. The turn is a transaction: look must not take long.
func (s *Store) AuditTurn(ctx context.Context, look func() error) error {
	if err := s.turn(ctx, "audit", func(*sqlx.Tx) error { return look() }); err != nil {
		return fmt.Errorf("take the auditor's turn: %w", err)
	}
	return nil
}

// AuditPlace reads how far an audit of this name has looked; empty if it never has.
func (s *Store) AuditPlace(ctx context.Context, name string) (place string, err error) {
	err = s.db.GetContext(ctx, &place, `select coalesce((select place from audit_places where name = $1), '')`, name)
	if err != nil {
		return "", fmt.Errorf("read place of audit %s: %w", name, translate(err))
	}
	return place, nil
}

// KeepAuditPlace writes how far an audit of this name has looked.
func (s *Store) KeepAuditPlace(ctx context.Context, name, place string) error {
	_, err := s.db.ExecContext(ctx, `
		insert into audit_places (name, place) values ($1, $2)
		on conflict (name) do update set place = excluded.place where audit_places.place <> excluded.place`, name, place)
	if err != nil {
		return fmt.Errorf("keep place of audit %s: %w", name, translate(err))
	}
	return nil
}

// Changed reads, in the order in which they happened, at most so many events of the
// history that came after a place and before a moment. It walks the index of each type,
// and so needs none of its own. The types are found by leaps through the same index.
func (s *Store) Changed(ctx context.Context, after settled.EventPlace, before time.Time, most int) ([]settled.Changed, error) {
	if after.ID == "" {
		after.ID = firstID
	}
	var rows []struct {
		ID        string    `db:"id"`
		Type      string    `db:"type"`
		PaymentID string    `db:"payment_id"`
		At        time.Time `db:"at"`
		Private   bool      `db:"private"`
		Queued    bool      `db:"queued"`
	}
	err := s.db.SelectContext(ctx, &rows, `
		with recursive types as (
			(select type from events order by type limit 1)
			union all
			select (select e.type from events e where e.type > t.type order by e.type limit 1) from types t where t.type is not null
		), changed as (
			select c.* from types t cross join lateral (
				select e.id, e.type, e.payment_id, e.at, e.private from events e
				where e.type = t.type and e.at >= coalesce(nullif($1, ''), '-infinity')::timestamptz and e.at < $3::timestamptz
					and (e.at, e.id) > (coalesce(nullif($1, ''), '-infinity')::timestamptz, $2::uuid)
				order by e.at, e.id limit $4
			) c
			where t.type is not null
			order by c.at, c.id limit $4
		)
		select c.id, c.type, coalesce(c.payment_id::text, '') as payment_id, c.at, c.private,
			c.id in (select event_id from outbox) as queued
		from changed c order by c.at, c.id`, timeText(after.At), after.ID, timeText(before), most)
	if err != nil {
		return nil, fmt.Errorf("read what has changed: %w", translate(err))
	}
	changed := make([]settled.Changed, len(rows))
	for i, row := range rows {
		changed[i] = settled.Changed(row)
	}
	return changed, nil
}

// PaymentsAfter names the payments that come after one, by id.
func (s *Store) PaymentsAfter(ctx context.Context, id string, most int) (ids []string, err error) {
	if id == "" {
		id = firstID
	}
	err = s.db.SelectContext(ctx, &ids, `select id from payments where id > $1::uuid order by id limit $2`, id, most)
	if err != nil {
		return nil, fmt.Errorf("read payments to audit: %w", translate(err))
	}
	return ids, nil
}

// AuditPayments runs every check that is read off the database alone on some payments and
// their refunds.
func (s *Store) AuditPayments(ctx context.Context, ids []string, still time.Duration) ([]settled.Audited, error) {
	var all []settled.Audited
	for _, a := range audits {
		var page string
		switch a.page {
		case paymentPage:
			page = `select p.id as key, p.* from payments p where p.id = any($1::uuid[]) order by p.id limit $2`
		case refundPage:
			page = `select r.id as key, r.* from refunds r where r.payment_id = any($1::uuid[]) order by r.id limit $2`
		default:
			continue
		}
		found, _, err := s.auditRows(ctx, a, a.of(page), pq.Array(ids), auditMost, still.Seconds())
		if err != nil {
			return nil, fmt.Errorf("audit %s: %w", a.check, translate(err))
		}
		found.Check = a.check
		all = append(all, found)
	}
	return all, nil
}

// auditMost is more refunds than a page of payments has.
const auditMost = 100_000

// AuditOutbox looks at the oldest events that wait to be published.
func (s *Store) AuditOutbox(ctx context.Context, still time.Duration) (settled.Audited, error) {
	for _, a := range audits {
		if a.page == outboxPage {
			found, _, err := s.auditRows(ctx, a, a.statement(), a.first, auditPage, still.Seconds())
			if err != nil {
				return found, fmt.Errorf("audit the outbox: %w", translate(err))
			}
			return found, nil
		}
	}
	return settled.Audited{}, nil
}
