package store

import (
	"context"
	"fmt"

	"settled"
)

// MoveRefund applies a move to the refund's row if it still stands where the move begins:
// the row, the payment's history and the outbox are written by one statement, or none of
// them is. moved is false when the row stands elsewhere.
func (s *Store) MoveRefund(ctx context.Context, m settled.RefundMove) (moved bool, err error) {
	moved, err = s.refundMoves.Do(ctx, m)
	if err != nil {
		return false, fmt.Errorf("move refund %s to %s: %w", m.ID, m.To, translate(err))
	}
	return moved, nil
}

func (s *Store) moveRefunds(ctx context.Context, moves []settled.RefundMove) ([]bool, error) {
	var c columns
	for _, m := range moves {
		c.row(m.ID, string(m.From), string(m.To), timeText(m.DueAt), m.WechatRefundID, timeText(m.RefundedAt), m.Account,
			m.Failure.Code, m.Failure.Message, boolText(m.Held),
			m.Event.ID, m.Event.Type, timeText(m.Event.At), string(m.Event.Data), m.Event.RequestID)
	}
	traces := traceparents(moves, func(m *settled.RefundMove) string { return m.Event.Traceparent })
	var ids []string
	err := retry(ctx, func() error {
		ids = nil
		return s.statements.query(ctx, &ids, `
			with move as (
				select * from unnest((select $1::uuid[]), $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
					$8::text[], $9::text[], $10::boolean[],
					$11::uuid[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[])
				as m(id, from_status, to_status, due_at, wechat_refund_id, refunded_at, account,
					failure_code, failure_message, held,
					event_id, event_type, event_at, event_data, request_id, traceparent)
			), locked as (
				select r.id from refunds r join move m on m.id = r.id
				order by r.id for no key update of r
			), moved as (
				update refunds r set
					status = m.to_status, updated_at = now(),
					due_at = nullif(m.due_at, '')::timestamptz, attempts = 0, trouble = '',
					wechat_refund_id = coalesce(nullif(m.wechat_refund_id, ''), r.wechat_refund_id),
					refunded_at = coalesce(nullif(m.refunded_at, '')::timestamptz, r.refunded_at),
					account = coalesce(nullif(m.account, ''), r.account),
					failure_code = coalesce(nullif(m.failure_code, ''), r.failure_code),
					failure_message = coalesce(nullif(m.failure_message, ''), r.failure_message),
					held = m.held
				from move m join locked l on l.id = m.id
				where r.id = m.id and r.status = m.from_status
				returning r.id, r.payment_id, r.merchant, r.order_id,
					m.event_id, m.event_type, m.event_at, m.event_data, m.request_id, m.traceparent
			), held as (
				select p.id from payments p join moved m on m.payment_id = p.id
				order by p.id for no key update of p
			), counted as (
				update payments p set version = p.version + 1, updated_at = now()
				from held h where p.id = h.id
				returning p.id, p.version
			), told as (
				insert into events (id, payment_id, refund_id, version, type, merchant, order_id, at, data, request_id, traceparent)
				select m.event_id, m.payment_id, m.id, c.version, m.event_type, m.merchant, m.order_id,
					m.event_at::timestamptz, m.event_data::json, m.request_id, nullif(m.traceparent, '')
				from moved m join counted c on c.id = m.payment_id
				returning id, refund_id
			), queued as (
				insert into outbox (event_id) select id from told
			)
			select refund_id from told`, append(c.arguments(), traces)...)
	})
	if err != nil {
		return nil, err
	}
	if len(ids) > 0 {
		s.wake()
	}
	return among(ids, moves, func(m settled.RefundMove) string { return m.ID }), nil
}
