package events

import "time"

// Header names. The ce- names are those of CloudEvents 1.0, NATS protocol binding,
// binary mode; Nats-Msg-Id is the one JetStream drops repeats by.
const (
	HeaderSpecVersion = "ce-specversion"
	HeaderID          = "ce-id"
	HeaderType        = "ce-type"
	HeaderSource      = "ce-source"
	HeaderTime        = "ce-time"
	HeaderSubject     = "ce-subject"
	HeaderContentType = "content-type"
	HeaderTraceparent = "traceparent"
	HeaderMessageID   = "Nats-Msg-Id"

	// HeaderReply on payment.requested, payment.returned and notify.received names a
	// core NATS subject on which the worker tells, once it is committed, what came of the
	// message: a Reply.
	HeaderReply = "Settled-Reply"
	// HeaderReason and HeaderAttempts stand on dead letters, HeaderCut on one that did not fit
	// into a message with them: how many bytes its body had.
	HeaderReason   = "Settled-Reason"
	HeaderAttempts = "Settled-Attempts"
	HeaderCut      = "Settled-Cut"
)

// Envelope is a message that settled publishes.
type Envelope struct {
	ID          string // ce-id and Nats-Msg-Id; the same however often it is published
	Type        string // the subject without prefix, and ce-type
	Merchant    string // becomes part of ce-source; may be empty
	OrderID     string // ce-subject; may be empty
	Time        time.Time
	Traceparent string // may be empty
	ReplyTo     string // HeaderReply; may be empty
	Data        []byte // JSON
}

// Header returns the headers of the envelope, CloudEvents in binary mode.
func (e Envelope) Header() map[string][]string {
	source := "settled"
	if e.Merchant != "" {
		source += "/" + e.Merchant
	}
	header := map[string][]string{}
	for name, value := range map[string]string{
		HeaderSpecVersion: "1.0",
		HeaderID:          e.ID,
		HeaderType:        e.Type,
		HeaderSource:      source,
		HeaderTime:        e.Time.UTC().Format(time.RFC3339Nano),
		HeaderSubject:     e.OrderID,
		HeaderContentType: "application/json",
		HeaderTraceparent: e.Traceparent,
		HeaderMessageID:   e.ID,
		HeaderReply:       e.ReplyTo,
	} {
		if value != "" {
			header[name] = []string{value}
		}
	}
	return header
}
