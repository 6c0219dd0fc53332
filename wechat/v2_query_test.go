package wechat_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"settled"
)

// v2Paid is what WeChat says of the payment when it is paid.
var v2Paid = map[string]string{
	"trade_type": "APP", "trade_state": "SUCCESS", "out_trade_no": "20140508000017", "transaction_id": "1008450740201405080005820873",
	"total_fee": "1999", "cash_fee": "1900", "fee_type": "CNY", "time_end": "20140508101015", "bank_type": "CMB_DEBIT",
	"openid": "oUpF8uMEb4qRXf22hE3X68TekukE", "attach": "cart 77",
}

func v2PaidTrade() settled.Trade {
	return settled.Trade{
		Paid: true, OrderID: "20140508000017", TransactionID: "1008450740201405080005820873",
		Amount: settled.Money{Total: 1999, Currency: settled.CNY}, PaidAt: time.Unix(1399515015, 0),
		OpenID: "oUpF8uMEb4qRXf22hE3X68TekukE", BankType: "CMB_DEBIT", Attach: "cart 77",
	}
}

// v2State is what WeChat says of the payment in a state without money.
func v2State(state string) map[string]string {
	return map[string]string{"trade_state": state, "out_trade_no": "20140508000017"}
}

func TestV2QueryTellsWhatWeChatKnows(t *testing.T) {
	t.Parallel()
	toMerchant, toApp := v2PaidTrade(), v2PaidTrade()
	toMerchant.Foreign = `merchant "10000101" is not 10000100`
	toApp.Foreign = `app "wx0000000000000000" is not wx2421b1c4370ec43b`
	unpaid := settled.Trade{OrderID: "20140508000017"}
	over := settled.Trade{OrderID: "20140508000017", Closed: true}
	for name, test := range map[string]struct {
		answer string
		want   settled.Trade
	}{
		"paid":                     {v2Yes(v2Paid), v2PaidTrade()},
		"paid and being refunded":  {v2Yes(v2With(v2Paid, "trade_state", "REFUND")), v2PaidTrade()},
		"paid to another merchant": {v2Yes(v2With(v2Paid, "mch_id", "10000101")), toMerchant},
		"paid in another app":      {v2Yes(v2With(v2Paid, "appid", "wx0000000000000000")), toApp},
		"not paid":                 {v2Yes(v2State("NOTPAY")), unpaid},
		"being paid":               {v2Yes(v2State("USERPAYING")), unpaid},
		"not paid, without number": {v2Yes(v2With(v2State("NOTPAY"), "out_trade_no", "")), unpaid},
		"closed":                   {v2Yes(v2State("CLOSED")), over},
		"revoked":                  {v2Yes(v2State("REVOKED")), over},
		"failed":                   {v2Yes(v2State("PAYERROR")), over},
		"not known":                {v2No("ORDERNOTEXIST", "no such order"), unpaid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := openV2(t, answer(test.answer))
			got, err := b.gateway.Query(t.Context(), v2Payment(settled.APP))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, cmpopts.EquateApproxTime(0)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestV2QueryAndCloseAskForTheOrder(t *testing.T) {
	t.Parallel()
	b := openV2(t, answers(v2Yes(v2Paid), v2Yes(nil)))
	if _, err := b.gateway.Query(t.Context(), v2Payment(settled.APP)); err != nil {
		t.Fatal(err)
	}
	if err := b.gateway.Close(t.Context(), v2Payment(settled.APP)); err != nil {
		t.Fatal(err)
	}
	got := b.got()
	if len(got) != 2 || got[0].Path != "/pay/orderquery" || got[1].Path != "/pay/closeorder" {
		t.Fatalf("got %+v", got)
	}
	for _, r := range got {
		if diff := cmp.Diff(v2Asked(map[string]string{"out_trade_no": "20140508000017"}), v2Read(t, r.Body)); diff != "" {
			t.Error(r.Path, diff)
		}
	}
	if diff := cmp.Diff([]string{"orderquery main done 0", "closeorder main done 0"}, b.observed); diff != "" {
		t.Error(diff)
	}
}

func TestV2QueryIsUnknownIfTheAnswerSaysNothingAboutTheOrder(t *testing.T) {
	t.Parallel()
	const bug = 5 * time.Minute
	for name, test := range map[string]struct {
		answer string
		want   *settled.Unknown
	}{
		"another order, paid":             {v2Yes(v2With(v2Paid, "out_trade_no", "20140508000018")), &settled.Unknown{Code: "other_order"}},
		"another order, closed":           {v2Yes(v2With(v2State("CLOSED"), "out_trade_no", "20140508000018")), &settled.Unknown{Code: "other_order"}},
		"closed at another merchant":      {v2Yes(v2With(v2State("CLOSED"), "mch_id", "10000101")), &settled.Unknown{Code: "other_order"}},
		"a state that nobody knows":       {v2Yes(v2State("NEW")), &settled.Unknown{Code: "unreadable"}},
		"paid at no time":                 {v2Yes(v2With(v2Paid, "time_end", "")), &settled.Unknown{Code: "unreadable"}},
		"paid, says anybody":              {v2Message("another key", v2Paid), &settled.Unknown{Code: "unverified"}},
		"busy":                            {v2No("SYSTEMERROR", "busy"), &settled.Unknown{Code: "SYSTEMERROR"}},
		"too often":                       {v2No("FREQUENCY_LIMITED", "slower"), &settled.Unknown{Code: "FREQUENCY_LIMITED", After: 5 * time.Second}},
		"a wrong key":                     {v2No("SIGNERROR", "sign"), &settled.Unknown{Code: "SIGNERROR", After: bug}},
		"a code of later years":           {v2No("NEW_RULE", "no"), &settled.Unknown{Code: "NEW_RULE", After: bug}},
		"a request that WeChat can't use": {v2Fail("mch_id参数格式错误"), &settled.Unknown{Code: "return_code", After: bug}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := openV2(t, answer(test.answer))
			got, err := b.gateway.Query(t.Context(), v2Payment(settled.APP))
			wantFailure(t, err, test.want)
			if diff := cmp.Diff(settled.Trade{}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestV2CloseClosesWhatIsNotPaid(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer string
		want   error
	}{
		"closed":               {v2Yes(nil), nil},
		"closed before":        {v2No("ORDERCLOSED", "closed"), nil},
		"not known":            {v2No("ORDERNOTEXIST", "no such order"), nil},
		"paid":                 {v2No("ORDERPAID", "paid"), &settled.Refusal{Code: "ORDERPAID", Message: "paid", Contested: true, Paid: true}},
		"in another state":     {v2No("TRADE_STATE_ERROR", "state"), &settled.Refusal{Code: "TRADE_STATE_ERROR", Message: "state", Contested: true}},
		"busy":                 {v2No("SYSTEMERROR", "busy"), &settled.Unknown{Code: "SYSTEMERROR"}},
		"closed, says anybody": {v2Message("another key", nil), &settled.Unknown{Code: "unverified"}},
		"for another merchant": {v2Yes(map[string]string{"mch_id": "10000101"}), &settled.Unknown{Code: "unreadable"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := openV2(t, answer(test.answer)).gateway.Close(t.Context(), v2Payment(settled.APP))
			if test.want == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantFailure(t, err, test.want)
		})
	}
}

func TestV2HasNothingToAcknowledge(t *testing.T) {
	t.Parallel()
	b := openV2(t, cut)
	if err := b.gateway.Acknowledge(t.Context(), v2Payment(settled.APP)); err != nil || b.gateway.Acknowledges() || len(b.got()) != 0 {
		t.Errorf("got %v and %d calls", err, len(b.got()))
	}
}
