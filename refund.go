package settled

import (
	"fmt"
	"time"
)

// RefundStatus is where a refund stands.
type RefundStatus string

// The states of a refund.
const (
	RefundRequested RefundStatus = "requested" // recorded; WeChat may or may not have heard of it
	RefundAccepted  RefundStatus = "accepted"  // WeChat has taken it; the money is not back yet
	RefundCompleted RefundStatus = "completed" // the customer has the money
	RefundFailed    RefundStatus = "failed"    // the money is not on its way; a person decides what next
)

// RefundStatuses lists every state in the order of a refund's life.
var RefundStatuses = []RefundStatus{RefundRequested, RefundAccepted, RefundCompleted, RefundFailed}

// RefundFact is something that has been learned about a refund. Like the facts of a
// payment it may come twice, late and in any order.
type RefundFact string

// The facts that may move a refund.
const (
	RefundFactAccepted RefundFact = "accepted" // WeChat works on it
	RefundFactRefunded RefundFact = "refunded" // WeChat says that the customer has the money
	RefundFactRefused  RefundFact = "refused"  // WeChat will not do it, has closed it, or could not pay it out
)

// RefundFacts lists every fact.
var RefundFacts = []RefundFact{RefundFactAccepted, RefundFactRefunded, RefundFactRefused}

// RefundEdge is one legal move of a refund.
type RefundEdge struct {
	From RefundStatus
	Fact RefundFact
	To   RefundStatus
}

// RefundEdges is the state machine of refunds. What is not listed changes nothing. A
// refund that failed may complete after all: somebody has mended an abnormal one.
//
// schema.sql holds the same lines in refund_may_move, and docs/states.md draws them; a
// test holds the three together.
var RefundEdges = []RefundEdge{
	{RefundRequested, RefundFactAccepted, RefundAccepted},
	{RefundRequested, RefundFactRefunded, RefundCompleted},
	{RefundRequested, RefundFactRefused, RefundFailed},
	{RefundAccepted, RefundFactRefunded, RefundCompleted},
	{RefundAccepted, RefundFactRefused, RefundFailed},
	{RefundFailed, RefundFactRefunded, RefundCompleted},
}

// NextRefund says where a fact leads a refund; moved is false when it leads nowhere.
func NextRefund(from RefundStatus, fact RefundFact) (to RefundStatus, moved bool) {
	for _, edge := range RefundEdges {
		if edge.From == from && edge.Fact == fact {
			return edge.To, true
		}
	}
	return from, false
}

// Open reports whether the refund still waits for something.
func (s RefundStatus) Open() bool { return s == RefundRequested || s == RefundAccepted }

// Refund is money on its way back: a row in PostgreSQL and nothing else. Its identity for
// the shop is (Merchant, RefundID); RefundID is WeChat's out_refund_no, and stays the same
// for ever: the same number refunds once, another one would refund again.
type Refund struct {
	ID        string // UUID
	PaymentID string
	Merchant  string
	OrderID   string // of the payment, WeChat's out_trade_no
	RefundID  string

	Amount   Fen // to give back
	Total    Fen // what the payment was for
	Currency string
	Reason   string // what the customer reads; may be empty

	// Fingerprint identifies the content of the request, so that a repeat can be told
	// from a conflict.
	Fingerprint string
	// Request is the exact body sent to WeChat, stored before the first call and repeated
	// byte for byte.
	Request []byte

	Status         RefundStatus
	WechatRefundID string // WeChat's own number, once it has accepted the refund
	RefundedAt     time.Time
	Account        string // where the money went, in WeChat's words
	Failure        Failure
	// Held says that the amount still counts against what was paid: true unless WeChat has
	// said that nothing of it will ever be paid out under this number.
	Held bool

	DueAt    time.Time // when somebody has to look at it next, zero if never
	Attempts int
	Trouble  string

	CreatedAt time.Time
	UpdatedAt time.Time
}

// RepaymentState is where a refund stands in WeChat's own books.
type RepaymentState string

// The states of a repayment.
const (
	RepaymentAbsent     RepaymentState = "absent"     // WeChat does not know the number: it has not accepted it
	RepaymentProcessing RepaymentState = "processing" // it is on its way
	RepaymentSucceeded  RepaymentState = "succeeded"  // the customer has it
	RepaymentClosed     RepaymentState = "closed"     // WeChat gave it up; the money stays with the shop
	RepaymentAbnormal   RepaymentState = "abnormal"   // it could not be paid out; the shop must say where to
)

// Repayment is what WeChat says about a refund, in a notify or in the answer to a request
// or a query.
type Repayment struct {
	State          RepaymentState
	OrderID        string // out_trade_no; empty if WeChat does not say
	RefundID       string // out_refund_no
	TransactionID  string // of the payment
	WechatRefundID string
	Amount         Fen // zero if WeChat does not say
	Total          Fen // zero if WeChat does not say
	RefundedAt     time.Time
	Account        string

	// Unproven says that the protocol does not prove where this comes from (APIv2's refund
	// notify is encrypted, and not signed): it is a hint to ask, and nothing may be done on
	// its word.
	Unproven bool
	// Foreign names what belongs to another merchant or app; empty when all of it is ours.
	Foreign   string
	RequestID string // of the answer that said so, empty for a notify
}

// RefundDisagreement compares what WeChat says with the refund that it claims to be about.
// What disagrees must never complete it; reason is empty when it agrees.
func RefundDisagreement(r Refund, t Repayment) (reason FlagReason, detail string) {
	switch {
	case t.Foreign != "":
		return MerchantMismatch, t.Foreign
	case t.OrderID != "" && t.OrderID != r.OrderID:
		return MerchantMismatch, fmt.Sprintf("refund %s is for order %s, WeChat says %.32q", r.RefundID, r.OrderID, t.OrderID)
	case t.Amount != 0 && t.Amount != r.Amount:
		return AmountMismatch, fmt.Sprintf("refund %s is of %d fen, WeChat says %d", r.RefundID, r.Amount, t.Amount)
	case t.Total != 0 && t.Total != r.Total:
		return AmountMismatch, fmt.Sprintf("refund %s is for a payment of %d fen, WeChat says %d", r.RefundID, r.Total, t.Total)
	default:
		return "", ""
	}
}

// RefundMove is a fact on its way to a refund's row, with the event that tells of it. The
// store applies it if the row still stands at From, and otherwise changes nothing.
type RefundMove struct {
	ID        string // of the refund
	PaymentID string
	Fact      RefundFact
	From      RefundStatus
	To        RefundStatus

	WechatRefundID string // empty: leave it
	RefundedAt     time.Time
	Account        string
	Failure        Failure // with RefundFactRefused
	Held           bool    // whether the amount still counts against what was paid

	DueAt time.Time // when the refund has to be looked at next; zero for never

	Event Event
}

// RecordedRefund is what became of a request to record a refund.
type RecordedRefund struct {
	Refund  Refund // as it stands in the database
	Created bool   // this call made it; otherwise the number was there before
}

// RefundDelay says that a refund was looked at and did not move.
type RefundDelay struct {
	ID       string
	Status   RefundStatus // as it was seen; a refund that moved meanwhile is left alone
	DueAt    time.Time    // when to look again
	Attempts int
	Trouble  string // why; empty if nothing is wrong
}

// RefundClaim asks for refunds whose time has come. The refunds of one payment that WeChat
// has not heard of yet come one after the other, in the order in which they were recorded.
// Otherwise it is as Claim.
type RefundClaim struct {
	Status    RefundStatus
	ID        string    // of one refund; empty for all
	DueBy     time.Time // what comes due until then; zero is now
	Merchants []string  // only theirs
	Each      int       // at most so many of each merchant
	Lease     time.Duration
}
