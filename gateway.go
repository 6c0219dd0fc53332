package settled

import "context"

// Gateway is what we ask of a payment gateway, for one merchant and in that merchant's
// protocol. Its calls fail with *Refusal (WeChat's final word) or ErrUnknown, and with
// nothing else; each is bounded in time by itself as well as by ctx.
type Gateway interface {
	// PrepayRequest builds the exact body of the prepay request. It makes no call: the
	// body is stored first, and whatever is sent later is this, byte for byte.
	PrepayRequest(p Payment) ([]byte, error)
	// Prepay sends p.PrepayRequest and signs what WeChat gave for it once more, for the app.
	Prepay(ctx context.Context, p Payment) (Prepared, error)
	// Query asks WeChat what it knows of the order. An order that WeChat does not know is
	// a trade that is not paid.
	Query(ctx context.Context, p Payment) (Trade, error)
	// Close closes the order at WeChat, where the protocol can.
	Close(ctx context.Context, p Payment) error
	// Acknowledge tells WeChat that the goods were delivered (legacy delivernotify).
	Acknowledge(ctx context.Context, p Payment) error
	// Acknowledges reports whether this merchant wants Acknowledge to be called once a
	// payment is completed.
	Acknowledges() bool

	Notifies
}

// Notifies is the half of a Gateway that listens: pure, no call leaves it.
type Notifies interface {
	// Notify verifies a payment notify against its raw bytes and reads it. It fails with
	// ErrUnverified if anything does not verify or can't be read.
	Notify(n Notify) (Trade, error)
	// Answer is what WeChat hears: the protocol's success, or its failure for the reason.
	Answer(a Acknowledgement) Answer
}

// Notify is a notify as it came over HTTP.
type Notify struct {
	Method string
	Query  string // raw, as it stood in the URL
	Header map[string][]string
	Body   []byte
}

// Acknowledgement is what we have to say to a notify.
type Acknowledgement string

// The three answers to a notify.
const (
	Success    Acknowledgement = "success"    // it is committed; do not send it again
	Unverified Acknowledgement = "unverified" // it is not yours
	Busy       Acknowledgement = "busy"       // it could not be taken; send it again
)

// Answer is an HTTP answer in the words of a protocol.
type Answer struct {
	Status      int
	ContentType string
	Body        []byte
}
