package settled

import (
	"context"
	"time"
)

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
	// Close closes the order at WeChat, where the protocol can. One that is closed already,
	// or that WeChat does not know, is closed. A contested *Refusal says that it was paid.
	Close(ctx context.Context, p Payment) error
	// Acknowledge tells WeChat that the goods were delivered (legacy delivernotify).
	Acknowledge(ctx context.Context, p Payment) error
	// Acknowledges reports whether this merchant wants Acknowledge to be called once a
	// payment is completed.
	Acknowledges() bool

	Refunds
	Notifies
}

// Refunds is the part of a Gateway that gives money back.
type Refunds interface {
	// RefundRequest builds the exact body of the refund request. It makes no call: the body
	// is stored first, and whatever is sent later is this, byte for byte. It fails with
	// *Refusal if this merchant can't refund over its protocol.
	RefundRequest(p Payment, r Refund) ([]byte, error)
	// Refund sends r.Request. The same number refunds once, however often it is sent; what
	// WeChat has accepted is not completed yet.
	Refund(ctx context.Context, r Refund) (Repayment, error)
	// QueryRefund asks WeChat what became of a refund. One that WeChat does not know is a
	// repayment that is absent.
	QueryRefund(ctx context.Context, r Refund) (Repayment, error)
}

// Notifies is the half of a Gateway that listens. It changes nothing at WeChat.
type Notifies interface {
	// Notify verifies a notify against its raw bytes and reads it. It fails with
	// ErrUnverified if anything does not verify or can't be read. A protocol whose keys are
	// WeChat's to hand out may have to fetch them first, and waits no longer than ctx lives.
	Notify(ctx context.Context, n Notify) (News, error)
	// Answer is what WeChat hears: the protocol's success, or its failure for the reason.
	Answer(a Acknowledgement) Answer
}

// Notify is a notify as it came over HTTP.
type Notify struct {
	Method string
	Query  string // raw, as it stood in the URL
	Header map[string][]string
	Body   []byte
	// ReceivedAt is when it came in from WeChat: how old a signature may be is judged by it,
	// so that a notify which waited through an outage still verifies.
	ReceivedAt time.Time
}

// News is what a verified notify tells: of a payment or of a refund. Neither is there when
// it tells of something else that WeChat sells; Type then says of what.
type News struct {
	Trade     *Trade
	Repayment *Repayment
	Type      string // in WeChat's words, such as TRANSACTION.SUCCESS; may be empty
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
