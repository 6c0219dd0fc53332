package events

import (
	"context"
	"errors"
	"time"
)

// Message is a message as it was delivered from a stream.
type Message struct {
	ID       string // names the stored message: the same at every delivery, different for every message
	Sequence uint64 // its number in its stream
	Subject  string // without prefix
	Header   map[string][]string
	Data     []byte
	At       time.Time // when the stream stored it
	Attempt  int       // 1 at the first delivery
}

// Value returns the first value of a header, or "". Names are exact.
func (m Message) Value(name string) string {
	if values := m.Header[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// Handler does what a message asks for. What it returns steers the message:
//
//	nil            done: acknowledged, and the acknowledgement confirmed
//	Later(err, d)  again after d
//	Park(err)      never again: it becomes a dead letter with err as its reason
//	Hold(err)      something that every message needs is away: the message is kept in
//	               hand and tried again in place, growing slower, so that an outage costs
//	               time and not redeliveries
//	any other      again, growing slower; a dead letter after the consumer's last attempt
//
// A handler that panics is a bug with a message attached: it counts as any other error.
type Handler func(ctx context.Context, m Message) error

type verdict struct {
	kind  verdictKind
	delay time.Duration
	err   error
}

type verdictKind int

const (
	again verdictKind = iota
	later
	park
	hold
)

func (v *verdict) Error() string { return v.err.Error() }
func (v *verdict) Unwrap() error { return v.err }

// Later asks for the message again after d.
func Later(err error, d time.Duration) error { return &verdict{kind: later, delay: d, err: err} }

// Park gives the message up: it is written to the dead letters and never tried again.
func Park(err error) error { return &verdict{kind: park, err: err} }

// Hold keeps the message in hand until what everyone needs is back.
func Hold(err error) error { return &verdict{kind: hold, err: err} }

// IsLater reports whether err asks for a later delivery, and when.
func IsLater(err error) (time.Duration, bool) {
	v, ok := asVerdict(err, later)
	if !ok {
		return 0, false
	}
	return v.delay, true
}

// IsPark reports whether err gives the message up.
func IsPark(err error) bool { _, ok := asVerdict(err, park); return ok }

// IsHold reports whether err asks to keep the message in hand.
func IsHold(err error) bool { _, ok := asVerdict(err, hold); return ok }

func asVerdict(err error, kind verdictKind) (*verdict, bool) {
	var v *verdict
	if errors.As(err, &v) && v.kind == kind {
		return v, true
	}
	return nil, false
}

// Consumer is a durable reader of one subject.
type Consumer struct {
	Name        string        // durable name, without prefix
	Subject     string        // without prefix
	InFlight    int           // messages in hand at once
	MaxAttempts int           // deliveries before a plain error becomes a dead letter; default 8
	AckWait     time.Duration // after which a silent handler's message goes to another; default 30 s
}

// StreamPlace is a place in a stream: the zero value comes before the first message.
type StreamPlace struct {
	Created  time.Time // when the stream was made; another one of the same name is another stream
	Sequence uint64
}
