package events_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled/events"
)

var shops = map[string]string{"shop3": "v3"}

func TestARequestIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	least := events.PaymentRequest{Merchant: "shop3", OrderID: "tea-0001", Amount: events.Amount{Total: 1}, Description: "茶"}
	filled := least
	filled.Amount.Currency, filled.TradeType = "CNY", "APP"
	all := events.PaymentRequest{
		Merchant: "shop3", OrderID: "tea-0002", Amount: events.Amount{Total: 1999, Currency: "CNY"}, Description: "One pot of <tea>",
		TradeType: "JSAPI", ClientIP: "203.0.113.7", PayerOpenID: "o1", Attach: "a&b",
		ExpiresAt: time.Date(2026, 11, 23, 12, 30, 0, 123_000_000, time.FixedZone("", 8*3600)), Metadata: map[string]string{"cart": "77"},
	}
	for name, test := range map[string]struct{ request, want events.PaymentRequest }{
		"with the least": {least, filled},
		"with all":       {all, all},
	} {
		body, err := json.Marshal(test.request)
		if err != nil {
			t.Fatal(err)
		}
		got, err := events.ParsePaymentRequest(body, shops)
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("%s: %s: %v (-want +got):\n%s", name, body, err, diff)
		}
	}
}

func TestARefundRequestIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	want := events.RefundRequest{
		Merchant: "shop3", OrderID: "tea-0001", RefundID: "R1", Amount: events.RefundAmount{Refund: 5, Total: 9, Currency: "CNY"}, Reason: "cold",
	}
	body, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := events.ParseRefundRequest(body, shops)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%s: %v (-want +got):\n%s", body, err, diff)
	}
}
