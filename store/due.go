package store

import (
	"context"
	"fmt"

	"github.com/lib/pq"

	"settled"
)

// Due claims payments whose time has come. Until the lease is over nobody else is given
// them.
func (s *Store) Due(ctx context.Context, c settled.Claim) ([]settled.Payment, error) {
	var rows []paymentRow
	err := retry(ctx, func() error {
		rows = nil
		return s.statements.query(ctx, &rows, `
			with longest as (
				select o.id from unnest($2::text[]) m(merchant) cross join lateral (
					select id from payments
					where status = $1 and merchant = m.merchant and due_at <= now()
					order by due_at limit ($3 + 1) / 2
					for no key update skip locked
				) o
			), latest as (
				select o.id from unnest($2::text[]) m(merchant) cross join lateral (
					select id from payments
					where status = $1 and merchant = m.merchant and due_at <= now()
					order by due_at desc limit $3 / 2
					for no key update skip locked
				) o
			)
			update payments p set due_at = now() + $4 * interval '1 millisecond', updated_at = now()
			from (select id from longest union select id from latest) due where p.id = due.id
			returning `+paymentColumns, string(c.Status), pq.Array(c.Merchants), c.Each, c.Lease.Milliseconds())
	})
	if err != nil {
		return nil, fmt.Errorf("claim due %s payments: %w", c.Status, err)
	}
	return payments(rows)
}

// Delay sets when a payment is looked at again. delayed is false if it has moved meanwhile.
func (s *Store) Delay(ctx context.Context, d settled.Delay) (delayed bool, err error) {
	delayed, err = s.delays.Do(ctx, d)
	if err != nil {
		return false, fmt.Errorf("delay payment %s: %w", d.PaymentID, translate(err))
	}
	return delayed, nil
}

func (s *Store) delay(ctx context.Context, delays []settled.Delay) ([]bool, error) {
	var c columns
	for _, d := range delays {
		c.row(d.PaymentID, string(d.Status), timeText(d.DueAt), fenText(int64(d.Attempts)), d.Trouble)
	}
	var ids []string
	err := retry(ctx, func() error {
		ids = nil
		return s.statements.query(ctx, &ids, `
			with delay as (
				select * from unnest((select $1::uuid[]), $2::text[], $3::text[], $4::integer[], $5::text[])
				as d(payment_id, status, due_at, attempts, trouble)
			), held as (
				select d.* from payments p join delay d on d.payment_id = p.id
				order by p.id for no key update of p
			)
			update payments p set due_at = nullif(d.due_at, '')::timestamptz, attempts = d.attempts,
				trouble = d.trouble, updated_at = now()
			from held d
			where p.id = d.payment_id and p.status = d.status
			returning p.id`, c.arguments()...)
	})
	if err != nil {
		return nil, err
	}
	return among(ids, delays, func(d settled.Delay) string { return d.PaymentID }), nil
}
