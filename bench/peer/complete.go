package peer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"settled"
	"settled/events"
)

// verify reads a notify as settled does, signature and all.
func (d *desk) verify(ctx context.Context, data []byte) (merchant string, trade settled.Trade, err error) {
	var n events.Notify
	if err := json.Unmarshal(data, &n); err != nil {
		return "", trade, fmt.Errorf("read notify: %w", err)
	}
	at, err := time.Parse(time.RFC3339Nano, n.ReceivedAt)
	if err != nil {
		return "", trade, fmt.Errorf("read notify: %w", err)
	}
	gateway, ok := d.gateways[n.Merchant]
	if !ok {
		return "", trade, fmt.Errorf("notify of a merchant that nobody knows: %.64q", n.Merchant)
	}
	news, err := gateway.Notify(ctx, settled.Notify{Method: n.Method, Query: n.Query, Header: n.Headers, Body: n.Body, ReceivedAt: at})
	if err != nil {
		return "", trade, fmt.Errorf("verify notify: %w", err)
	}
	if news.Trade == nil || !news.Trade.Paid {
		return "", trade, errors.New("the notify tells of no payment")
	}
	return n.Merchant, *news.Trade, nil
}

// complete moves the payment that a trade pays, with its history, in a transaction. It
// returns the event to publish, nil if the payment is completed already.
func complete(ctx context.Context, tx pgx.Tx, merchant string, trade settled.Trade) (*events.Envelope, error) {
	p, metadata := settled.Payment{Merchant: merchant, OrderID: trade.OrderID}, []byte(nil)
	err := tx.QueryRow(ctx, `
		select id, status, trade_type, amount_total, currency, description, attach, metadata, expires_at
		from payments where merchant = $1 and order_id = $2 for update`, merchant, trade.OrderID).
		Scan(&p.ID, &p.Status, &p.TradeType, &p.Amount.Total, &p.Amount.Currency, &p.Description, &p.Attach, &metadata, &p.ExpiresAt)
	if err != nil {
		return nil, fmt.Errorf("read payment: %w", err)
	}
	if p.Status == settled.StatusCompleted {
		return nil, nil
	}
	if err := json.Unmarshal(metadata, &p.Metadata); err != nil {
		return nil, fmt.Errorf("read payment: %w", err)
	}
	if reason, detail := settled.Disagreement(p, trade); reason != "" {
		return nil, fmt.Errorf("the notify disagrees with the payment: %s: %s", reason, detail)
	}
	event, err := completed(p, trade)
	if err != nil {
		return nil, err
	}
	done, err := tx.Exec(ctx, `
		with moved as (
			update payments set status = 'completed', version = version + 1, updated_at = now(),
				due_at = null, attempts = 0, trouble = '', transaction_id = $2, paid_at = $3, payer_openid = $4,
				bank_type = $5, source = 'notify', late = false
			where id = $1 and status = 'prepared'
			returning id, version, merchant, order_id
		)
		insert into events (id, payment_id, version, type, merchant, order_id, fact, from_status, to_status, at, data)
		select $6, id, version, $7, merchant, order_id, 'paid', 'prepared', 'completed', $8, $9 from moved`,
		p.ID, trade.TransactionID, trade.PaidAt, trade.OpenID, trade.BankType, event.ID, event.Type, event.Time, event.Data)
	if err == nil && done.RowsAffected() != 1 {
		err = fmt.Errorf("payment %s did not move", p.ID)
	}
	if err != nil {
		return nil, fmt.Errorf("complete payment: %w", err)
	}
	return event, nil
}

// completed is payment.completed, as settled tells it.
func completed(p settled.Payment, trade settled.Trade) (*events.Envelope, error) {
	data, err := json.Marshal(events.Completed{
		Payment: events.Payment{
			PaymentID: p.ID, Merchant: p.Merchant, OrderID: p.OrderID, Status: string(settled.StatusCompleted), TradeType: string(p.TradeType),
			Amount:      events.Amount{Total: int64(p.Amount.Total), Currency: p.Amount.Currency},
			Description: p.Description, ExpiresAt: p.ExpiresAt.Format(time.RFC3339), Metadata: p.Metadata,
		},
		TransactionID: trade.TransactionID, PaidAt: trade.PaidAt.Format(time.RFC3339), Payer: events.Payer{OpenID: trade.OpenID},
		BankType: trade.BankType, Attach: p.Attach, Source: string(settled.FromNotify),
	})
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", events.PaymentCompleted, err)
	}
	return &events.Envelope{
		ID: settled.EventID(events.PaymentCompleted, p.ID), Type: events.PaymentCompleted,
		Merchant: p.Merchant, OrderID: p.OrderID, Time: time.Now(), Data: data,
	}, nil
}
