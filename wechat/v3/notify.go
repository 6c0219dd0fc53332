package v3

import "strings"

// Envelope is what a verified notify says before it is decrypted.
type Envelope struct {
	ID   string // of the notify; a repeat has the same
	Type string // event_type

	resource sealed
}

// Notify is what a notify tells: of an order, of a refund, or of neither if its type is
// that of something else that WeChat sells.
type Notify struct {
	Trade     *Trade
	Repayment *Repayment
}

// The event types that are read.
const (
	transactionSuccess = "TRANSACTION.SUCCESS"
	refundPrefix       = "REFUND." // SUCCESS, CLOSED or ABNORMAL
)

// ReadEnvelope reads the body of a notify whose signature has been verified (APIv3
// document, callback notification). It fails with ErrUnreadable.
func ReadEnvelope(body []byte) (Envelope, error) {
	told, err := readObject(body)
	if err != nil {
		return Envelope{}, err
	}
	e := Envelope{ID: told.text("id"), Type: told.required("event_type")}
	if e.ofOrder() || e.ofRefund() {
		e.resource = readSealed(told.object("resource"))
	}
	if told.err() != nil {
		return Envelope{}, told.err()
	}
	return e, nil
}

func (e Envelope) ofOrder() bool  { return e.Type == transactionSuccess }
func (e Envelope) ofRefund() bool { return strings.HasPrefix(e.Type, refundPrefix) }

// Open decrypts the notify with an APIv3 key and reads it. It fails with ErrUndecipherable
// if it is another key's (while a merchant changes it, both may be tried), and with
// ErrUnreadable.
func (e Envelope) Open(apiV3Key string) (Notify, error) {
	if !e.ofOrder() && !e.ofRefund() {
		return Notify{}, nil
	}
	resource, err := e.resource.open(apiV3Key)
	if err != nil {
		return Notify{}, err
	}
	if e.ofOrder() {
		trade, err := ReadTrade(resource)
		if err != nil {
			return Notify{}, err
		}
		return Notify{Trade: &trade}, nil
	}
	repayment, err := ReadRepayment(resource)
	if err != nil {
		return Notify{}, err
	}
	return Notify{Repayment: &repayment}, nil
}
