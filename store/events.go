package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/lib/pq"

	"settled"
)

// Tell writes an event that moves nothing into the history and, unless it is private, the
// outbox. An event whose id is known has been told already: told is false.
func (s *Store) Tell(ctx context.Context, e settled.Event) (told bool, err error) {
	told, err = s.tells.Do(ctx, e)
	if err != nil {
		return false, fmt.Errorf("tell %s of %s/%s: %w", e.Type, e.Merchant, e.OrderID, translate(err))
	}
	return told, nil
}

// tellKey keeps two events of one payment, which take one version each, out of one
// statement.
func tellKey(e settled.Event) string {
	if e.PaymentID != "" {
		return e.PaymentID
	}
	return e.ID
}

func (s *Store) tell(ctx context.Context, events []settled.Event) ([]bool, error) {
	var c columns
	for _, e := range events {
		c.row(e.ID, e.PaymentID, e.Type, stored(e.Merchant), stored(e.OrderID), timeText(e.At), string(e.Data), boolText(e.Private))
	}
	traces := traceparents(events, func(e *settled.Event) string { return e.Traceparent })
	var ids []string
	err := retry(ctx, func() error {
		ids = nil
		return s.statements.query(ctx, &ids, `
			with fresh as (
				select t.event_id, nullif(t.payment_id, '')::uuid as payment_id,
					t.type, t.merchant, t.order_id, t.at, t.data, t.private, t.traceparent
				from unnest((select $1::uuid[]), $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::boolean[], $9::text[])
				as t(event_id, payment_id, type, merchant, order_id, at, data, private, traceparent)
				where not exists (select from events e where e.id = t.event_id)
			), held as (
				select p.id from payments p join fresh f on f.payment_id = p.id
				order by p.id for no key update of p
			), counted as (
				update payments p set version = p.version + 1, updated_at = now()
				from held h where p.id = h.id
				returning p.id, p.version
			), told as (
				insert into events (id, payment_id, version, type, merchant, order_id, at, data, private, traceparent)
				select f.event_id, f.payment_id, c.version, f.type, f.merchant, f.order_id, f.at::timestamptz, f.data::json, f.private,
					nullif(f.traceparent, '')
				from fresh f left join counted c on c.id = f.payment_id
				returning id, private
			), queued as (
				insert into outbox (event_id)
				select id from told where not private
			)
			select id from told`, append(c.arguments(), traces)...)
	})
	if err != nil {
		return nil, err
	}
	s.wake()
	return among(ids, events, func(e settled.Event) string { return e.ID }), nil
}

// Repeat puts an event that was told before into the outbox once more, with the same id.
func (s *Store) Repeat(ctx context.Context, eventID string) error {
	_, err := s.db.ExecContext(ctx, `
		insert into outbox (event_id)
		select id from events e where id = $1::uuid and not exists (select from outbox o where o.event_id = e.id)`, eventID)
	if err != nil {
		return fmt.Errorf("repeat event %s: %w", eventID, translate(err))
	}
	s.wake()
	return nil
}

// Told reports whether an event has been written.
func (s *Store) Told(ctx context.Context, eventID string) (bool, error) {
	var told bool
	err := s.db.GetContext(ctx, &told, `select exists (select from events where id = $1::uuid)`, eventID)
	if err != nil {
		return false, fmt.Errorf("look for event %s: %w", eventID, translate(err))
	}
	return told, nil
}

// happeningColumns are what a row of the history is read with.
const happeningColumns = `e.id, e.payment_id, e.version, e.type, e.merchant, e.order_id,
	e.fact, e.from_status, e.to_status, e.at, e.data, e.private, e.refund_id, e.request_id, e.traceparent`

type happeningRow struct {
	ID         string         `db:"id"`
	PaymentID  sql.NullString `db:"payment_id"`
	Version    sql.NullInt64  `db:"version"`
	Type       string         `db:"type"`
	Merchant   string         `db:"merchant"`
	OrderID    string         `db:"order_id"`
	Fact       sql.NullString `db:"fact"`
	FromStatus sql.NullString `db:"from_status"`
	ToStatus   sql.NullString `db:"to_status"`
	At         sql.NullTime   `db:"at"`
	Data       []byte         `db:"data"`
	Private    bool           `db:"private"`
	RefundID   sql.NullString `db:"refund_id"`
	RequestID  string         `db:"request_id"`
	Trace      sql.NullString `db:"traceparent"`
	Queued     bool           `db:"queued"`
}

func (r happeningRow) happening() settled.Happening {
	return settled.Happening{
		Event: settled.Event{
			ID: r.ID, Type: r.Type, PaymentID: r.PaymentID.String,
			Merchant: r.Merchant, OrderID: r.OrderID, At: r.At.Time, Data: r.Data, Private: r.Private,
			RefundID: r.RefundID.String, RequestID: r.RequestID, Traceparent: r.Trace.String,
		},
		Version: r.Version.Int64, Fact: settled.Fact(r.Fact.String),
		From: settled.Status(r.FromStatus.String), To: settled.Status(r.ToStatus.String), Queued: r.Queued,
	}
}

// History reads everything that happened to a payment, first things first.
func (s *Store) History(ctx context.Context, paymentID string) ([]settled.Happening, error) {
	if _, err := paymentUUID(paymentID); err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	var rows []happeningRow
	err := s.db.SelectContext(ctx, &rows, `
		select `+happeningColumns+`, exists (select from outbox o where o.event_id = e.id) as queued
		from events e where e.payment_id = $1::uuid order by e.version`, paymentID)
	if err != nil {
		return nil, fmt.Errorf("read history of payment %s: %w", paymentID, translate(err))
	}
	return happenings(rows), nil
}

// ToldOfOrder reads the events of these types that tell of an order for which there was no
// payment then, the first things first. The types must be rare ones.
func (s *Store) ToldOfOrder(ctx context.Context, types []string, merchant, orderID string) ([]settled.Happening, error) {
	var rows []happeningRow
	err := s.db.SelectContext(ctx, &rows, `
		select `+happeningColumns+`, exists (select from outbox o where o.event_id = e.id) as queued
		from events e
		where e.type = any($1) and e.merchant = $2 and e.order_id = $3 and e.payment_id is null
		order by e.at, e.id`, pq.Array(types), merchant, orderID)
	if err != nil {
		return nil, fmt.Errorf("read what was told of order %s/%s: %w", merchant, orderID, translate(err))
	}
	return happenings(rows), nil
}

func happenings(rows []happeningRow) []settled.Happening {
	history := make([]settled.Happening, len(rows))
	for i, row := range rows {
		history[i] = row.happening()
	}
	return history
}

// Arrival reads the event with which a payment came to where it stands. It fails with
// settled.ErrNotFound for a payment that has not moved yet.
func (s *Store) Arrival(ctx context.Context, p settled.Payment) (settled.Event, error) {
	var row happeningRow
	err := s.db.GetContext(ctx, &row, `
		select `+happeningColumns+`, false as queued
		from events e where e.payment_id = $1::uuid and e.to_status = $2 order by e.version desc limit 1`,
		p.ID, string(p.Status))
	if err != nil {
		return settled.Event{}, fmt.Errorf("read how payment %s became %s: %w", p.ID, p.Status, translate(err))
	}
	return row.happening().Event, nil
}
