package events

// Amount is money on the wire: Total in fen, Currency an ISO 4217 code.
type Amount struct {
	Total    int64  `json:"total"`
	Currency string `json:"currency"`
}

// Payment is "the payment" in every event that tells of one.
type Payment struct {
	PaymentID   string            `json:"payment_id"`
	Merchant    string            `json:"merchant"`
	OrderID     string            `json:"order_id"`
	Status      string            `json:"status"`
	TradeType   string            `json:"trade_type"`
	Amount      Amount            `json:"amount"`
	Description string            `json:"description"`
	ExpiresAt   string            `json:"expires_at"` // RFC 3339
	Metadata    map[string]string `json:"metadata,omitempty"`
}

// Prepared is the body of payment.prepared.
type Prepared struct {
	Payment
	PrepayID string            `json:"prepay_id,omitempty"`
	Client   map[string]string `json:"client,omitempty"` // what the app or page hands to WeChat's SDK, as it is
	CodeURL  string            `json:"code_url,omitempty"`
	H5URL    string            `json:"h5_url,omitempty"`
}

// Payer is who paid, as far as WeChat tells.
type Payer struct {
	OpenID string `json:"openid,omitempty"`
}

// Completed is the body of payment.completed.
type Completed struct {
	Payment
	TransactionID string `json:"transaction_id"`
	PaidAt        string `json:"paid_at"` // RFC 3339
	Payer         Payer  `json:"payer"`
	BankType      string `json:"bank_type,omitempty"`
	Attach        string `json:"attach,omitempty"`
	Source        string `json:"source"` // notify or query
	Late          bool   `json:"late"`   // the payment had ended otherwise before
}

// Closed is the body of payment.closed.
type Closed struct {
	Payment
	Reason string `json:"reason"` // expired or requested
}

// Error is a code that programs read and a message that people read.
type Error struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Failed is the body of payment.failed: WeChat refused the payment for good.
type Failed struct {
	Payment
	Error Error `json:"error"`
}

// Rejected is the body of payment.rejected: the request itself was wrong, and nothing
// was sent to WeChat. Either Problems or Error is there.
type Rejected struct {
	Merchant string    `json:"merchant,omitempty"`
	OrderID  string    `json:"order_id,omitempty"`
	Problems []Problem `json:"problems,omitempty"`
	Error    *Error    `json:"error,omitempty"`
}

// CodeConflict is the Error.Code of a request that repeats an order with other content.
const CodeConflict = "conflict"

// Flagged is the body of payment.flagged: something a person must look at.
type Flagged struct {
	Payment
	Reason string `json:"reason"`
	Detail string `json:"detail"`
}

// FlaggedOrder is the body of payment.flagged when there is no such payment.
type FlaggedOrder struct {
	Merchant string `json:"merchant"`
	OrderID  string `json:"order_id"`
	Reason   string `json:"reason"`
	Detail   string `json:"detail"`
}

// Notify is the body of notify.received: WeChat's own notify as it came over HTTP.
type Notify struct {
	Merchant   string              `json:"merchant"`
	Kind       string              `json:"kind"` // payment or refund
	ReceivedAt string              `json:"received_at"`
	Method     string              `json:"method"`
	Query      string              `json:"query"` // raw
	Headers    map[string][]string `json:"headers"`
	Body       []byte              `json:"body"` // base64 on the wire
}

// The kinds of notify.
const (
	NotifyPayment = "payment"
	NotifyRefund  = "refund"
)

// Reply is what a worker tells, over core NATS, whoever waits for a message it sent. It
// is told after the commit it speaks of; a reply that gets lost changes nothing.
type Reply struct {
	Kind string `json:"kind"` // ReplyRecorded, ReplyCommitted, or the type of the event that ended it
	Data []byte `json:"data"` // the body of that event; for ReplyRecorded a Payment or a Refund
}

// The replies that are not events.
const (
	ReplyRecorded  = "recorded"  // PostgreSQL has the payment or the refund
	ReplyCommitted = "committed" // PostgreSQL has what the notify means
)
