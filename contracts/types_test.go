package contracts_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"settled/contracts"
	"settled/contracts/contracttest"
	"settled/events"
)

// written are the Go types whose JSON stands at the places of messages that settled tells,
// or takes from itself.
var written = map[string]reflect.Type{
	"publish payment.returned":    reflect.TypeFor[events.Return](),
	"publish notify.received":     reflect.TypeFor[events.Notify](),
	"subscribe notify.received":   reflect.TypeFor[events.Notify](),
	"subscribe payment.prepared":  reflect.TypeFor[events.Prepared](),
	"subscribe payment.completed": reflect.TypeFor[events.Completed](),
	"subscribe payment.closed":    reflect.TypeFor[events.Closed](),
	"subscribe payment.failed":    reflect.TypeFor[events.Failed](),
	"subscribe payment.rejected":  reflect.TypeFor[events.Rejected](),
	"subscribe refund.accepted":   reflect.TypeFor[events.AcceptedRefund](),
	"subscribe refund.completed":  reflect.TypeFor[events.CompletedRefund](),
	"subscribe refund.failed":     reflect.TypeFor[events.FailedRefund](),
	"subscribe refund.rejected":   reflect.TypeFor[events.RejectedRefund](),
	"subscribe audit.broken":      reflect.TypeFor[events.Broken](),
	"reply to payment.requested":  reflect.TypeFor[events.Reply](),
	"reply to refund.requested":   reflect.TypeFor[events.Reply](),
	"reply to notify.received":    reflect.TypeFor[events.Reply](),
}

func TestSchemasAgreeWithTheTypesThatAreWritten(t *testing.T) {
	t.Parallel()
	contract := contracttest.New(t).Contract
	for name, place := range contract {
		if place.Direction != contracts.Told || place.Schema == nil || strings.HasSuffix(name, " headers") || !strings.HasPrefix(name, "subscribe ") {
			continue
		}
		if _, ok := written[name]; !ok && name != "subscribe payment.flagged" {
			t.Errorf("%s: nobody says which Go type this is", name)
		}
	}
	for name, of := range written {
		for _, found := range contracttest.Disagreements(contract[name].Schema, of) {
			t.Errorf("%s: %s", name, found)
		}
	}
	flagged := contract["subscribe payment.flagged"].Schema.AnyOf
	for i, of := range []reflect.Type{reflect.TypeFor[events.Flagged](), reflect.TypeFor[events.FlaggedOrder]()} {
		for _, found := range contracttest.Disagreements(flagged[i], of) {
			t.Errorf("subscribe payment.flagged (%v): %s", of, found)
		}
	}
}

// requested are the fields of the requests that events reads by its own rules, and where
// each stands in the body.
var requested = map[string]struct {
	of     reflect.Type
	fields map[string]string
}{
	"publish payment.requested": {reflect.TypeFor[events.PaymentRequest](), map[string]string{
		"Merchant": "merchant", "OrderID": "order_id", "Amount": "amount", "Description": "description", "TradeType": "trade_type",
		"ClientIP": "client_ip", "PayerOpenID": "payer", "Attach": "attach", "ExpiresAt": "expires_at", "Metadata": "metadata",
	}},
	"publish refund.requested": {reflect.TypeFor[events.RefundRequest](), map[string]string{
		"Merchant": "merchant", "OrderID": "order_id", "RefundID": "refund_id", "Amount": "amount", "Reason": "reason",
	}},
}

func TestSchemasAgreeWithTheFieldsThatAreRead(t *testing.T) {
	t.Parallel()
	contract := contracttest.New(t).Contract
	for name, request := range requested {
		schema := contract[name].Schema
		read := map[string]bool{}
		for i := range request.of.NumField() {
			field := request.of.Field(i).Name
			at, ok := request.fields[field]
			if !ok || schema.Properties[at] == nil {
				t.Errorf("%s: the schema has no %s", name, field)
			}
			read[at] = true
		}
		for at := range schema.Properties {
			if !read[at] {
				t.Errorf("%s: only the schema has %s", name, at)
			}
		}
		amount, _ := request.of.FieldByName("Amount")
		for _, found := range contracttest.Disagreements(schema.Properties["amount"], amount.Type) {
			if found != "currency: required is false, omitempty is false" { // it has a default
				t.Errorf("%s: amount.%s", name, found)
			}
		}
	}
}

// A schema, and a type that differs from it in every way.
func TestDisagreementsAreFound(t *testing.T) {
	t.Parallel()
	type other struct {
		PaymentID string            `json:"payment_id,omitempty"`
		Merchant  int               `json:"merchant"`
		OrderID   string            `json:"order_id"`
		Status    []string          `json:"status"`
		Amount    struct{ Fen int } `json:"amount"`
		Metadata  map[string]int    `json:"metadata"`
		Colour    string            `json:"colour"`
	}
	schema := contracttest.New(t).Contract["subscribe payment.closed"].Schema
	got := contracttest.Disagreements(schema, reflect.TypeFor[other]())
	for _, want := range []string{
		"payment_id: required is true, omitempty is true", "merchant: the schema says [string], Go writes integer",
		"status: the schema says [string], Go writes array", "amount.Fen: only the Go type has it", "amount.total: only the schema has it",
		"metadata: required is false, omitempty is false", "metadata.*: the schema says [string], Go writes integer",
		"colour: only the Go type has it", "trade_type: only the schema has it",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("not found: %s", want)
		}
	}
	if len(got) != 13 {
		t.Errorf("found %d: %q", len(got), got)
	}
}
