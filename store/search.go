package store

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"settled"
)

const (
	// searchMost is how many payments a search finds at most.
	searchMost = 50
	// searchText is the longest number that anybody gives anything, in bytes.
	searchText = 128
)

// Search finds the payments that an order id, payment id, transaction id, refund id or
// WeChat's refund id names exactly, the latest first. An order id is looked for with one
// merchant after the other, jumping from one to the next.
func (s *Store) Search(ctx context.Context, text string) ([]settled.Payment, error) {
	if text == "" || len(text) > searchText || !storable(text) {
		return nil, nil
	}
	ctx, cancel := patient(ctx)
	defer cancel()
	id := "" // of a payment
	if parsed, err := uuid.Parse(text); err == nil {
		id = parsed.String()
	}
	var ids []string
	err := s.db.SelectContext(ctx, &ids, `
		with recursive shops as (
			(select merchant from payments order by merchant limit 1)
			union all
			select n.merchant from shops s cross join lateral (
				select merchant from payments where merchant > s.merchant order by merchant limit 1
			) n
		), payees as (
			(select merchant from refunds order by merchant limit 1)
			union all
			select n.merchant from payees s cross join lateral (
				select merchant from refunds where merchant > s.merchant order by merchant limit 1
			) n
		), named as (
			select p.id from shops s join payments p on p.merchant = s.merchant and p.order_id = $1
			union select id from payments where id = nullif($2, '')::uuid
			union (select id from payments where transaction_id <> '' and transaction_id = $1 limit $3)
			union select r.payment_id from payees s join refunds r on r.merchant = s.merchant and r.refund_id = $1
			union (select payment_id from refunds where wechat_refund_id <> '' and wechat_refund_id = $1 limit $3)
		)
		select p.id from named n join payments p on p.id = n.id order by p.created_at desc, p.id desc limit $3`,
		text, id, searchMost)
	if err != nil {
		return nil, fmt.Errorf("search payments: %w", translate(err))
	}
	found, err := s.paymentsByID(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("search payments: %w", translate(err))
	}
	return found, nil
}
