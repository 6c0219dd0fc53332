package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/google/uuid"

	"settled"
)

// refundColumns are what a refund is read with, always by name.
const refundColumns = `r.id, r.payment_id, r.merchant, r.order_id, r.refund_id, r.status,
	r.amount, r.total, r.currency, r.reason, r.fingerprint, r.request,
	r.wechat_refund_id, r.refunded_at, r.account, r.failure_code, r.failure_message, r.held,
	r.due_at, r.attempts, r.trouble, r.created_at, r.updated_at`

// refundRow is a row of refunds as PostgreSQL gives it.
type refundRow struct {
	ID        string `db:"id"`
	PaymentID string `db:"payment_id"`
	Merchant  string `db:"merchant"`
	OrderID   string `db:"order_id"`
	RefundID  string `db:"refund_id"`
	Status    string `db:"status"`

	Amount      int64  `db:"amount"`
	Total       int64  `db:"total"`
	Currency    string `db:"currency"`
	Reason      string `db:"reason"`
	Fingerprint string `db:"fingerprint"`
	Request     string `db:"request"`

	WechatRefundID string       `db:"wechat_refund_id"`
	RefundedAt     sql.NullTime `db:"refunded_at"`
	Account        string       `db:"account"`
	FailureCode    string       `db:"failure_code"`
	FailureMessage string       `db:"failure_message"`
	Held           bool         `db:"held"`

	DueAt     sql.NullTime `db:"due_at"`
	Attempts  int          `db:"attempts"`
	Trouble   string       `db:"trouble"`
	CreatedAt time.Time    `db:"created_at"`
	UpdatedAt time.Time    `db:"updated_at"`
}

// refund turns a row into the domain's words.
func (r refundRow) refund() settled.Refund {
	return settled.Refund{
		ID: r.ID, PaymentID: r.PaymentID, Merchant: r.Merchant, OrderID: r.OrderID, RefundID: r.RefundID,
		Amount: settled.Fen(r.Amount), Total: settled.Fen(r.Total), Currency: r.Currency, Reason: r.Reason,
		Fingerprint: r.Fingerprint, Request: []byte(r.Request), Status: settled.RefundStatus(r.Status),
		WechatRefundID: r.WechatRefundID, RefundedAt: r.RefundedAt.Time, Account: r.Account,
		Failure: settled.Failure{Code: r.FailureCode, Message: r.FailureMessage}, Held: r.Held,
		DueAt: r.DueAt.Time, Attempts: r.Attempts, Trouble: r.Trouble, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
}

func refunds(rows []refundRow) []settled.Refund {
	found := make([]settled.Refund, len(rows))
	for i, row := range rows {
		found[i] = row.refund()
	}
	return found
}

// Refund reads a refund by its number. It fails with settled.ErrNotFound.
func (s *Store) Refund(ctx context.Context, merchant, refundID string) (settled.Refund, error) {
	var row refundRow
	err := settled.ErrNotFound
	if storable(merchant) && storable(refundID) {
		err = s.db.GetContext(ctx, &row, `select `+refundColumns+` from refunds r where r.merchant = $1 and r.refund_id = $2`, merchant, refundID)
	}
	if err != nil {
		return settled.Refund{}, fmt.Errorf("read refund %s/%s: %w", merchant, refundID, translate(err))
	}
	return row.refund(), nil
}

// RefundByID reads a refund by our own id. It fails with settled.ErrNotFound.
func (s *Store) RefundByID(ctx context.Context, id string) (settled.Refund, error) {
	if _, err := uuid.Parse(id); err != nil {
		return settled.Refund{}, fmt.Errorf("read refund: %w", settled.ErrNotFound)
	}
	var row refundRow
	if err := s.db.GetContext(ctx, &row, `select `+refundColumns+` from refunds r where r.id = $1::uuid`, id); err != nil {
		return settled.Refund{}, fmt.Errorf("read refund %s: %w", id, translate(err))
	}
	return row.refund(), nil
}

// Refunds reads all refunds of a payment, in the order in which they were recorded.
func (s *Store) Refunds(ctx context.Context, paymentID string) ([]settled.Refund, error) {
	if _, err := paymentUUID(paymentID); err != nil {
		return nil, fmt.Errorf("read refunds: %w", err)
	}
	var rows []refundRow
	err := s.db.SelectContext(ctx, &rows, `
		select `+refundColumns+` from refunds r where r.payment_id = $1::uuid order by r.created_at, r.id`, paymentID)
	if err != nil {
		return nil, fmt.Errorf("read refunds of payment %s: %w", paymentID, translate(err))
	}
	return refunds(rows), nil
}

// RefundNews reads the last event that told of a refund. It fails with
// settled.ErrNotFound for a refund of which nobody has been told yet.
func (s *Store) RefundNews(ctx context.Context, id string) (settled.Event, error) {
	var row happeningRow
	err := s.db.GetContext(ctx, &row, `
		select `+happeningColumns+`, false as queued
		from events e where e.refund_id = $1::uuid and not e.private order by e.version desc limit 1`, id)
	if err != nil {
		return settled.Event{}, fmt.Errorf("read what was told of refund %s: %w", id, translate(err))
	}
	return row.happening().Event, nil
}
