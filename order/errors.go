package order

import (
	"errors"
	"fmt"

	"settled/events"
)

var (
	// ErrConflict: the order or the refund_id was asked for before with other content. What
	// was asked for first holds.
	ErrConflict = errors.New("asked for before with other content")
	// ErrPaid: the order is paid already; there is nothing to pay with any more.
	ErrPaid = errors.New("the order is paid already")
	// ErrClosed: the order's time was over before it was paid. Another one needs another
	// order id.
	ErrClosed = errors.New("the order is closed")
	// ErrUnanswered: the context ended before there was an answer. The request may have been
	// taken and may still be worked on: ask again, with the same content.
	ErrUnanswered = errors.New("not answered yet")
)

// RejectedError is a payment whose request broke rules; WeChat has not heard of it.
type RejectedError struct{ events.Rejected }

// Error says which rules.
func (e *RejectedError) Error() string {
	if e.Rejected.Error != nil {
		return "rejected: " + said(*e.Rejected.Error)
	}
	return "rejected: " + events.Problems(e.Problems).Error()
}

// Unwrap makes a conflict known by errors.Is.
func (e *RejectedError) Unwrap() error {
	if e.Rejected.Error != nil && e.Rejected.Error.Code == events.CodeConflict {
		return ErrConflict
	}
	return nil
}

// FailedError is a payment that WeChat refused for good.
type FailedError struct{ events.Failed }

// Error says why, in WeChat's words.
func (e *FailedError) Error() string { return "refused by WeChat: " + said(e.Failed.Error) }

// RefundError is a refund that was not accepted: it broke a rule, or WeChat refused it. Its
// code says what to do; docs/messages.md has them.
type RefundError struct{ events.FailedRefund }

// Error says why.
func (e *RefundError) Error() string {
	text := "refund failed: " + said(e.FailedRefund.Error)
	if len(e.Problems) > 0 {
		text += ": " + events.Problems(e.Problems).Error()
	}
	return text
}

// Unwrap makes a refund_id that belongs to another refund known by errors.Is.
func (e *RefundError) Unwrap() error {
	if e.FailedRefund.Error.Code == events.CodeConflict {
		return ErrConflict
	}
	return nil
}

func said(e events.Error) string { return fmt.Sprintf("%s (%s)", e.Message, e.Code) }
