package events_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled/events"
)

var protocols = map[string]string{"classic": "legacy", "shop3": "v3"}

// order is a request that breaks no rule; a test changes what it is about. A change to
// nil removes the field.
func order(t *testing.T, changes map[string]any) []byte {
	t.Helper()
	fields := map[string]any{
		"merchant": "shop3", "order_id": "20261123-000017",
		"amount": map[string]any{"total": 1999, "currency": "CNY"}, "description": "One pot of tea",
		"client_ip": "203.0.113.7", "metadata": map[string]any{"cart": "77"},
	}
	for name, value := range changes {
		if fields[name] = value; value == nil {
			delete(fields, name)
		}
	}
	data, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func pairs(n int) map[string]string {
	m := map[string]string{}
	for i := range n {
		m[fmt.Sprint("key", i)] = "value"
	}
	return m
}

// Every rule of the contract, broken once: the field is named, and only it.
func TestABrokenRuleNamesItsField(t *testing.T) {
	t.Parallel()
	type set = map[string]any
	legacy := func(changes set) set {
		changes["merchant"] = "classic"
		if _, ok := changes["order_id"]; !ok {
			changes["order_id"] = "20261123000017"
		}
		return changes
	}
	for _, test := range []struct {
		name  string
		set   set
		field string
	}{
		{"no merchant", set{"merchant": nil}, "merchant"},
		{"a merchant that is not configured", set{"merchant": "nobody"}, "merchant"},
		{"a merchant that is no text", set{"merchant": 7}, "merchant"},
		{"no order id", set{"order_id": nil}, "order_id"},
		{"an order id of five", set{"order_id": "12345"}, "order_id"},
		{"an order id of 33", set{"order_id": strings.Repeat("1", 33)}, "order_id"},
		{"an order id with a space", set{"order_id": "123 456"}, "order_id"},
		{"an order id with a Chinese character", set{"order_id": "123456茶"}, "order_id"},
		{"an order id with a newline at its end", set{"order_id": "123456\n"}, "order_id"},
		{"an order id that is a number", set{"order_id": 1234567}, "order_id"},
		{"legacy: an order id with a hyphen", legacy(set{"order_id": "20261123-000017"}), "order_id"},
		{"no amount", set{"amount": nil}, "amount"},
		{"an amount that is a number", set{"amount": 1999}, "amount"},
		{"no total", set{"amount": set{"currency": "CNY"}}, "amount.total"},
		{"a total of 0", set{"amount": set{"total": 0}}, "amount.total"},
		{"a total below 0", set{"amount": set{"total": -1}}, "amount.total"},
		{"a total above the largest", set{"amount": set{"total": 100_000_000_001}}, "amount.total"},
		{"a total beyond 64 bits", set{"amount": set{"total": json.Number("99999999999999999999")}}, "amount.total"},
		{"a total with a fraction", set{"amount": set{"total": 19.99}}, "amount.total"},
		{"a total with a point", set{"amount": set{"total": json.Number("19.0")}}, "amount.total"},
		{"a total with an exponent", set{"amount": set{"total": json.Number("1e3")}}, "amount.total"},
		{"a total that is a text", set{"amount": set{"total": "1999"}}, "amount.total"},
		{"another currency", set{"amount": set{"total": 1, "currency": "USD"}}, "amount.currency"},
		{"an unknown field of the amount", set{"amount": set{"total": 1, "fen": 1}}, "amount.fen"},
		{"no description", set{"description": nil}, "description"},
		{"an empty description", set{"description": ""}, "description"},
		{"a description of 128 characters", set{"description": strings.Repeat("茶", 128)}, "description"},
		{"a description with U+0000", set{"description": "tea\x00"}, "description"},
		{"an unknown trade type", set{"trade_type": "APPLET"}, "trade_type"},
		{"a trade type in small letters", set{"trade_type": "app"}, "trade_type"},
		{"legacy: another trade type than APP", legacy(set{"trade_type": "NATIVE"}), "trade_type"},
		{"JSAPI without a payer", set{"trade_type": "JSAPI"}, "payer.openid"},
		{"JSAPI with an empty openid", set{"trade_type": "JSAPI", "payer": set{"openid": ""}}, "payer.openid"},
		{"a payer that is a text", set{"payer": "o123"}, "payer"},
		{"an unknown field of the payer", set{"payer": set{"name": "Li"}}, "payer.name"},
		{"no IP address", set{"client_ip": "203.0.113"}, "client_ip"},
		{"an attach of 128 characters", set{"attach": strings.Repeat("a", 128)}, "attach"},
		{"a time that is none", set{"expires_at": "tomorrow"}, "expires_at"},
		{"a time without a zone", set{"expires_at": "2026-11-23T12:30:00"}, "expires_at"},
		{"a time with an hour of one digit", set{"expires_at": "2026-11-23T3:59:59Z"}, "expires_at"},
		{"a time with a comma", set{"expires_at": "2026-11-23T12:30:00,5Z"}, "expires_at"},
		{"a time that is a day off", set{"expires_at": "2026-11-23T12:30:00+24:00"}, "expires_at"},
		{"a time on no day", set{"expires_at": "2026-02-30T12:30:00Z"}, "expires_at"},
		{"a time that nobody could write in Shanghai", set{"expires_at": "9999-12-31T20:00:00Z"}, "expires_at"},
		{"a time that is a number", set{"expires_at": 1795408200}, "expires_at"},
		{"17 pairs of metadata", set{"metadata": pairs(17)}, "metadata"},
		{"metadata that is a list", set{"metadata": []string{"a"}}, "metadata"},
		{"metadata with a number", set{"metadata": set{"cart": 77}}, "metadata.cart"},
		{"metadata with null", set{"metadata": set{"cart": (*int)(nil)}}, "metadata.cart"},
		{"an unknown field", set{"colour": "red"}, "colour"},
		{"a field in other letters", set{"Attach": "x"}, "Attach"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := events.ParsePaymentRequest(order(t, test.set), protocols)
			var problems events.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("error %v, want problems", err)
			}
			for _, problem := range problems {
				if problem.Field != test.field || problem.Issue == "" {
					t.Errorf("problem %q: %q, want only %q", problem.Field, problem.Issue, test.field)
				}
			}
		})
	}
}

func TestEveryBrokenRuleIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := events.ParsePaymentRequest([]byte(`{"order_id": "1", "amount": {"total": 0}, "x": 1}`), protocols)
	var problems events.Problems
	if !errors.As(err, &problems) {
		t.Fatal(err)
	}
	fields := map[string]bool{}
	for _, problem := range problems {
		fields[problem.Field] = true
	}
	want := map[string]bool{"merchant": true, "order_id": true, "amount.total": true, "description": true, "x": true}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

func TestWhatIsAllowedIsTaken(t *testing.T) {
	t.Parallel()
	type set = map[string]any
	for name, changes := range map[string]set{
		"the least":                      {"client_ip": nil, "metadata": nil, "amount": set{"total": 1}},
		"an order id with every sign":    {"order_id": "aZ09_-|*"},
		"the longest order id":           {"order_id": strings.Repeat("9", 32)},
		"the largest total":              {"amount": set{"total": 100_000_000_000}},
		"the longest description":        {"description": strings.Repeat("茶", 127)},
		"the longest attach":             {"attach": strings.Repeat("é", 127)},
		"an empty attach":                {"attach": ""},
		"an IPv6 address":                {"client_ip": "2001:db8::1"},
		"JSAPI with a payer":             {"trade_type": "JSAPI", "payer": set{"openid": "o123"}},
		"16 pairs of metadata":           {"metadata": pairs(16)},
		"null is the same as not there":  {"attach": (*int)(nil), "payer": (*int)(nil), "expires_at": (*int)(nil)},
		"legacy with letters and digits": {"merchant": "classic", "order_id": "abcDEF123"},
		"a time with fractions":          {"expires_at": "2026-11-23T12:30:00.5+08:00"},
		"a time in small letters":        {"expires_at": "2026-11-23t12:30:00z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := events.ParsePaymentRequest(order(t, changes), protocols); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDefaultsAreFilledIn(t *testing.T) {
	t.Parallel()
	got, err := events.ParsePaymentRequest(
		[]byte(`{"merchant":"shop3","order_id":"123456","amount":{"total":5},"description":"tea","expires_at":"2026-11-23T12:30:00+08:00"}`), protocols)
	if err != nil {
		t.Fatal(err)
	}
	want := events.PaymentRequest{
		Merchant: "shop3", OrderID: "123456", Amount: events.Amount{Total: 5, Currency: "CNY"},
		Description: "tea", TradeType: "APP", ExpiresAt: time.Date(2026, 11, 23, 4, 30, 0, 0, time.UTC),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

func TestWhatIsNoObjectIsMalformed(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "{", "[]", "null", `"text"`, "42", `{"a":1} {"b":2}`, "{\"merchant\": \"\xff\"}", `{"a":}`} {
		if _, err := events.ParsePaymentRequest([]byte(text), protocols); !errors.Is(err, events.ErrMalformed) {
			t.Errorf("%q: %v, want %v", text, err, events.ErrMalformed)
		}
	}
}

func TestAFieldThatStandsTwiceIsRefused(t *testing.T) {
	t.Parallel()
	const text = `{"merchant":"shop3","order_id":"123456","amount":{"total":5,"total":500},"description":"tea"}`
	_, err := events.ParsePaymentRequest([]byte(text), protocols)
	want := events.Problems{{Field: "amount.total", Issue: "stands twice"}}
	if diff := cmp.Diff(error(want), err); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
}

func TestARequestHasABound(t *testing.T) {
	t.Parallel()
	large := order(t, map[string]any{"metadata": map[string]string{"k": strings.Repeat("x", events.MaxBody)}})
	var problems events.Problems
	if _, err := events.ParsePaymentRequest(large, protocols); !errors.As(err, &problems) || problems[0].Field != "" {
		t.Errorf("error %v, want a problem of the whole body", err)
	}
}

func TestFingerprint(t *testing.T) {
	t.Parallel()
	of := func(changes map[string]any) string {
		request, err := events.ParsePaymentRequest(order(t, changes), protocols)
		if err != nil {
			t.Fatal(err)
		}
		return request.Fingerprint()
	}
	type set = map[string]any
	first := of(nil)
	for name, changes := range map[string]set{
		"defaults spelled out": {"trade_type": "APP", "attach": "", "payer": set{}},
		"default left out":     {"amount": set{"total": 1999}},
	} {
		if of(changes) != first {
			t.Errorf("%s: another content", name)
		}
	}
	east, west := set{"expires_at": "2026-11-23T12:30:00+08:00"}, set{"expires_at": "2026-11-23T04:30:00Z"}
	if of(east) != of(west) {
		t.Error("the same moment in another zone: another content")
	}
	seen := map[string]string{first: "nothing"}
	for name, changes := range map[string]set{
		"merchant": {"merchant": "classic", "order_id": "20261123000017"}, "order_id": {"order_id": "20261123-000018"},
		"amount": {"amount": set{"total": 2000}}, "description": {"description": "Two pots of tea"},
		"trade_type": {"trade_type": "NATIVE"}, "client_ip": {"client_ip": "203.0.113.8"}, "payer": {"payer": set{"openid": "o"}},
		"attach": {"attach": "o"}, "expires_at": east, "metadata": {"metadata": set{"cart": "78"}}, "no metadata": {"metadata": nil},
	} {
		fingerprint := of(changes)
		if other, ok := seen[fingerprint]; ok {
			t.Errorf("a change of %s is the same content as a change of %s", name, other)
		}
		seen[fingerprint] = name
	}
}

func FuzzParsePaymentRequest(f *testing.F) {
	f.Add([]byte(`{"merchant":"shop3","order_id":"123456","amount":{"total":5},"description":"tea"}`))
	f.Add([]byte(`{"merchant":null,"amount":[],"metadata":{"a":{}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		request, err := events.ParsePaymentRequest(data, protocols)
		if err == nil && (request.Amount.Total < 1 || len(request.OrderID) < 6 || protocols[request.Merchant] == "") {
			t.Errorf("took %+v", request)
		}
	})
}

func TestParseReturn(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]events.Return{
		`{"payment_id":"p"}`:                   {PaymentID: "p"},
		`{"merchant":"m","order_id":"123456"}`: {Merchant: "m", OrderID: "123456"},
	} {
		got, err := events.ParseReturn([]byte(text))
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{`{}`, `{"merchant":"m"}`, `{"order_id":"123456"}`, `{"payment_id":"p","x":1}`, `[`} {
		if _, err := events.ParseReturn([]byte(text)); err == nil {
			t.Errorf("%s: taken", text)
		}
	}
}
