package store

import (
	"context"
	"encoding/json"
	"fmt"

	"settled"
)

// Move applies a move to the row if the row still stands where the move begins: the row,
// its history and its outbox are written by one statement, or none of them is. moved is
// false when the row stands elsewhere, or has been renewed to the very same already; the
// caller then reads it again and decides anew.
//
// With settled.ErrUnavailable nobody knows whether it was committed. The caller does the
// same: what was committed is found, and the move leads nowhere the second time.
func (s *Store) Move(ctx context.Context, m settled.Move) (moved bool, err error) {
	moved, err = s.moves.Do(ctx, m)
	if err != nil {
		return false, fmt.Errorf("move payment %s to %s: %w", m.PaymentID, m.To, translate(err))
	}
	return moved, nil
}

func (s *Store) move(ctx context.Context, moves []settled.Move) ([]bool, error) {
	var c columns
	for _, m := range moves {
		client := ""
		if m.Prepared.Client != nil {
			text, err := json.Marshal(m.Prepared.Client)
			if err != nil {
				return nil, fmt.Errorf("write client: %w", err)
			}
			client = string(text)
		}
		c.row(m.PaymentID, string(m.From), string(m.Fact), string(m.To), timeText(m.DueAt),
			m.Prepared.PrepayID, client, m.Prepared.CodeURL, m.Prepared.H5URL,
			m.Paid.TransactionID, timeText(m.Paid.PaidAt), m.Paid.OpenID, m.Paid.BankType,
			string(m.Source), boolText(m.Late), string(m.CloseReason), m.Failure.Code, m.Failure.Message,
			m.Event.ID, m.Event.Type, timeText(m.Event.At), string(m.Event.Data), m.Event.RequestID)
	}
	traces := traceparents(moves, func(m *settled.Move) string { return m.Event.Traceparent })
	var ids []string
	err := retry(ctx, func() error {
		ids = nil
		return s.statements.query(ctx, &ids, `
			with move as (
				select * from unnest((select $1::uuid[]), $2::text[], $3::text[], $4::text[], $5::text[],
					$6::text[], $7::text[], $8::text[], $9::text[],
					$10::text[], $11::text[], $12::text[], $13::text[],
					$14::text[], $15::boolean[], $16::text[], $17::text[], $18::text[],
					$19::uuid[], $20::text[], $21::text[], $22::text[], $23::text[], $24::text[])
				as m(payment_id, from_status, fact, to_status, due_at,
					prepay_id, client, code_url, h5_url,
					transaction_id, paid_at, openid, bank_type,
					source, late, close_reason, failure_code, failure_message,
					event_id, event_type, event_at, event_data, request_id, traceparent)
			), held as (
				select m.* from payments p join move m on m.payment_id = p.id
				order by p.id for no key update of p
			), moved as (
				update payments p set
					status = m.to_status, version = p.version + 1, updated_at = now(),
					due_at = nullif(m.due_at, '')::timestamptz, attempts = 0, trouble = '',
					prepay_id = coalesce(nullif(m.prepay_id, ''), p.prepay_id),
					client = coalesce(nullif(m.client, '')::json, p.client),
					code_url = coalesce(nullif(m.code_url, ''), p.code_url),
					h5_url = coalesce(nullif(m.h5_url, ''), p.h5_url),
					prepared_at = case when m.fact in ('prepared', 'renewed') then now() else p.prepared_at end,
					transaction_id = m.transaction_id,
					paid_at = nullif(m.paid_at, '')::timestamptz,
					payer_openid = coalesce(nullif(m.openid, ''), p.payer_openid),
					bank_type = m.bank_type, source = m.source, late = m.late,
					close_reason = coalesce(nullif(m.close_reason, ''), p.close_reason),
					failure_code = coalesce(nullif(m.failure_code, ''), p.failure_code),
					failure_message = coalesce(nullif(m.failure_message, ''), p.failure_message)
				from held m
				where p.id = m.payment_id and p.status = m.from_status
					and (m.fact <> 'renewed'
						or (p.prepay_id, p.code_url, p.h5_url) is distinct from (m.prepay_id, m.code_url, m.h5_url))
				returning p.id, p.version, p.merchant, p.order_id, m.from_status, m.fact, m.to_status,
					m.event_id, m.event_type, m.event_at, m.event_data, m.request_id, m.traceparent
			), told as (
				insert into events (id, payment_id, version, type, merchant, order_id,
					fact, from_status, to_status, at, data, request_id, traceparent)
				select event_id, id, version, event_type, merchant, order_id,
					fact, from_status, to_status, event_at::timestamptz, event_data::json, request_id, nullif(traceparent, '')
				from moved
				returning id, payment_id
			), queued as (
				insert into outbox (event_id) select id from told
			)
			select payment_id from told`, append(c.arguments(), traces)...)
	})
	if err != nil {
		return nil, err
	}
	if len(ids) > 0 {
		s.wake()
	}
	return among(ids, moves, func(m settled.Move) string { return m.PaymentID }), nil
}
