package wechat_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"settled"
)

// v3Refund is a refund with its request stored.
func v3Refund() settled.Refund {
	return settled.Refund{
		ID: "9f1c1f6e-5d52-4b3d-9d0f-7f3b8e1f0a12", Merchant: "shop3", OrderID: "T|20140508*17", RefundID: "R@1",
		Amount: 99, Total: 1999, Currency: settled.CNY, Reason: "cold & late", Request: []byte(`{"stored":"as it is & was"}`),
	}
}

// v3Refunded says that the customer has the money.
const v3Refunded = `{"refund_id":"50300000017","out_refund_no":"R@1","transaction_id":"4200000017","out_trade_no":"T|20140508*17",` +
	`"channel":"ORIGINAL","user_received_account":"招商银行信用卡0403","success_time":"2014-05-08T10:10:15+08:00",` +
	`"create_time":"2014-05-08T10:10:00+08:00","status":"SUCCESS","amount":{"total":1999,"refund":99,"currency":"CNY"}}`

func v3Repaid() settled.Repayment {
	return settled.Repayment{
		State: settled.RepaymentSucceeded, OrderID: "T|20140508*17", RefundID: "R@1", TransactionID: "4200000017",
		WechatRefundID: "50300000017", Amount: 99, Total: 1999, RefundedAt: time.Unix(1399515015, 0), Account: "招商银行信用卡0403",
	}
}

func TestV3RefundRequestAsksForItsOwnNotify(t *testing.T) {
	t.Parallel()
	b := openV3(t, nil)
	got, err := b.gateway.RefundRequest(v3Payment(), v3Refund())
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"out_trade_no":"T|20140508*17","out_refund_no":"R@1","reason":"cold & late",` +
		`"notify_url":"https://pay.example.com/notify/shop3/refund","amount":{"refund":99,"total":1999,"currency":"CNY"}}`
	if diff := cmp.Diff(want, string(got)); diff != "" || len(b.got()) != 0 {
		t.Error(diff)
	}
}

func TestV3RefundTellsWhereTheMoneyIs(t *testing.T) {
	t.Parallel()
	state := func(state settled.RepaymentState) settled.Repayment {
		r := v3Repaid()
		r.State, r.RefundedAt = state, time.Time{}
		return r
	}
	for name, test := range map[string]struct {
		body string
		want settled.Repayment
	}{
		"with the customer": {v3Refunded, v3Repaid()},
		"on its way":        {in(v3Refunded, "SUCCESS", "PROCESSING"), state(settled.RepaymentProcessing)},
		"with the shop":     {in(v3Refunded, "SUCCESS", "CLOSED"), state(settled.RepaymentClosed)},
		"nowhere":           {in(v3Refunded, "SUCCESS", "ABNORMAL"), state(settled.RepaymentAbnormal)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := openV3(t, nil, signed(test.body))
			test.want.RequestID = v3AnswerName
			for _, call := range []func() (settled.Repayment, error){
				func() (settled.Repayment, error) { return b.gateway.Refund(t.Context(), v3Refund()) },
				func() (settled.Repayment, error) { return b.gateway.QueryRefund(t.Context(), v3Refund()) },
			} {
				got, err := call()
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(test.want, got, cmpopts.EquateApproxTime(0)); diff != "" {
					t.Error(diff)
				}
			}
			requests := b.got()
			if requests[0].Method+requests[0].URI != "POST/v3/refund/domestic/refunds" || requests[0].Body != `{"stored":"as it is & was"}` ||
				requests[1].Method+requests[1].URI != "GET/v3/refund/domestic/refunds/R%401" {
				t.Errorf("got %+v", requests)
			}
			checkSigned(t, requests[0])
			checkSigned(t, requests[1])
		})
	}
}

func TestV3RefundIsFinalOnlyIfNothingCanHaveBeenPaidOut(t *testing.T) {
	t.Parallel()
	refusal := func(code string, contested bool) error {
		return &settled.Refusal{Code: code, Message: "m", Contested: contested, RequestID: v3AnswerName}
	}
	for name, test := range map[string]struct {
		answer v3Answer
		want   error
	}{
		"a bad parameter":          {refused(400, "PARAM_ERROR"), refusal("PARAM_ERROR", false)},
		"more than is left":        {refused(400, "INVALID_REQUEST"), refusal("INVALID_REQUEST", true)},
		"no such order":            {refused(404, "RESOURCE_NOT_EXISTS"), refusal("RESOURCE_NOT_EXISTS", true)},
		"a closed account":         {refused(403, "USER_ACCOUNT_ABNORMAL"), refusal("USER_ACCOUNT_ABNORMAL", true)},
		"a code of later years":    {refused(403, "LATER"), refusal("LATER", true)},
		"the shop is short":        {refused(403, "NOT_ENOUGH"), &settled.Unknown{Code: "NOT_ENOUGH", After: 10 * time.Minute}},
		"too often":                {refused(429, "FREQUENCY_LIMITED"), &settled.Unknown{Code: "FREQUENCY_LIMITED", After: time.Minute}},
		"no permission":            {refused(403, "NO_AUTH"), &settled.Unknown{Code: "NO_AUTH", After: 5 * time.Minute}},
		"busy":                     {refused(500, "SYSTEM_ERROR"), &settled.Unknown{Code: "SYSTEM_ERROR"}},
		"a proxy's 403":            {v3Answer{status: 403}, &settled.Unknown{Code: "status_403"}},
		"done, says nobody":        {v3Answer{status: 200, body: v3Refunded}, &settled.Unknown{Code: "unverified"}},
		"another refund":           {signed(in(v3Refunded, "R@1", "R@2")), &settled.Unknown{Code: "other_order"}},
		"done, for nothing":        {signed(in(v3Refunded, `"refund":99,`, ``)), &settled.Unknown{Code: "unreadable"}},
		"in a state nobody knows":  {signed(in(v3Refunded, "SUCCESS", "LATER")), &settled.Unknown{Code: "unreadable"}},
		"in no state, as a notify": {signed(in(v3Refunded, `"SUCCESS"`, `null`)), &settled.Unknown{Code: "unreadable"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := openV3(t, nil, test.answer).gateway.Refund(t.Context(), v3Refund())
			wantFailure(t, err, test.want)
			if diff := cmp.Diff(settled.Repayment{}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestV3ARefundThatWeChatDoesNotKnowIsAbsent(t *testing.T) {
	t.Parallel()
	got, err := openV3(t, nil, refused(404, "RESOURCE_NOT_EXISTS")).gateway.QueryRefund(t.Context(), v3Refund())
	if err != nil {
		t.Fatal(err)
	}
	want := settled.Repayment{State: settled.RepaymentAbsent, OrderID: "T|20140508*17", RefundID: "R@1", RequestID: v3AnswerName}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	_, err = openV3(t, nil, v3Answer{status: 404, body: "<html>"}).gateway.QueryRefund(t.Context(), v3Refund())
	wantFailure(t, err, &settled.Unknown{Code: "status_404"})
}
