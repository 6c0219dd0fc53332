package telemetry

import "go.opentelemetry.io/otel/attribute"

// Attribute is one thing that is told of a step.
type Attribute = attribute.KeyValue

// Key names what may be told of a step. This list is all: no body, no header, no query
// argument, nothing of a customer.
type Key string

// The keys. Those of OpenTelemetry's own conventions have their names.
const (
	Merchant  Key = "settled.merchant"
	OrderID   Key = "settled.order_id"
	RefundID  Key = "settled.refund_id"
	PaymentID Key = "settled.payment_id"
	Pool      Key = "settled.pool"
	Verdict   Key = "settled.verdict" // what becomes of a message

	Method Key = "http.request.method"
	Route  Key = "http.route"
	Status Key = "http.response.status_code"

	Subject   Key = "messaging.destination.name" // without prefix
	MessageID Key = "messaging.message.id"
	Attempt   Key = "messaging.message.delivery_attempt"

	Statement Key = "db.operation.name"
	Rows      Key = "db.operation.batch.size"

	errorType Key = "error.type"
)

// Keys lists every key.
func Keys() []Key {
	return []Key{
		Merchant, OrderID, RefundID, PaymentID, Pool, Verdict, Method, Route, Status, Subject, MessageID, Attempt,
		Statement, Rows, errorType,
	}
}

// Is says a text of a step.
func (k Key) Is(value string) Attribute { return attribute.String(string(k), value) }

// Counts says a number of a step.
func (k Key) Counts(value int) Attribute { return attribute.Int(string(k), value) }
