package settled

import "time"

// Check names one invariant that can be read off the database and the stream of events.
type Check string

// The checks of an audit.
const (
	CheckCompletedOnce Check = "completed_once" // a completed payment has one payment.completed in its history, any other none
	CheckHistory       Check = "history"        // a history has no gap, each move begins where the last one ended, and the row stands at its end
	CheckRefunds       Check = "refunds"        // refunds agree with their payment, never exceed it, and have been told of
	CheckAsTold        Check = "as_told"        // what has completed stands in its row as its event in the history told it
	CheckStill         Check = "still"          // nothing is left that somebody should have looked at, or published, long ago
	CheckPublished     Check = "published"      // what is committed is in the stream, and what is in the stream is committed
	CheckToldOnce      Check = "told_once"      // an order's payment.completed has one id in the stream
	CheckAmounts       Check = "amounts"        // the stream tells the amounts that the rows have

	// CheckAcknowledged is looked at while settled runs, and can't be read off afterwards:
	// what WeChat heard success for is committed.
	CheckAcknowledged Check = "acknowledged"
)

// Checks lists every check of a whole audit, in the order in which an audit reports them.
var Checks = []Check{
	CheckCompletedOnce, CheckHistory, CheckRefunds, CheckAsTold, CheckStill, CheckPublished, CheckToldOnce, CheckAmounts,
}

// Break is one invariant that does not hold.
type Break struct {
	Check    Check
	Merchant string
	OrderID  string // may be empty where an event names none
	RefundID string // the shop's refund id; empty if it is not about a refund
	Detail   string

	Subject AuditSubject // to be looked at again
}

// AuditSubject is what a check has looked at: a payment with its history and its refunds,
// or whatever else Kind says.
type AuditSubject struct {
	Kind SubjectKind
	Name string // the payment's or the event's id; the message or notify itself
}

// SubjectKind says what a subject is.
type SubjectKind string

// What an audit looks at.
const (
	SubjectPayment SubjectKind = "payment" // by its id
	SubjectQueued  SubjectKind = "queued"  // an event in the outbox, by its id
	SubjectEvent   SubjectKind = "event"   // an event that must be in the stream, as JSON of Changed
	SubjectMessage SubjectKind = "message" // a message of the stream, as JSON of Publication
	SubjectNotify  SubjectKind = "notify"  // a notify that WeChat heard success for, as JSON of Acknowledged
)

// Suspect is a break that has been seen, and is told once it has been seen again.
type Suspect struct {
	ID string // of the event that tells of it
	Break
	FoundAt time.Time
	Told    bool
}

// Changed is an event of the history as an audit passes it.
type Changed struct {
	ID        string
	Type      string
	PaymentID string // empty: there is no such payment
	At        time.Time
	Private   bool
	Queued    bool // it waits to be published
}

// Acknowledged is a notify that WeChat heard success for.
type Acknowledged struct {
	Merchant      string
	OrderID       string // empty: it tells of no order
	RefundID      string // empty: it tells of no refund
	TransactionID string
	Final         bool // it says that the money has moved, and proves it
	At            time.Time
}

// Audited is what a part of an audit has looked at, and the breaks that it found.
type Audited struct {
	Check    Check
	LookedAt int
	Breaks   []Break
}

// Publication is an event as the stream has it, and as subscribers heard it.
type Publication struct {
	ID       string // ce-id
	Type     string
	Merchant string
	OrderID  string
	RefundID string // the shop's; empty if the event tells of no refund
	Amount   Fen    // of the payment; of the refund if it tells of one
	Total    Fen    // of the payment that a refund is of; zero if it tells of none
	Currency string
}

// Committed is what PostgreSQL knows of a publication.
type Committed struct {
	Type     string // of the event with that id; empty: there is none
	Merchant string // of that event
	OrderID  string
	Private  bool

	Completed string // id of the event that completed the order's payment; empty: none
	Payment   Money  // of the order; zero: there is no such payment
	Refund    Fen    // of the refund that the event tells of; zero: it tells of none
}

// EventPlace is a place in the history of all events of one type: the zero value comes
// before the first.
type EventPlace struct {
	At time.Time
	ID string
}
