package settled

import "time"

// Listing asks for one page of payments, the latest first. Every field that is not empty
// narrows it.
type Listing struct {
	Merchant string
	Status   Status
	From, To time.Time // of their beginning; To is not included
	After    string    // Page.Next of the page before; empty for the first
	Size     int       // at most so many
}

// Page is a part of a list. It may be shorter than asked for, or empty, and not be the last:
// then so much was looked through that it is better to ask whether to go on.
type Page[T any] struct {
	Items []T
	Next  string // asks for the page after it; empty if there is none
}

// RefundListing asks for one page of refunds, the latest first.
type RefundListing struct {
	Merchant string
	Status   RefundStatus
	After    string
	Size     int
}

// FlagListing asks for one page of flags, the latest first.
type FlagListing struct {
	Merchant string
	Settled  bool // those that somebody has settled, instead of those that wait
	After    string
	Size     int
}

// Flag is something about a payment that a person has to look at: a payment.flagged, and what
// an operator has said to it.
type Flag struct {
	EventID   string // of the payment.flagged
	PaymentID string // empty: there is no such payment
	Merchant  string
	OrderID   string
	Reason    FlagReason
	Detail    string
	At        time.Time

	SettledAt time.Time // zero while it waits
	SettledBy string
	Comment   string
}

// Act is what an operator does to a payment, and stands in its history with who did it.
type Act struct {
	Kind      ActKind
	PaymentID string
	EventID   string // of the flag, for ActSettle
	By        string
	Comment   string
	At        time.Time
}

// ActKind is a thing that operators may do.
type ActKind string

// The acts of operators. None of them moves a payment: what moves it is still what WeChat says.
const (
	ActQuery  ActKind = "query"  // ask WeChat now
	ActClose  ActKind = "close"  // close the order at WeChat as soon as it says that it is unpaid
	ActSettle ActKind = "settle" // a flag has been looked into
)

// Event is the type of the private row that an act leaves in the history: its body has by,
// comment and at, and of a flag the event that told of it, flag. Empty if there is no such act.
func (k ActKind) Event() string {
	switch k {
	case ActQuery:
		return "operator.query"
	case ActClose:
		return "operator.close"
	case ActSettle:
		return "flag.settled"
	}
	return ""
}
