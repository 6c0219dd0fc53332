package events

// Broken is audit.broken: an invariant that does not hold. It is told once.
type Broken struct {
	Check    string `json:"check"`
	Merchant string `json:"merchant,omitempty"`
	OrderID  string `json:"order_id,omitempty"`
	RefundID string `json:"refund_id,omitempty"`
	Detail   string `json:"detail"`
	FoundAt  string `json:"found_at"`
}
