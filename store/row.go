package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"settled"
)

// paymentColumns are what a row is read with, always by name.
const paymentColumns = `p.id, p.merchant, p.order_id, p.status, p.version,
	p.trade_type, p.amount_total, p.currency, p.description, p.client_ip, p.payer_openid, p.attach, p.metadata,
	p.expires_at, p.fingerprint, p.prepay_request, p.prepay_id, p.client, p.code_url, p.h5_url, p.prepared_at,
	p.transaction_id, p.paid_at, p.bank_type, p.source, p.late, p.close_reason, p.failure_code, p.failure_message,
	p.due_at, p.attempts, p.trouble, p.acknowledged_at, p.refunding, p.close_asked, p.created_at, p.updated_at`

// paymentRow is a row of payments as PostgreSQL gives it.
type paymentRow struct {
	ID       string `db:"id"`
	Merchant string `db:"merchant"`
	OrderID  string `db:"order_id"`
	Status   string `db:"status"`
	Version  int64  `db:"version"`

	TradeType     string    `db:"trade_type"`
	AmountTotal   int64     `db:"amount_total"`
	Currency      string    `db:"currency"`
	Description   string    `db:"description"`
	ClientIP      string    `db:"client_ip"`
	PayerOpenID   string    `db:"payer_openid"`
	Attach        string    `db:"attach"`
	Metadata      []byte    `db:"metadata"`
	ExpiresAt     time.Time `db:"expires_at"`
	Fingerprint   string    `db:"fingerprint"`
	PrepayRequest string    `db:"prepay_request"`

	PrepayID   string       `db:"prepay_id"`
	Client     []byte       `db:"client"`
	CodeURL    string       `db:"code_url"`
	H5URL      string       `db:"h5_url"`
	PreparedAt sql.NullTime `db:"prepared_at"`

	TransactionID string       `db:"transaction_id"`
	PaidAt        sql.NullTime `db:"paid_at"`
	BankType      string       `db:"bank_type"`
	Source        string       `db:"source"`
	Late          bool         `db:"late"`

	CloseReason    string `db:"close_reason"`
	FailureCode    string `db:"failure_code"`
	FailureMessage string `db:"failure_message"`

	DueAt          sql.NullTime `db:"due_at"`
	Attempts       int          `db:"attempts"`
	Trouble        string       `db:"trouble"`
	AcknowledgedAt sql.NullTime `db:"acknowledged_at"`
	Refunding      int64        `db:"refunding"`
	CloseAsked     bool         `db:"close_asked"`
	CreatedAt      time.Time    `db:"created_at"`
	UpdatedAt      time.Time    `db:"updated_at"`
}

// payment turns a row into the domain's words.
func (r paymentRow) payment() (settled.Payment, error) {
	amount := settled.Money{Total: settled.Fen(r.AmountTotal), Currency: r.Currency}
	p := settled.Payment{
		ID: r.ID, Merchant: r.Merchant, OrderID: r.OrderID,
		Status: settled.Status(r.Status), Version: r.Version,
		TradeType: settled.TradeType(r.TradeType), Amount: amount,
		Description: r.Description, ClientIP: r.ClientIP, PayerOpenID: r.PayerOpenID, Attach: r.Attach,
		ExpiresAt: r.ExpiresAt, Fingerprint: r.Fingerprint, PrepayRequest: []byte(r.PrepayRequest),
		Prepared:   settled.Prepared{PrepayID: r.PrepayID, CodeURL: r.CodeURL, H5URL: r.H5URL},
		PreparedAt: r.PreparedAt.Time,
		Source:     settled.Source(r.Source), Late: r.Late,
		CloseReason: settled.CloseReason(r.CloseReason),
		Failure:     settled.Failure{Code: r.FailureCode, Message: r.FailureMessage},
		DueAt:       r.DueAt.Time, Attempts: r.Attempts, Trouble: r.Trouble,
		AcknowledgedAt: r.AcknowledgedAt.Time, Refunding: settled.Fen(r.Refunding),
		CloseAsked: r.CloseAsked, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
	if r.TransactionID != "" {
		p.Paid = settled.Trade{
			Paid: true, OrderID: r.OrderID, TransactionID: r.TransactionID, Amount: amount,
			PaidAt: r.PaidAt.Time, OpenID: r.PayerOpenID, BankType: r.BankType, Attach: r.Attach,
		}
	}
	if err := json.Unmarshal(r.Metadata, &p.Metadata); err != nil {
		return p, fmt.Errorf("read metadata of payment %s: %w", r.ID, err)
	}
	if r.Client != nil {
		if err := json.Unmarshal(r.Client, &p.Prepared.Client); err != nil {
			return p, fmt.Errorf("read client of payment %s: %w", r.ID, err)
		}
	}
	return p, nil
}

func payments(rows []paymentRow) ([]settled.Payment, error) {
	found := make([]settled.Payment, len(rows))
	for i, row := range rows {
		var err error
		if found[i], err = row.payment(); err != nil {
			return nil, err
		}
	}
	return found, nil
}
