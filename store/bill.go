package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/lib/pq"

	"settled"
)

const (
	// billPage is how many rows one statement of a comparison with a bill looks at.
	billPage = 2000
	// billClocks is how far WeChat's clock may be ahead of the database's: a payment is
	// looked for among the completions since that long before its day.
	billClocks = time.Hour
)

// billedPayment is a row of payments as far as a bill tells of it.
type billedPayment struct {
	At            time.Time    `db:"at"`
	ID            string       `db:"id"`
	Meant         bool         `db:"meant"`
	Merchant      string       `db:"merchant"`
	OrderID       string       `db:"order_id"`
	Status        string       `db:"status"`
	Total         int64        `db:"amount_total"`
	Currency      string       `db:"currency"`
	TransactionID string       `db:"transaction_id"`
	PaidAt        sql.NullTime `db:"paid_at"`
}

func (r billedPayment) payment() settled.BilledPayment {
	return settled.BilledPayment{
		Merchant: r.Merchant, OrderID: r.OrderID, Status: settled.Status(r.Status), TransactionID: r.TransactionID, PaidAt: r.PaidAt.Time,
		Amount: settled.Money{Total: settled.Fen(r.Total), Currency: r.Currency},
	}
}

// billedRefund is a row of refunds as far as a bill tells of it.
type billedRefund struct {
	At       time.Time    `db:"at"`
	ID       string       `db:"id"`
	Merchant string       `db:"merchant"`
	RefundID string       `db:"refund_id"`
	OrderID  string       `db:"order_id"`
	Status   string       `db:"status"`
	Amount   int64        `db:"amount"`
	Currency string       `db:"currency"`
	Accepted sql.NullTime `db:"accepted_at"`
}

func (r billedRefund) refund() settled.BilledRefund {
	return settled.BilledRefund{
		Merchant: r.Merchant, RefundID: r.RefundID, OrderID: r.OrderID, Status: settled.RefundStatus(r.Status), CreatedAt: r.At, AcceptedAt: r.Accepted.Time,
		Amount: settled.Money{Total: settled.Fen(r.Amount), Currency: r.Currency},
	}
}

// billedRefunds reads refunds; when WeChat had accepted one is in its history, which is read
// through the index of that refund.
const billedRefunds = `
	select r.created_at as at, r.id, r.merchant, r.refund_id, r.order_id, r.status, r.amount, r.currency, a.accepted_at
	from refunds r left join lateral (
		select min(e.at) as accepted_at from events e
		where e.refund_id = r.id and e.type in ('refund.accepted', 'refund.completed')
	) a on true `

// BilledPayments reads the payments of orders that a bill names, under whichever of the
// merchants' names they stand. What is not there is left out.
func (s *Store) BilledPayments(ctx context.Context, merchants []string, orders []string) ([]settled.BilledPayment, error) {
	var rows []billedPayment
	err := s.db.SelectContext(ctx, &rows, `
		select p.created_at as at, p.id, true as meant, p.merchant, p.order_id, p.status, p.amount_total, p.currency, p.transaction_id, p.paid_at
		from unnest($1::text[]) as m(merchant) cross join unnest($2::text[]) as k(order_id)
		join payments p on p.merchant = m.merchant and p.order_id = k.order_id`,
		pq.Array(merchants), pq.Array(storables(orders)))
	if err != nil {
		return nil, fmt.Errorf("read payments of a bill: %w", translate(err))
	}
	found := make([]settled.BilledPayment, len(rows))
	for i, row := range rows {
		found[i] = row.payment()
	}
	return found, nil
}

// BilledRefunds reads the refunds that a bill names, likewise.
func (s *Store) BilledRefunds(ctx context.Context, merchants []string, refunds []string) ([]settled.BilledRefund, error) {
	var rows []billedRefund
	err := s.db.SelectContext(ctx, &rows, billedRefunds+`
		join (
			select m.merchant, k.refund_id from unnest($1::text[]) as m(merchant) cross join unnest($2::text[]) as k(refund_id)
		) k on r.merchant = k.merchant and r.refund_id = k.refund_id`,
		pq.Array(merchants), pq.Array(storables(refunds)))
	if err != nil {
		return nil, fmt.Errorf("read refunds of a bill: %w", translate(err))
	}
	found := make([]settled.BilledRefund, len(rows))
	for i, row := range rows {
		found[i] = row.refund()
	}
	return found, nil
}

// storables are the texts that PostgreSQL could hold.
func storables(texts []string) []string {
	var able []string
	for _, text := range texts {
		if storable(text) {
			able = append(able, text)
		}
	}
	return able
}

// PaidOn hands over every payment of the merchants that was completed and paid on a day. No
// index was made for the time of a payment, because each costs every move: the completions
// since the day began are gone through by the index of their kind, a page at a time, and the
// payment of each is read by its id.
func (s *Store) PaidOn(ctx context.Context, merchants []string, day settled.BillDay, each func(settled.BilledPayment) error) error {
	at, after := day.Begin().Add(-billClocks), firstID
	for {
		var rows []billedPayment
		err := s.db.SelectContext(ctx, &rows, `
			select e.at, e.id, e.merchant = any($4::text[]) and p.status = 'completed' and p.paid_at >= $5::timestamptz and p.paid_at < $6::timestamptz as meant,
				e.merchant, p.order_id, p.status, p.amount_total, p.currency, p.transaction_id, p.paid_at
			from (
				select at, id, payment_id, merchant from events
				where type = 'payment.completed' and at >= $1::timestamptz and (at, id) > ($1::timestamptz, $2::uuid)
				order by at, id limit $3
			) e cross join lateral (
				select order_id, status, amount_total, currency, transaction_id, paid_at from payments where id = e.payment_id limit 1
			) p order by e.at, e.id`,
			timeText(at), after, billPage, pq.Array(merchants), timeText(day.Begin()), timeText(day.End()))
		if err != nil {
			return fmt.Errorf("read the payments of a day: %w", translate(err))
		}
		for _, row := range rows {
			if !row.Meant {
				continue
			}
			if err := each(row.payment()); err != nil {
				return err
			}
		}
		if len(rows) < billPage {
			return nil
		}
		at, after = rows[len(rows)-1].At, rows[len(rows)-1].ID
	}
}

// RefundedOn hands over every refund of the merchants that was asked for on a day and accepted
// by WeChat, by the index of what is listed, a page at a time.
func (s *Store) RefundedOn(ctx context.Context, merchants []string, day settled.BillDay, each func(settled.BilledRefund) error) error {
	for _, merchant := range merchants {
		for _, status := range []settled.RefundStatus{settled.RefundAccepted, settled.RefundCompleted} {
			if err := s.refundedOn(ctx, merchant, status, day, each); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Store) refundedOn(ctx context.Context, merchant string, status settled.RefundStatus, day settled.BillDay, each func(settled.BilledRefund) error) error {
	at, after := day.Begin(), firstID
	for {
		var rows []billedRefund
		err := s.db.SelectContext(ctx, &rows, billedRefunds+`
			where r.merchant = $4 and r.status = $5 and r.created_at >= $1::timestamptz and r.created_at < $6::timestamptz
				and (r.created_at, r.id) > ($1::timestamptz, $2::uuid)
			order by r.created_at, r.id limit $3`,
			timeText(at), after, billPage, merchant, string(status), timeText(day.End()))
		if err != nil {
			return fmt.Errorf("read the refunds of a day: %w", translate(err))
		}
		for _, row := range rows {
			if err := each(row.refund()); err != nil {
				return err
			}
		}
		if len(rows) < billPage {
			return nil
		}
		at, after = rows[len(rows)-1].At, rows[len(rows)-1].ID
	}
}
