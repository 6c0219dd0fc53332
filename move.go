package settled

import "time"

// Status is where a payment stands.
type Status string

// The states of a payment.
const (
	StatusRequested Status = "requested" // recorded; WeChat may or may not have heard of it
	StatusPrepared  Status = "prepared"  // the customer can pay
	StatusCompleted Status = "completed" // the money is there
	StatusClosed    Status = "closed"    // time was up, or the shop closed it
	StatusFailed    Status = "failed"    // WeChat refused it for good
)

// Statuses lists every state in the order of a payment's life.
var Statuses = []Status{StatusRequested, StatusPrepared, StatusCompleted, StatusClosed, StatusFailed}

// Fact is something that has been learned about a payment. Facts may come twice, late
// and in any order.
type Fact string

// The facts that may move a payment.
const (
	FactPrepared Fact = "prepared" // WeChat gave a prepay id
	FactRenewed  Fact = "renewed"  // WeChat gave another one, because the first had grown old
	FactPaid     Fact = "paid"     // WeChat says it was paid, by notify or by query
	FactClosed   Fact = "closed"   // it can no longer be paid in time
	FactRefused  Fact = "refused"  // WeChat refused it for good
)

// Facts lists every fact.
var Facts = []Fact{FactPrepared, FactRenewed, FactPaid, FactClosed, FactRefused}

// Edge is one legal move: in state From, Fact leads to state To.
type Edge struct {
	From Status
	Fact Fact
	To   Status
}

// Edges is THE state machine. What is not listed changes nothing: a repeat, or a fact
// that came too late. Money always wins: paid leads to completed from every state.
//
// schema.sql holds the same lines in payment_may_move, so that the database itself
// refuses any other move, and docs/states.md draws them; a test holds the three together.
var Edges = []Edge{
	{StatusRequested, FactPrepared, StatusPrepared},
	{StatusRequested, FactPaid, StatusCompleted},
	{StatusRequested, FactClosed, StatusClosed},
	{StatusRequested, FactRefused, StatusFailed},
	{StatusPrepared, FactRenewed, StatusPrepared},
	{StatusPrepared, FactPaid, StatusCompleted},
	{StatusPrepared, FactClosed, StatusClosed},
	{StatusClosed, FactPaid, StatusCompleted},
	{StatusFailed, FactPaid, StatusCompleted},
}

// Next says where a fact leads from a state. moved is false when it leads nowhere: the
// payment stays as it is, and that is not an error.
func Next(from Status, fact Fact) (to Status, moved bool) {
	for _, edge := range Edges {
		if edge.From == from && edge.Fact == fact {
			return edge.To, true
		}
	}
	return from, false
}

// Open reports whether the payment still waits for something.
func (s Status) Open() bool { return s == StatusRequested || s == StatusPrepared }

// Move is a fact on its way to a payment's row, with all that the row keeps of it and
// the event that tells of it. The store applies it if the row still stands at From, and
// otherwise changes nothing.
type Move struct {
	PaymentID string
	Fact      Fact
	From      Status
	To        Status

	Prepared    Prepared    // with FactPrepared and FactRenewed
	Paid        Trade       // with FactPaid
	Source      Source      // with FactPaid
	Late        bool        // with FactPaid
	CloseReason CloseReason // with FactClosed
	Failure     Failure     // with FactRefused

	DueAt time.Time // when the payment has to be looked at next; zero for never

	Event Event
}
