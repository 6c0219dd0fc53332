package settled_test

import (
	"testing"

	"settled"
)

func TestNextRefundIsTotal(t *testing.T) {
	t.Parallel()
	const stays = ""
	want := map[settled.RefundStatus]map[settled.RefundFact]settled.RefundStatus{
		settled.RefundRequested: {
			settled.RefundFactAccepted: settled.RefundAccepted, settled.RefundFactRefunded: settled.RefundCompleted,
			settled.RefundFactRefused: settled.RefundFailed,
		},
		settled.RefundAccepted: {
			settled.RefundFactAccepted: stays, settled.RefundFactRefunded: settled.RefundCompleted,
			settled.RefundFactRefused: settled.RefundFailed,
		},
		settled.RefundCompleted: {
			settled.RefundFactAccepted: stays, settled.RefundFactRefunded: stays, settled.RefundFactRefused: stays,
		},
		settled.RefundFailed: {
			settled.RefundFactAccepted: stays, settled.RefundFactRefunded: settled.RefundCompleted,
			settled.RefundFactRefused: stays,
		},
	}
	for _, from := range settled.RefundStatuses {
		for _, fact := range settled.RefundFacts {
			to, moved := settled.NextRefund(from, fact)
			wantTo := want[from][fact]
			if moved != (wantTo != stays) {
				t.Errorf("NextRefund(%s, %s) moved = %v", from, fact, moved)
			}
			if wantTo == stays {
				wantTo = from
			}
			if to != wantTo {
				t.Errorf("NextRefund(%s, %s) = %s, want %s", from, fact, to, wantTo)
			}
		}
	}
}

func TestARepaymentThatDisagreesIsNoRepaymentOfThisRefund(t *testing.T) {
	t.Parallel()
	refund := settled.Refund{OrderID: "order0001", RefundID: "r1", Amount: 100, Total: 300, Currency: settled.CNY}
	for name, test := range map[string]struct {
		told settled.Repayment
		want settled.FlagReason
	}{
		"the same":            {settled.Repayment{OrderID: "order0001", RefundID: "r1", Amount: 100, Total: 300}, ""},
		"what is not said":    {settled.Repayment{RefundID: "r1"}, ""},
		"another amount":      {settled.Repayment{Amount: 99, Total: 300}, settled.AmountMismatch},
		"another total":       {settled.Repayment{Amount: 100, Total: 301}, settled.AmountMismatch},
		"another order":       {settled.Repayment{OrderID: "order0002", Amount: 100}, settled.MerchantMismatch},
		"another merchant's":  {settled.Repayment{Amount: 100, Foreign: "mchid 1"}, settled.MerchantMismatch},
		"a merchant's and no": {settled.Repayment{Foreign: "appid x"}, settled.MerchantMismatch},
	} {
		if reason, detail := settled.RefundDisagreement(refund, test.told); reason != test.want || (reason == "") != (detail == "") {
			t.Errorf("%s: %q, %q; want %q", name, reason, detail, test.want)
		}
	}
}
