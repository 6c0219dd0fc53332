package ingress

import (
	"time"

	"settled"
	"settled/events"
)

// state is a payment as GET shows it: the payment, and what is known of it so far.
type state struct {
	events.Payment
	PrepayID      string            `json:"prepay_id,omitempty"`
	Client        map[string]string `json:"client,omitempty"`
	CodeURL       string            `json:"code_url,omitempty"`
	H5URL         string            `json:"h5_url,omitempty"`
	TransactionID string            `json:"transaction_id,omitempty"`
	PaidAt        string            `json:"paid_at,omitempty"`
	Payer         *events.Payer     `json:"payer,omitempty"`
	BankType      string            `json:"bank_type,omitempty"`
	Attach        string            `json:"attach,omitempty"`
	Source        string            `json:"source,omitempty"`
	Late          bool              `json:"late,omitempty"`
	Reason        string            `json:"reason,omitempty"`
	Error         *events.Error     `json:"error,omitempty"`
	CreatedAt     string            `json:"created_at"`
	UpdatedAt     string            `json:"updated_at"`
}

func stateOf(p settled.Payment) state {
	s := state{
		Payment: events.Payment{
			PaymentID: p.ID, Merchant: p.Merchant, OrderID: p.OrderID, Status: string(p.Status),
			TradeType:   string(p.TradeType),
			Amount:      events.Amount{Total: int64(p.Amount.Total), Currency: p.Amount.Currency},
			Description: p.Description, ExpiresAt: stamp(p.ExpiresAt), Metadata: p.Metadata,
		},
		PrepayID: p.Prepared.PrepayID, Client: p.Prepared.Client, CodeURL: p.Prepared.CodeURL, H5URL: p.Prepared.H5URL,
		TransactionID: p.Paid.TransactionID, BankType: p.Paid.BankType, Attach: p.Attach,
		Source: string(p.Source), Late: p.Late,
		CreatedAt: stamp(p.CreatedAt), UpdatedAt: stamp(p.UpdatedAt),
	}
	if p.Status == settled.StatusClosed { // one that was paid after all is late
		s.Reason = string(p.CloseReason)
	}
	if p.Paid.Paid {
		s.PaidAt, s.Payer = stamp(p.Paid.PaidAt), &events.Payer{OpenID: p.Paid.OpenID}
	}
	if p.Failure.Code != "" {
		s.Error = &events.Error{Code: p.Failure.Code, Message: p.Failure.Message}
	}
	return s
}

// stamp writes a time as events do.
func stamp(t time.Time) string { return t.In(settled.China).Format(time.RFC3339) }
