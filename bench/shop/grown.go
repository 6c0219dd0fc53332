package shop

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"sync"
)

// grown is a piece of the finished payments, with the three rows of their history: numbers
// $1 to $2 of $3. Their ids rise with the time at which they were made, as settled's own do;
// they were made through ninety days, of which the last was ten days ago, so that nothing of
// them is to be published again. The even ones are of merchant $4, the odd ones of $5.
const grown = `
with made as (
	insert into payments (id, merchant, order_id, status, version, trade_type, amount_total, currency, description, client_ip,
		payer_openid, attach, metadata, expires_at, fingerprint, prepay_request, prepay_id, client, prepared_at,
		transaction_id, paid_at, bank_type, source, created_at, updated_at)
	select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '70008000' || substr(md5(n::text), 1, 12))::uuid,
		case n % 2 when 0 then $4 else $5 end, 'grown' || lpad(n::text, 12, '0'), 'completed', 3, 'APP', 1000 + n % 9000, 'CNY',
		'One pot of tea', '203.0.113.7', 'oUpF8u' || lpad(n::text, 22, '0'), '', '{"cart":"77"}', at + interval '30 minutes',
		repeat(md5(n::text), 2), $6, 'wx' || md5(n::text),
		json_build_object('appid', 'wxd678efh567hg6787', 'partnerid', '1900007291', 'prepayid', 'wx' || md5(n::text),
			'package', 'Sign=WXPay', 'noncestr', md5(n::text), 'timestamp', '1763961600', 'sign', repeat(md5(n::text), 2)),
		at + interval '1 second', '4200' || lpad(n::text, 24, '0'), at + interval '20 seconds', 'CMC', 'notify', at, at + interval '20 seconds'
	from (select n, now() - interval '100 days' + interval '90 days' * (n::float / $3) as at from generate_series($1::bigint, $2::bigint) n) numbered
	returning id, merchant, order_id, amount_total, client, created_at, prepared_at, paid_at, payer_openid, transaction_id
)
insert into events (id, payment_id, version, type, merchant, order_id, fact, from_status, to_status, at, data, private)
select overlay(id::text placing 'a' || version from 25 for 2)::uuid, id, version, type, merchant, order_id, fact, from_status, to_status,
	case version when 1 then created_at when 2 then prepared_at else paid_at end,
	case version
		when 1 then json_build_object('expires_at', created_at + interval '30 minutes')
		when 2 then json_build_object('payment_id', id, 'merchant', merchant, 'order_id', order_id, 'status', to_status, 'trade_type', 'APP',
			'amount', json_build_object('total', amount_total, 'currency', 'CNY'), 'description', 'One pot of tea', 'client', client)
		else json_build_object('payment_id', id, 'merchant', merchant, 'order_id', order_id, 'status', to_status, 'trade_type', 'APP',
			'amount', json_build_object('total', amount_total, 'currency', 'CNY'), 'description', 'One pot of tea',
			'transaction_id', transaction_id, 'paid_at', paid_at, 'payer', json_build_object('openid', payer_openid),
			'bank_type', 'CMC', 'source', 'notify', 'late', false)
	end, version = 1
from made, (values
	(1, 'payment.recorded', null, null, null),
	(2, 'payment.prepared', 'prepared', 'requested', 'prepared'),
	(3, 'payment.completed', 'paid', 'prepared', 'completed')
) step (version, type, fact, from_status, to_status)`

// piece is how many payments one statement makes.
const piece = 50_000

// Grow lets so many finished payments stand in a schema, half of them of the legacy merchant
// and half of APIv2's. Where they stand already, what has been done beside them is removed.
func Grow(ctx context.Context, db *sql.DB, payments int) error {
	var stand bool
	if err := db.QueryRowContext(ctx, "select to_regclass('grown') is not null").Scan(&stand); err != nil {
		return fmt.Errorf("look for finished payments: %w", err)
	}
	if stand {
		return forget(ctx, db)
	}
	hands := runtime.NumCPU()
	failed := make([]error, hands)
	var growing sync.WaitGroup
	for hand := range hands {
		growing.Go(func() {
			for from := 1 + hand*piece; from <= payments && failed[hand] == nil; from += hands * piece {
				failed[hand] = unguarded(ctx, db, statement{grown, []any{from, min(from+piece-1, payments), payments, V2, Legacy, prepay}})
			}
		})
	}
	growing.Wait()
	if err := errors.Join(failed...); err != nil {
		return fmt.Errorf("make finished payments: %w", err)
	}
	_, err := db.ExecContext(ctx, "create table grown ()") // says that all of them stand
	return err
}

// forget removes what a round has done, and what settled remembers of its streams.
func forget(ctx context.Context, db *sql.DB) error {
	const all = "order_id between 'bench' and 'benci'"
	err := unguarded(ctx, db,
		statement{"set local enable_seqscan = off", nil}, // the others are too many to read
		statement{"delete from events where payment_id in (select id from payments where merchant in ($1, $2) and " + all + ")", []any{V2, Legacy}},
		statement{"delete from payments where merchant in ($1, $2) and " + all, []any{V2, Legacy}},
		statement{"truncate outbox, audit_places, audit_breaks, streams, stream_marks, replays", nil})
	if err != nil {
		return fmt.Errorf("remove what a round has done: %w", err)
	}
	return nil
}

type statement struct {
	text   string
	values []any
}

// unguarded runs statements in one transaction without the triggers: what they do has been
// done before, or is undone as a whole.
func unguarded(ctx context.Context, db *sql.DB, statements ...statement) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if _, err := tx.ExecContext(ctx, "set local session_replication_role = replica"); err != nil {
		return err
	}
	for _, s := range statements {
		if _, err := tx.ExecContext(ctx, s.text, s.values...); err != nil {
			return err
		}
	}
	return tx.Commit()
}
