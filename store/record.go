package store

import (
	"context"
	"encoding/json"
	"fmt"

	"settled"
)

// Record writes a payment as requested, with the first row of its history, unless its
// order is there already. Either way it returns the payment that the order has.
func (s *Store) Record(ctx context.Context, p settled.Payment) (settled.Recorded, error) {
	recorded, err := s.records.Do(ctx, p)
	if err != nil {
		return settled.Recorded{}, fmt.Errorf("record payment %s/%s: %w", p.Merchant, p.OrderID, translate(err))
	}
	return recorded, nil
}

func (s *Store) record(ctx context.Context, asked []settled.Payment) ([]settled.Recorded, error) {
	var c columns
	for _, p := range asked {
		metadata, err := json.Marshal(p.Metadata)
		if err != nil {
			return nil, fmt.Errorf("write metadata: %w", err)
		}
		c.row(p.ID, p.Merchant, p.OrderID, string(p.TradeType), fenText(p.Amount.Total), p.Amount.Currency,
			p.Description, p.ClientIP, p.PayerOpenID, p.Attach, string(metadata), timeText(p.ExpiresAt),
			p.Fingerprint, string(p.PrepayRequest), timeText(p.DueAt))
	}
	var made []paymentRow
	err := retry(ctx, func() error {
		made = nil
		return s.statements.query(ctx, &made, `
			with asked as (
				select * from unnest((select $1::uuid[]), $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[],
					$7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[],
					$13::text[], $14::text[], $15::text[])
				as a(id, merchant, order_id, trade_type, amount_total, currency,
					description, client_ip, payer_openid, attach, metadata, expires_at,
					fingerprint, prepay_request, due_at)
			), made as (
				insert into payments as p (id, merchant, order_id, trade_type, amount_total, currency,
					description, client_ip, payer_openid, attach, metadata, expires_at,
					fingerprint, prepay_request, due_at)
				select id, merchant, order_id, trade_type, amount_total, currency,
					description, client_ip, payer_openid, attach, metadata::json, expires_at::timestamptz,
					fingerprint, prepay_request, due_at::timestamptz
				from asked order by merchant, order_id
				on conflict (merchant, order_id) do nothing
				returning `+paymentColumns+`
			), told as (
				insert into events (id, payment_id, version, type, merchant, order_id, at, data, private)
				select p.id, p.id, p.version, '`+settled.EventPaymentRecorded+`', p.merchant, p.order_id, p.created_at,
					json_build_object('expires_at', p.expires_at), true
				from made p
			)
			select `+paymentColumns+` from made p`, c.arguments()...)
	})
	if err != nil {
		return nil, err
	}
	return s.recorded(ctx, asked, made)
}

// recorded pairs what was asked with what was made, and reads the rest: the order was
// there before, or a transaction beside ours made it.
func (s *Store) recorded(ctx context.Context, asked []settled.Payment, made []paymentRow) ([]settled.Recorded, error) {
	fresh, err := payments(made)
	if err != nil {
		return nil, err
	}
	byOrder := map[orderKey]settled.Recorded{}
	for _, p := range fresh {
		byOrder[orderKey{p.Merchant, p.OrderID}] = settled.Recorded{Payment: p, Created: true}
	}
	var others []orderKey
	for _, p := range asked {
		if _, ok := byOrder[orderKey{p.Merchant, p.OrderID}]; !ok {
			others = append(others, orderKey{p.Merchant, p.OrderID})
		}
	}
	if len(others) > 0 {
		found, err := s.paymentsByOrder(ctx, others)
		if err != nil {
			return nil, err
		}
		for i, p := range found {
			if p == nil {
				return nil, fmt.Errorf("%w: order %s was neither made nor found", settled.ErrUnavailable, others[i].orderID)
			}
			byOrder[others[i]] = settled.Recorded{Payment: *p}
		}
	}
	all := make([]settled.Recorded, len(asked))
	for i, p := range asked {
		all[i] = byOrder[orderKey{p.Merchant, p.OrderID}]
	}
	return all, nil
}
