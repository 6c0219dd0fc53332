package subscribe

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"settled/events"
)

// Event is one thing that settled tells.
type Event struct {
	// ID is the ce-id: the same however often the event is told, so it is what repeats are
	// known by.
	ID       string
	Type     string // such as payment.completed
	Merchant string // may be empty where nobody knows it
	OrderID  string // the same
	Time     time.Time
	Data     []byte // the body as it came

	// Body is the body as one of the structs of package events: Prepared, Completed, Closed,
	// Failed, Rejected, Flagged, AcceptedRefund, CompletedRefund, FailedRefund,
	// RejectedRefund or Broken. It is a value, not a pointer.
	Body any

	Subscriber string // the Config.Name of who reads it
	Attempt    int    // 1 at the first delivery
}

// ErrUnreadable: a message is not an event that this version of the package knows.
var ErrUnreadable = errors.New("not a readable event")

// bodies says for each type how its body is read.
var bodies = map[string]func(data []byte) (any, about, error){
	events.PaymentPrepared:  of(func(b events.Prepared) about { return ofPayment(b.Payment) }),
	events.PaymentCompleted: of(func(b events.Completed) about { return ofPayment(b.Payment) }),
	events.PaymentClosed:    of(func(b events.Closed) about { return ofPayment(b.Payment) }),
	events.PaymentFailed:    of(func(b events.Failed) about { return ofPayment(b.Payment) }),
	events.PaymentRejected:  of(func(b events.Rejected) about { return about{b.Merchant, b.OrderID, true} }),
	events.PaymentFlagged:   of(func(b events.Flagged) about { return about{b.Merchant, b.OrderID, true} }),
	events.RefundAccepted:   of(func(b events.AcceptedRefund) about { return ofRefund(b.Refund) }),
	events.RefundCompleted:  of(func(b events.CompletedRefund) about { return ofRefund(b.Refund) }),
	events.RefundFailed:     of(func(b events.FailedRefund) about { return about{b.Merchant, b.OrderID, true} }),
	events.RefundRejected:   of(func(b events.RejectedRefund) about { return about{b.Merchant, b.OrderID, true} }),
	events.AuditBroken:      of(func(b events.Broken) about { return about{b.Merchant, b.OrderID, true} }),
}

// about is what an event is about. Nobody is to act on an empty order id, so what tells
// of money has to name it; what tells of a mistake may not know it.
type about struct {
	merchant, orderID string
	named             bool
}

func ofPayment(p events.Payment) about {
	return about{p.Merchant, p.OrderID, p.Merchant != "" && p.OrderID != "" && p.PaymentID != ""}
}

func ofRefund(r events.Refund) about {
	return about{r.Merchant, r.OrderID, r.Merchant != "" && r.OrderID != "" && r.RefundID != ""}
}

func of[Body any](tells func(Body) about) func([]byte) (any, about, error) {
	return func(data []byte) (any, about, error) {
		var body Body
		if err := json.Unmarshal(data, &body); err != nil {
			return nil, about{}, err
		}
		what := tells(body)
		if !what.named {
			return nil, what, errors.New("it does not say what it is about")
		}
		return body, what, nil
	}
}

// Read reads an event from the subject, without prefix, the headers and the body of a
// message. Fields that it does not know are left alone: settled may tell more one day. It
// fails with ErrUnreadable.
func Read(subject string, header map[string][]string, data []byte) (Event, error) {
	value := func(name string) string {
		if values := header[name]; len(values) > 0 {
			return values[0]
		}
		return ""
	}
	event := Event{ID: value(events.HeaderID), Type: value(events.HeaderType), Data: data, Attempt: 1}
	if event.ID == "" {
		return event, fmt.Errorf("%w: no %s", ErrUnreadable, events.HeaderID)
	}
	if event.Type != subject {
		return event, fmt.Errorf("%w: %s %q under the subject %q", ErrUnreadable, events.HeaderType, event.Type, subject)
	}
	read, known := bodies[event.Type]
	if !known {
		return event, fmt.Errorf("%w: unknown type %q", ErrUnreadable, event.Type)
	}
	var err error
	if event.Time, err = time.Parse(time.RFC3339Nano, value(events.HeaderTime)); err != nil {
		return event, fmt.Errorf("%w: %s: %w", ErrUnreadable, events.HeaderTime, err)
	}
	body, what, err := read(data)
	event.Merchant, event.OrderID = what.merchant, what.orderID
	if err != nil {
		return event, fmt.Errorf("%w: %s: %w", ErrUnreadable, event.Type, err)
	}
	event.Body = body
	return event, nil
}
