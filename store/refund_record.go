package store

import (
	"context"
	"fmt"

	"settled"
)

// RecordRefund writes a refund as requested, unless its number is there already. Either way
// it returns the refund that the number has. It fails with settled.ErrTooMuch when the
// payment does not have that much left, whatever runs at the same moment.
func (s *Store) RecordRefund(ctx context.Context, r settled.Refund) (settled.RecordedRefund, error) {
	recorded, err := s.refundRecords.Do(ctx, r)
	if err != nil {
		return settled.RecordedRefund{}, fmt.Errorf("record refund %s/%s: %w", r.Merchant, r.RefundID, translate(err))
	}
	return recorded, nil
}

func (s *Store) recordRefunds(ctx context.Context, asked []settled.Refund) ([]settled.RecordedRefund, error) {
	var c columns
	for _, r := range asked {
		c.row(r.ID, r.PaymentID, r.Merchant, r.OrderID, r.RefundID, fenText(r.Amount), fenText(r.Total), r.Currency,
			r.Reason, r.Fingerprint, string(r.Request), timeText(r.DueAt), settled.EventID(settled.EventRefundRecorded, r.ID))
	}
	var made []refundRow
	err := retry(ctx, func() error {
		made = nil
		return s.statements.query(ctx, &made, `
			with asked as (
				select * from unnest((select $1::uuid[]), $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[],
					$8::text[], $9::text[], $10::text[], $11::text[], $12::timestamptz[], $13::uuid[])
				as a(id, payment_id, merchant, order_id, refund_id, amount, total,
					currency, reason, fingerprint, request, due_at, event_id)
			), made as (
				insert into refunds as r (id, payment_id, merchant, order_id, refund_id, amount, total,
					currency, reason, fingerprint, request, due_at)
				select id, payment_id, merchant, order_id, refund_id, amount, total,
					currency, reason, fingerprint, request, due_at
				from asked order by merchant, refund_id
				on conflict (merchant, refund_id) do nothing
				returning `+refundColumns+`
			), held as (
				select p.id from payments p join made r on r.payment_id = p.id
				order by p.id for no key update of p
			), counted as (
				update payments p set version = p.version + 1, updated_at = now()
				from held h where p.id = h.id
				returning p.id, p.version
			), told as (
				insert into events (id, payment_id, refund_id, version, type, merchant, order_id, at, data, private)
				select a.event_id, r.payment_id, r.id, c.version, '`+settled.EventRefundRecorded+`', r.merchant, r.order_id, r.created_at,
					json_build_object('refund_id', r.refund_id, 'amount', r.amount), true
				from made r join asked a on a.id = r.id join counted c on c.id = r.payment_id
			)
			select `+refundColumns+` from made r`, c.arguments()...)
	})
	if err != nil {
		return nil, err
	}
	return s.recordedRefunds(ctx, asked, made)
}

// recordedRefunds pairs what was asked with what was made, and reads the rest.
func (s *Store) recordedRefunds(ctx context.Context, asked []settled.Refund, made []refundRow) ([]settled.RecordedRefund, error) {
	fresh := map[string]settled.Refund{}
	for _, r := range refunds(made) {
		fresh[r.ID] = r
	}
	all := make([]settled.RecordedRefund, len(asked))
	for i, r := range asked {
		if one, ok := fresh[r.ID]; ok {
			all[i] = settled.RecordedRefund{Refund: one, Created: true}
			continue
		}
		known, err := s.Refund(ctx, r.Merchant, r.RefundID)
		if err != nil {
			return nil, err
		}
		all[i] = settled.RecordedRefund{Refund: known}
	}
	return all, nil
}
