package shop

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"

	"settled/bench/rig"
	"settled/events/bus"
	"settled/store"
)

// Open makes the round's schema and streams, as settled itself does.
func Open(ctx context.Context, r *rig.Round) (err error) {
	quiet := slog.New(slog.DiscardHandler)
	db, err := store.Open(store.Config{URL: r.Postgres, Log: quiet})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.Migrate(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	streams, err := bus.Connect(ctx, bus.Config{URL: r.Servers.NATS.URL, Prefix: r.Prefix(), Name: "bench", Log: quiet})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, streams.Close(ctx)) }()
	return streams.Ensure(ctx)
}

// Order is the number of the nth order.
func Order(n int) string { return fmt.Sprintf("bench%012d", n) }

// Fen is what the nth order is for.
func Fen(n int) int { return 1000 + n%9000 }

// prepay is a prepay request of APIv3.
const prepay = `{"appid":"wxd678efh567hg6787","mchid":"1900007291","description":"One pot of tea","out_trade_no":"bench000000000000",` +
	`"time_expire":"2026-11-23T12:30:00+08:00","notify_url":"https://pay.example.com/notify/shop3","amount":{"total":1000,"currency":"CNY"}}`

// prepared are the statements by which payments come to stand prepared, with the rows of
// their history, as they would after an order and WeChat's answer. What was told of them
// has been published. Other orders of the merchant may stand beside them.
var prepared = []string{
	`insert into payments (id, merchant, order_id, trade_type, amount_total, currency, description, client_ip,
		payer_openid, attach, metadata, expires_at, fingerprint, prepay_request, due_at)
	select md5($1 || 'payment' || n)::uuid, $1, 'bench' || lpad(n::text, 12, '0'), 'APP', 1000 + n % 9000, 'CNY',
		'One pot of tea', '203.0.113.7', '', '', '{"cart":"77"}', now() + interval '2 hours',
		encode(sha256(($1 || n)::bytea), 'hex'), $3, now() + interval '1 hour'
	from generate_series(1, $2::bigint) n`,
	`insert into events (id, payment_id, version, type, merchant, order_id, at, data, private)
	select md5('recorded' || id)::uuid, id, 1, 'payment.recorded', merchant, order_id, created_at,
		json_build_object('expires_at', expires_at), true
	from payments where merchant = $1 and order_id between 'bench' and 'benci'`,
	`update payments set status = 'prepared', version = 2, prepay_id = 'wx' || md5(id::text), prepared_at = now(),
		client = json_build_object('appid', 'wxd678efh567hg6787', 'partnerid', '1900007291', 'prepayid', 'wx' || md5(id::text),
			'package', 'Sign=WXPay', 'noncestr', md5(order_id), 'timestamp', '1763961600', 'sign', repeat('A', 344))
	where merchant = $1 and order_id between 'bench' and 'benci'`,
	`insert into events (id, payment_id, version, type, merchant, order_id, fact, from_status, to_status, at, data)
	select md5('prepared' || id)::uuid, id, 2, 'payment.prepared', merchant, order_id, 'prepared', 'requested', 'prepared',
		prepared_at, json_build_object('payment_id', id, 'merchant', merchant, 'order_id', order_id, 'status', status,
			'amount', json_build_object('total', amount_total, 'currency', currency), 'prepay_id', prepay_id, 'client', client)
	from payments where merchant = $1 and order_id between 'bench' and 'benci'`,
}

// Prepare makes so many of a merchant's orders stand prepared: Order(1) and those behind it.
func Prepare(ctx context.Context, db *sql.DB, merchant string, orders int) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("prepare payments: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	for i, statement := range prepared {
		values := []any{merchant}
		if i == 0 {
			values = []any{merchant, orders, prepay}
		}
		if _, err := tx.ExecContext(ctx, statement, values...); err != nil {
			return fmt.Errorf("prepare payments: %w", err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("prepare payments: %w", err)
	}
	return nil
}
