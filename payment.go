package settled

import "time"

// TradeType is the way a customer pays, in WeChat's own words.
type TradeType string

// The trade types of WeChat Pay. The legacy API has APP alone.
const (
	APP    TradeType = "APP"
	JSAPI  TradeType = "JSAPI"
	NATIVE TradeType = "NATIVE"
	H5     TradeType = "H5"
)

// PrepayLife is how long the customer can use what WeChat gave for a prepay request
// (unified order documents of APIv2 and APIv3: prepay_id and code_url two hours, the link
// of H5 five minutes). After that WeChat is asked for another with the same request.
func (t TradeType) PrepayLife() time.Duration {
	if t == H5 {
		return 5 * time.Minute
	}
	return 2 * time.Hour
}

// Payment is one order's payment: a row in PostgreSQL and nothing else. Its identity
// for the shop is (Merchant, OrderID); OrderID is WeChat's out_trade_no.
type Payment struct {
	ID       string // UUID; unguessable, because the app may name it without a token
	Merchant string
	OrderID  string

	TradeType   TradeType
	Amount      Money
	Description string
	ClientIP    string
	PayerOpenID string
	Attach      string
	Metadata    map[string]string
	ExpiresAt   time.Time

	// Fingerprint identifies the content of the request, so that a repeat can be told
	// from a conflict.
	Fingerprint string

	// PrepayRequest is the exact body sent to WeChat. It is stored before the first call
	// and repeated byte for byte, so that no repeat can ever mean something else.
	PrepayRequest []byte

	Status  Status
	Version int64 // counts what was written to the history

	Prepared   Prepared
	PreparedAt time.Time

	Paid   Trade
	Source Source
	Late   bool // the payment had ended otherwise before the money came

	CloseReason CloseReason
	Failure     Failure

	// DueAt is when somebody has to look at this payment next, zero if never; Attempts
	// counts how often that has led to nothing since the last move, and Trouble says why
	// the last time did.
	DueAt    time.Time
	Attempts int
	Trouble  string

	AcknowledgedAt time.Time // when WeChat took our delivernotify
	CloseAsked     bool      // an operator wants it closed as soon as WeChat says that it is unpaid

	// Refunding is how much of Amount has been given back or is on its way: never more
	// than was paid.
	Refunding Fen

	CreatedAt time.Time
	UpdatedAt time.Time
}

// Prepared is what WeChat gave for a prepay request, in the form the shop's app or page
// needs it.
type Prepared struct {
	PrepayID string
	Client   map[string]string // the exact fields for WeChat's SDK; nil for NATIVE and H5
	CodeURL  string            // NATIVE
	H5URL    string            // H5

	RequestID string // of the answer that gave it
}

// Failure is WeChat's own final word on why a payment can't be made.
type Failure struct {
	Code    string
	Message string
}

// Source says how we learned that a payment was paid.
type Source string

// The two ways to learn of a payment.
const (
	FromNotify Source = "notify"
	FromQuery  Source = "query"
)

// CloseReason says why a payment was closed.
type CloseReason string

// The reasons to close a payment.
const (
	Expired   CloseReason = "expired"
	Requested CloseReason = "requested"
)
