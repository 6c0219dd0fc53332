package crash

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"settled/wechat/simulator"
)

// committed checks that PostgreSQL has what an order system has just been told is taken.
func (w *World) committed(ctx context.Context, o *order, what, said string) error {
	statement := `select status from payments where merchant = $1 and order_id = $2`
	if what == "refund" {
		statement = `select status from refunds where merchant = $1 and order_id = $2`
	}
	status, err := w.status(ctx, statement, o.merchant, o.id)
	if err == nil && status == "" {
		w.saw("order %s: a %s was taken (%s), and PostgreSQL does not have it", o.id, what, said)
	}
	return err
}

// notified checks, the moment that WeChat hears success, that PostgreSQL has what the notify
// told of.
func (w *World) notified(a simulator.NotifyAttempt) {
	if !a.Heard {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if a.OutRefundNo != "" {
		status, err := w.status(ctx, `select status from refunds where merchant = $1 and refund_id = $2`, a.Merchant, a.OutRefundNo)
		if err == nil && status == "" {
			w.saw("refund %s: WeChat has heard success, and PostgreSQL does not have it", a.OutRefundNo)
		}
		return
	}
	status, err := w.status(ctx, `select status from payments where merchant = $1 and order_id = $2`, a.Merchant, a.OutTradeNo)
	if err == nil && status != "completed" {
		w.saw("order %s: WeChat has heard success, and PostgreSQL has it as %q", a.OutTradeNo, status)
	}
}

// status reads one status, "" if there is no row. It is asked again while PostgreSQL is away.
func (w *World) status(ctx context.Context, statement string, of ...any) (status string, err error) {
	for {
		bounded, cancel := context.WithTimeout(ctx, 5*time.Second)
		err = w.db.QueryRowContext(bounded, statement, of...).Scan(&status)
		cancel()
		if err == nil || errors.Is(err, sql.ErrNoRows) {
			return status, nil
		}
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		pause(ctx, 100*time.Millisecond)
	}
}

// awaitWork waits until the workers have got so far that a customer could pay.
func (w *World) awaitWork(ctx context.Context) error {
	return until(ctx, func() bool {
		prepared := false
		err := w.db.QueryRowContext(ctx, `select exists (select from payments where prepared_at is not null)`).Scan(&prepared)
		return err == nil && prepared // before they work there is no table
	})
}
