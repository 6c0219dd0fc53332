package events

import (
	"encoding/json"
	"time"
)

// MarshalJSON writes the request as the body of payment.requested. What ParsePaymentRequest
// reads from it is the same request.
func (r PaymentRequest) MarshalJSON() ([]byte, error) {
	body := struct {
		Merchant    string            `json:"merchant"`
		OrderID     string            `json:"order_id"`
		Amount      any               `json:"amount"`
		Description string            `json:"description"`
		TradeType   string            `json:"trade_type,omitempty"`
		ClientIP    string            `json:"client_ip,omitempty"`
		Payer       *Payer            `json:"payer,omitempty"`
		Attach      string            `json:"attach,omitempty"`
		ExpiresAt   string            `json:"expires_at,omitempty"`
		Metadata    map[string]string `json:"metadata,omitempty"`
	}{
		Merchant: r.Merchant, OrderID: r.OrderID, Amount: writtenAmount{Total: r.Amount.Total, Currency: r.Amount.Currency},
		Description: r.Description, TradeType: r.TradeType, ClientIP: r.ClientIP, Attach: r.Attach, Metadata: r.Metadata,
	}
	if r.PayerOpenID != "" {
		body.Payer = &Payer{OpenID: r.PayerOpenID}
	}
	if !r.ExpiresAt.IsZero() {
		body.ExpiresAt = r.ExpiresAt.Format(time.RFC3339Nano)
	}
	return json.Marshal(body)
}

// MarshalJSON writes the request as the body of refund.requested. What ParseRefundRequest
// reads from it is the same request.
func (r RefundRequest) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Merchant string `json:"merchant"`
		OrderID  string `json:"order_id"`
		RefundID string `json:"refund_id"`
		Amount   any    `json:"amount"`
		Reason   string `json:"reason,omitempty"`
	}{
		Merchant: r.Merchant, OrderID: r.OrderID, RefundID: r.RefundID, Reason: r.Reason,
		Amount: writtenAmount{Refund: r.Amount.Refund, Total: r.Amount.Total, Currency: r.Amount.Currency},
	})
}

// writtenAmount leaves out what the reader fills in.
type writtenAmount struct {
	Refund   int64  `json:"refund,omitempty"`
	Total    int64  `json:"total"`
	Currency string `json:"currency,omitempty"`
}
