package store

import (
	"context"
	"fmt"

	"github.com/lib/pq"

	"settled"
)

// DueRefunds claims refunds whose time has come. A refund that WeChat has not heard of yet
// waits until those recorded before it for the same payment have been accepted or have
// failed.
func (s *Store) DueRefunds(ctx context.Context, c settled.RefundClaim) ([]settled.Refund, error) {
	var rows []refundRow
	err := retry(ctx, func() error {
		rows = nil
		return s.statements.query(ctx, &rows, `
			with longest as (
				select o.id from unnest($2::text[]) m(merchant) cross join lateral (
					select r.id from refunds r
					where r.status = $1 and r.merchant = m.merchant and r.due_at <= coalesce(nullif($6, '')::timestamptz, now())
						and ($5 = '' or r.id = nullif($5, '')::uuid)
						and ($1 <> 'requested' or not exists (
							select from refunds e
							where e.payment_id = r.payment_id and e.status = 'requested' and (e.created_at, e.id) < (r.created_at, r.id)))
					order by r.due_at limit ($3 + 1) / 2
					for no key update skip locked
				) o
			), latest as (
				select o.id from unnest($2::text[]) m(merchant) cross join lateral (
					select r.id from refunds r
					where r.status = $1 and r.merchant = m.merchant and r.due_at <= coalesce(nullif($6, '')::timestamptz, now())
						and ($5 = '' or r.id = nullif($5, '')::uuid)
						and ($1 <> 'requested' or not exists (
							select from refunds e
							where e.payment_id = r.payment_id and e.status = 'requested' and (e.created_at, e.id) < (r.created_at, r.id)))
					order by r.due_at desc limit $3 / 2
					for no key update skip locked
				) o
			)
			update refunds r set due_at = now() + $4 * interval '1 millisecond', updated_at = now()
			from (select id from longest union select id from latest) due where r.id = due.id
			returning `+refundColumns, string(c.Status), pq.Array(c.Merchants), c.Each, c.Lease.Milliseconds(), c.ID, timeText(c.DueBy))
	})
	if err != nil {
		return nil, fmt.Errorf("claim due %s refunds: %w", c.Status, err)
	}
	return refunds(rows), nil
}

// DelayRefund sets when a refund is looked at again. delayed is false if it has moved
// meanwhile.
func (s *Store) DelayRefund(ctx context.Context, d settled.RefundDelay) (delayed bool, err error) {
	err = retry(ctx, func() error {
		result, err := s.db.ExecContext(ctx, `
			update refunds set due_at = nullif($3, '')::timestamptz, attempts = $4, trouble = $5, updated_at = now()
			where id = $1::uuid and status = $2`, d.ID, string(d.Status), timeText(d.DueAt), d.Attempts, d.Trouble)
		if err != nil {
			return err
		}
		rows, err := result.RowsAffected()
		delayed = rows == 1
		return err
	})
	if err != nil {
		return false, fmt.Errorf("delay refund %s: %w", d.ID, err)
	}
	return delayed, nil
}
