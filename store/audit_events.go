package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"settled"
)

// Published reads, in the order in which they happened, at most so many events of a type
// that came after a place, and gives the ids of those that have left the outbox: the
// stream must have them. next is the place of the last one that was read; more is false
// when there are no others.
func (s *Store) Published(ctx context.Context, eventType string, after settled.EventPlace, most int) (
	ids [][16]byte, next settled.EventPlace, more bool, err error,
) {
	if after.ID == "" {
		after.ID = firstID
	}
	var rows []struct {
		ID     uuid.UUID `db:"id"`
		At     time.Time `db:"at"`
		Queued bool      `db:"queued"`
	}
	err = s.db.SelectContext(ctx, &rows, `
		select e.id, e.at, e.id in (select event_id from outbox) as queued
		from events e
		where e.type = $1::text and (e.at, e.id) > (coalesce(nullif($2, ''), '-infinity')::timestamptz, $3::uuid) and not e.private
		order by e.at, e.id limit $4`, eventType, timeText(after.At), after.ID, most)
	if err != nil {
		return nil, after, false, fmt.Errorf("read published events: %w", translate(err))
	}
	next = after
	for _, row := range rows {
		next = settled.EventPlace{At: row.At, ID: row.ID.String()}
		if !row.Queued {
			ids = append(ids, row.ID)
		}
	}
	return ids, next, len(rows) == most, nil
}

// Unpublished names the orders of events that the stream does not have. One that has come
// into the outbox since it was looked for will be there, and is left out.
func (s *Store) Unpublished(ctx context.Context, ids [][16]byte) ([]settled.Event, error) {
	var c columns
	for _, id := range ids {
		c.row(uuid.UUID(id).String())
	}
	var rows []happeningRow
	err := s.db.SelectContext(ctx, &rows, `
		select `+happeningColumns+`, false as queued
		from unnest($1::uuid[]) as a(id) join events e on e.id = a.id
		where e.id not in (select event_id from outbox)
		order by e.at, e.id`, c.arguments()...)
	if err != nil {
		return nil, fmt.Errorf("read unpublished events: %w", translate(err))
	}
	events := make([]settled.Event, len(rows))
	for i, row := range rows {
		events[i] = row.happening().Event
	}
	return events, nil
}

// Committed tells what is known of what the stream has, in the same order.
func (s *Store) Committed(ctx context.Context, published []settled.Publication) ([]settled.Committed, error) {
	var c columns
	for _, p := range published {
		if _, err := uuid.Parse(p.ID); err != nil {
			p.ID = "" // nothing that is committed has such an id
		}
		if !storable(p.Merchant) || !storable(p.OrderID) {
			p.Merchant, p.OrderID = "", ""
		}
		c.row(p.ID, p.Merchant, p.OrderID)
	}
	if len(published) == 0 {
		return nil, nil
	}
	var rows []struct {
		Type      string `db:"type"`
		Merchant  string `db:"merchant"`
		OrderID   string `db:"order_id"`
		Private   bool   `db:"private"`
		Completed string `db:"completed"`
		Total     int64  `db:"total"`
		Currency  string `db:"currency"`
		Refund    int64  `db:"refund"`
	}
	err := s.db.SelectContext(ctx, &rows, `
		select coalesce(e.type, '') as type, coalesce(e.merchant, '') as merchant, coalesce(e.order_id, '') as order_id,
			coalesce(e.private, false) as private, coalesce(d.id::text, '') as completed,
			coalesce(p.amount_total, 0) as total, coalesce(p.currency, '') as currency, coalesce(r.amount, 0) as refund
		from unnest($1::text[], $2::text[], $3::text[]) with ordinality as a(id, merchant, order_id, place)
		left join events e on e.id = nullif(a.id, '')::uuid
		left join payments p on p.merchant = a.merchant and p.order_id = a.order_id
		left join refunds r on r.id = e.refund_id
		left join lateral (
			select (array_agg(d.id order by d.version) filter (where d.type = 'payment.completed'))[1] as id
			from events d where d.payment_id = p.id
		) d on true
		order by a.place`, c.arguments()...)
	if err != nil {
		return nil, fmt.Errorf("look for published events: %w", translate(err))
	}
	known := make([]settled.Committed, len(rows))
	for i, row := range rows {
		known[i] = settled.Committed{
			Type: row.Type, Merchant: row.Merchant, OrderID: row.OrderID, Private: row.Private, Completed: row.Completed,
			Payment: settled.Money{Total: settled.Fen(row.Total), Currency: row.Currency}, Refund: settled.Fen(row.Refund),
		}
	}
	return known, nil
}
