package settled

import (
	"time"

	"github.com/google/uuid"
)

// Event is something that happened, on its way into the history and, through the
// outbox, to everyone who listens. It is written in the same statement as the move it
// tells of.
type Event struct {
	ID        string // ce-id: a UUID, the same however often the event is published
	Type      string // the subject without prefix, such as payment.completed
	PaymentID string // empty when there is no payment to tell of
	RefundID  string // our own id of the refund that it tells of; empty when it tells of the payment
	Merchant  string
	OrderID   string
	At        time.Time
	Data      []byte // the body, JSON
	Private   bool   // belongs to the history alone and is never published
	RequestID string // of WeChat's answer that brought the news; empty for a notify
	// Traceparent names the step that told it, in the form of W3C's trace context; empty
	// if nobody traces that step.
	Traceparent string
}

// The events that belong to the history alone: nobody is told of them, and nothing waits for
// them to be published. What others are told has its names in package events.
const (
	EventPaymentRecorded     = "payment.recorded"     // the first of every history; its id is the payment's
	EventPaymentAcknowledged = "payment.acknowledged" // WeChat took the delivernotify
	EventRefundRecorded      = "refund.recorded"      // a refund was requested, and is a row now
	EventNotifyIgnored       = "notify.ignored"       // a notify was verified, and tells of nothing of ours
)

// PrivateEvents lists them all.
var PrivateEvents = []string{EventPaymentRecorded, EventPaymentAcknowledged, EventRefundRecorded, EventNotifyIgnored}

// Happening is one row of a payment's history.
type Happening struct {
	Event
	Version int64
	Fact    Fact   // empty if it moved nothing
	From    Status // with Fact
	To      Status // with Fact
	Queued  bool   // it still waits to be published
}

// eventSpace is the namespace (RFC 9562, version 5) of the events' names.
var eventSpace = uuid.MustParse("6f3a9d0e-3c0b-5c58-9a0e-7f1f6f8f6a51")

// EventID derives an event's id from what it tells of. The same thing told twice has the
// same id, whoever tells it and whenever: that is what makes it one event. What is told of a
// payment or refund of ours, named by its id, has an id that begins with the same time, so that
// the index of a long history is written where it was written last.
func EventID(eventType string, of ...string) string {
	name := eventType
	for _, part := range of {
		name += "\x00" + part
	}
	id := uuid.NewSHA1(eventSpace, []byte(name))
	if len(of) == 0 {
		return id.String()
	}
	if first, err := uuid.Parse(of[0]); err == nil && first.Version() == 7 {
		copy(id[:timeBytes], first[:])
		id[6] = id[6]&0x0f | 0x80 // RFC 9562, version 8: made up by ourselves
	}
	return id.String()
}

// timeBytes is how much of a UUID of version 7 is its time.
const timeBytes = 6
