package store

import (
	"context"
	"fmt"

	"settled"
)

// Acknowledged notes that WeChat has taken our delivernotify, with a row of the history.
// The second time it changes nothing and reports false.
func (s *Store) Acknowledged(ctx context.Context, e settled.Event) (bool, error) {
	var ids []string
	err := retry(ctx, func() error {
		ids = nil
		return s.db.SelectContext(ctx, &ids, `
			with p as (
				update payments set acknowledged_at = now(), due_at = null, attempts = 0, trouble = '',
					version = version + 1, updated_at = now()
				where id = $1::uuid and status = 'completed' and acknowledged_at is null
				returning id, version, merchant, order_id
			)
			insert into events (id, payment_id, version, type, merchant, order_id, at, data, private)
			select $2::uuid, p.id, p.version, $3, p.merchant, p.order_id, $4::timestamptz, $5::json, true from p
			returning id`, e.PaymentID, e.ID, e.Type, timeText(e.At), string(e.Data))
	})
	if err != nil {
		return false, fmt.Errorf("note acknowledgement of payment %s: %w", e.PaymentID, err)
	}
	return len(ids) == 1, nil
}

// LearnPayer keeps the payer's openid of a completed payment that was completed without
// one (a query does not tell it), and makes a delivernotify that waits for it due.
func (s *Store) LearnPayer(ctx context.Context, paymentID, openID string) error {
	_, err := s.db.ExecContext(ctx, `
		update payments set payer_openid = $2, updated_at = now(),
			due_at = case when due_at is null then null else now() end
		where id = $1::uuid and status = 'completed' and payer_openid = ''`, paymentID, openID)
	if err != nil {
		return fmt.Errorf("keep payer of payment %s: %w", paymentID, translate(err))
	}
	return nil
}
