package events_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settled/events"
)

const goodRefund = `{"merchant": "shop3", "order_id": "20261123-000017", "refund_id": "r-1|*@",
	"amount": {"refund": 500, "total": 1999, "currency": "CNY"}, "reason": "tea was cold"}`

var refundProtocols = map[string]string{"shop3": "v3"}

func TestAGoodRefundRequestIsRead(t *testing.T) {
	t.Parallel()
	want := events.RefundRequest{
		Merchant: "shop3", OrderID: "20261123-000017", RefundID: "r-1|*@",
		Amount: events.RefundAmount{Refund: 500, Total: 1999, Currency: "CNY"}, Reason: "tea was cold",
	}
	for name, body := range map[string]string{
		"whole":       goodRefund,
		"no defaults": strings.Replace(goodRefund, `, "currency": "CNY"`, "", 1),
	} {
		got, err := events.ParseRefundRequest([]byte(body), refundProtocols)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if got.Fingerprint() != want.Fingerprint() {
			t.Errorf("%s: another fingerprint", name)
		}
	}
}

func TestARefundRequestThatBreaksARuleIsRefusedByName(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ old, replaced, field string }{
		"no merchant":          {`"merchant": "shop3", `, ``, "merchant"},
		"an unknown merchant":  {`"shop3"`, `"shop4"`, "merchant"},
		"no order":             {`"order_id": "20261123-000017", `, ``, "order_id"},
		"no refund id":         {`"refund_id": "r-1|*@",`, ``, "refund_id"},
		"a long refund id":     {`r-1|*@`, strings.Repeat("r", 65), "refund_id"},
		"a wrong refund id":    {`r-1|*@`, `r 1`, "refund_id"},
		"no amount":            {`"amount": {"refund": 500, "total": 1999, "currency": "CNY"}, `, ``, "amount"},
		"nothing to give back": {`"refund": 500`, `"refund": 0`, "amount.refund"},
		"half a fen":           {`"refund": 500`, `"refund": 500.5`, "amount.refund"},
		"more than the total":  {`"refund": 500`, `"refund": 2000`, "amount.refund"},
		"no total":             {`, "total": 1999`, ``, "amount.total"},
		"another currency":     {`"CNY"`, `"USD"`, "amount.currency"},
		"a long reason":        {`tea was cold`, strings.Repeat("茶", 81), "reason"},
		"an unknown field":     {`"reason"`, `"raeson"`, "raeson"},
	} {
		_, err := events.ParseRefundRequest([]byte(strings.Replace(goodRefund, test.old, test.replaced, 1)), refundProtocols)
		var problems events.Problems
		if !errors.As(err, &problems) || problems[0].Field != test.field {
			t.Errorf("%s: %v, want a problem with %s", name, err, test.field)
		}
	}
}

func TestAnyOtherRefundHasAnotherFingerprint(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for name, change := range map[string]func(*events.RefundRequest){
		"itself":   func(*events.RefundRequest) {},
		"merchant": func(r *events.RefundRequest) { r.Merchant = "shop4" },
		"order":    func(r *events.RefundRequest) { r.OrderID = "20261123-000018" },
		"number":   func(r *events.RefundRequest) { r.RefundID = "r-2" },
		"amount":   func(r *events.RefundRequest) { r.Amount.Refund++ },
		"total":    func(r *events.RefundRequest) { r.Amount.Total++ },
		"reason":   func(r *events.RefundRequest) { r.Reason = "" },
	} {
		r := events.RefundRequest{
			Merchant: "shop3", OrderID: "20261123-000017", RefundID: "r-1",
			Amount: events.RefundAmount{Refund: 5, Total: 9, Currency: "CNY"}, Reason: "x",
		}
		change(&r)
		if other, taken := seen[r.Fingerprint()]; taken {
			t.Errorf("%s and %s have one fingerprint", name, other)
		}
		seen[r.Fingerprint()] = name
	}
}
