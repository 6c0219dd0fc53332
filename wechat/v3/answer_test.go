package v3_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	v3 "settled/wechat/v3"
)

func TestOpenBelievesASuccessOnlyIfItVerifies(t *testing.T) {
	t.Parallel()
	ring := v3.NewKeyring(publicKey())
	body := []byte(`{"prepay_id":"wx1"}`)
	for name, test := range map[string]struct {
		answer v3.Answer
		want   error
	}{
		"200 signed":           {v3.Answer{Status: 200, Header: headers(t, wechatKeyID, body, at), Body: body}, nil},
		"204 signed":           {v3.Answer{Status: 204, Header: headers(t, wechatKeyID, nil, at)}, nil},
		"200 unsigned":         {v3.Answer{Status: 200, Body: body}, v3.ErrUnverified},
		"204 unsigned":         {v3.Answer{Status: 204}, v3.ErrUnverified},
		"200 of another body":  {v3.Answer{Status: 200, Header: headers(t, wechatKeyID, nil, at), Body: body}, v3.ErrUnverified},
		"200 of another key":   {v3.Answer{Status: 200, Header: headers(t, "AB", body, at), Body: body}, v3.ErrUnknownSerial},
		"a page of some proxy": {v3.Answer{Status: 200, Body: []byte("<html>")}, v3.ErrUnverified},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ring.Open(v3.PrepayAPP, test.answer, at)
			if !errors.Is(err, test.want) || (err == nil) != (got == wechatKeyID) {
				t.Errorf("got %q, %v; want %v", got, err, test.want)
			}
		})
	}
}

func TestOpenReadsAnErrorWithoutASignature(t *testing.T) {
	t.Parallel()
	const id = "08F78BA98206-268512771"
	for name, test := range map[string]struct {
		status int
		header map[string][]string
		body   string
		want   v3.Error
	}{
		"WeChat's own": {
			404, map[string][]string{"Request-ID": {id}}, `{"code":"ORDER_NOT_EXIST","message":"订单不存在","detail":{"field":"x"}}`,
			v3.Error{Code: "ORDER_NOT_EXIST", Message: "订单不存在", RequestID: id},
		},
		"an id in another case":     {400, map[string][]string{"request-id": {id}}, `{"code":"PARAM_ERROR"}`, v3.Error{Code: "PARAM_ERROR", RequestID: id}},
		"an id of two values":       {400, map[string][]string{"Request-Id": {id, id}}, `{"code":"PARAM_ERROR"}`, v3.Error{Code: "PARAM_ERROR"}},
		"an id nobody could store":  {400, map[string][]string{"Request-Id": {"a\xff"}}, `{"code":"PARAM_ERROR"}`, v3.Error{Code: "PARAM_ERROR"}},
		"an id without end":         {400, map[string][]string{"Request-Id": {strings.Repeat("x", 129)}}, `{"code":"PARAM_ERROR"}`, v3.Error{Code: "PARAM_ERROR"}},
		"accepted":                  {202, nil, `{"code":"USER_PAYING","message":"m"}`, v3.Error{Code: "USER_PAYING", Message: "m"}},
		"accepted without a word":   {202, nil, ``, v3.Error{}},
		"a redirect":                {302, nil, `<html>`, v3.Error{}},
		"a page":                    {502, nil, `<html>502</html>`, v3.Error{}},
		"nothing":                   {500, nil, ``, v3.Error{}},
		"JSON of something else":    {403, nil, `["SIGN_ERROR"]`, v3.Error{}},
		"a number as code":          {403, nil, `{"code":403,"message":"m"}`, v3.Error{Message: "m"}},
		"a code in words":           {403, nil, `{"code":"not allowed","message":"m"}`, v3.Error{Message: "m"}},
		"a code without end":        {403, nil, `{"code":"` + strings.Repeat("X", 65) + `"}`, v3.Error{}},
		"two codes":                 {403, nil, `{"code":"NO_AUTH","code":"SIGN_ERROR"}`, v3.Error{}},
		"a code nobody could store": {403, nil, `{"code":"NO_AUTH","message":"\u0000"}`, v3.Error{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			id, err := v3.NewKeyring(publicKey()).Open(v3.Query, v3.Answer{Status: test.status, Header: test.header, Body: []byte(test.body)}, at)
			var got *v3.Error
			if !errors.As(err, &got) || id != "" {
				t.Fatalf("got %q, %v", id, err)
			}
			test.want.Call, test.want.Status = v3.Query, test.status
			if diff := cmp.Diff(test.want, *got); diff != "" {
				t.Error(diff)
			}
		})
	}
	err := &v3.Error{Call: v3.Close, Status: 400, Code: "PARAM_ERROR", Message: "no"}
	if want := "close: 400 PARAM_ERROR no"; err.Error() != want {
		t.Errorf("got %q", err.Error())
	}
}

func TestReadPrepay(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		call v3.Call
		body string
		want string
	}{
		"APP":                    {v3.PrepayAPP, `{"prepay_id":"wx1"}`, "wx1"},
		"JSAPI":                  {v3.PrepayJSAPI, `{"prepay_id":"wx1","later":[{}]}`, "wx1"},
		"NATIVE":                 {v3.PrepayNative, string(read(t, "answer_native.json")), "weixin://wxpay/bizpayurl?pr=JyC91EIz1"},
		"H5":                     {v3.PrepayH5, `{"h5_url":"https://wx.tenpay.com/?a=1&b=2"}`, "https://wx.tenpay.com/?a=1&b=2"},
		"the field of another":   {v3.PrepayH5, `{"prepay_id":"wx1"}`, ""},
		"another call":           {v3.Close, `{"prepay_id":"wx1","":"x"}`, ""},
		"empty":                  {v3.PrepayAPP, `{"prepay_id":""}`, ""},
		"a number":               {v3.PrepayAPP, `{"prepay_id":7}`, ""},
		"twice":                  {v3.PrepayAPP, `{"prepay_id":"a","prepay_id":"a"}`, ""},
		"in another case":        {v3.PrepayAPP, `{"Prepay_ID":"a"}`, ""},
		"twice, in another case": {v3.PrepayAPP, `{"prepay_id":"a","PREPAY_ID":"a"}`, ""},
		"twice, escaped":         {v3.PrepayAPP, `{"prepay_id":"a","prepay\u005fid":"b"}`, ""},
		"U+0000":                 {v3.PrepayAPP, `{"prepay_id":"\u0000"}`, ""},
		"U+0000 in a name":       {v3.PrepayAPP, `{"prepay_id":"a","\u0000":1}`, ""},
		"deep":                   {v3.PrepayAPP, `{"prepay_id":"a","b":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, ""},
		"deeper than any stack":  {v3.PrepayAPP, `{"prepay_id":"a","b":` + strings.Repeat("[", 200000) + strings.Repeat("]", 200000) + `}`, ""},
		"two answers":            {v3.PrepayAPP, `{"prepay_id":"a"}{}`, ""},
		"half an answer":         {v3.PrepayAPP, `{"prepay_id":"a"`, ""},
		"a comma too many":       {v3.PrepayAPP, `{"prepay_id":"a",}`, ""},
		"nothing":                {v3.PrepayAPP, ``, ""},
		"null":                   {v3.PrepayAPP, `null`, ""},
		"a string":               {v3.PrepayAPP, `"prepay_id"`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := v3.ReadPrepay(test.call, []byte(test.body))
			if got != test.want || (test.want == "") != errors.Is(err, v3.ErrUnreadable) {
				t.Errorf("got %q, %v; want %q", got, err, test.want)
			}
		})
	}
}

// change replaces in a body what has to be there; old and new in turn.
func change(t *testing.T, body string, replace []string) []byte {
	t.Helper()
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(body, replace[i]) {
			t.Fatalf("the body has no %s", replace[i])
		}
		body = strings.Replace(body, replace[i], replace[i+1], 1)
	}
	return []byte(body)
}

func TestReadTrade(t *testing.T) {
	t.Parallel()
	resource := readJSON[[]sealedExample](t, "sealed.json")[1].Text
	with := func(change func(*v3.Trade)) *v3.Trade {
		trade := documentTrade()
		change(&trade)
		return &trade
	}
	unpaid := func(state string, closed bool) *v3.Trade {
		return &v3.Trade{State: state, Closed: closed, AppID: "wxd678efh567hg6787", MchID: "1900000109", OrderID: "T20260101000000000001"}
	}
	same := with(func(*v3.Trade) {})
	for name, test := range map[string]struct {
		replace []string // in the published resource, old and new in turn
		want    *v3.Trade
	}{
		"paid":                           {nil, same},
		"given back, so it was paid":     {[]string{`"SUCCESS"`, `"REFUND"`}, with(func(t *v3.Trade) { t.State = "REFUND" })},
		"not paid":                       {[]string{`"SUCCESS"`, `"NOTPAY"`}, unpaid("NOTPAY", false)},
		"being paid":                     {[]string{`"SUCCESS"`, `"USERPAYING"`}, unpaid("USERPAYING", false)},
		"closed":                         {[]string{`"SUCCESS"`, `"CLOSED"`}, unpaid("CLOSED", true)},
		"revoked":                        {[]string{`"SUCCESS"`, `"REVOKED"`}, unpaid("REVOKED", true)},
		"failed":                         {[]string{`"SUCCESS"`, `"PAYERROR"`}, unpaid("PAYERROR", true)},
		"a state of later years":         {[]string{`"SUCCESS"`, `"ACCEPT"`}, unpaid("ACCEPT", false)},
		"not paid and without an amount": {[]string{`"SUCCESS"`, `"NOTPAY"`, `"amount"`, `"other"`}, unpaid("NOTPAY", false)},
		"with a coupon":                  {[]string{`"payer_total":100`, `"payer_total":1`}, same},
		"another currency":               {[]string{`"currency":"CNY"`, `"currency":"HKD"`}, with(func(t *v3.Trade) { t.Currency = "HKD" })},
		"no currency, which means yuan":  {[]string{`"currency":"CNY",`, ``}, same},
		"no payer":                       {[]string{`"payer"`, `"other"`}, with(func(t *v3.Trade) { t.OpenID = "" })},
		"a payer of null":                {[]string{`{"openid":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}`, `null`}, with(func(t *v3.Trade) { t.OpenID = "" })},
		"an attach":                      {[]string{`"attach":""`, `"attach":"cart 77"`}, with(func(t *v3.Trade) { t.Attach = "cart 77" })},
		"a time with fractions":          {[]string{`00:00:30+08:00`, `00:00:30.000+08:00`}, same},
		"a time of another zone":         {[]string{`2026-01-01T00:00:30+08:00`, `2025-12-31T16:00:30Z`}, same},
		"no state":                       {[]string{`"trade_state"`, `"state"`}, nil},
		"no order":                       {[]string{`"out_trade_no"`, `"other"`}, nil},
		"no transaction":                 {[]string{`"transaction_id"`, `"other"`}, nil},
		"an order that is a number":      {[]string{`"T20260101000000000001"`, `20260101`}, nil},
		"no amount":                      {[]string{`"amount"`, `"other"`}, nil},
		"an amount of null":              {[]string{`"amount":{`, `"amount":null,"other":{`}, nil},
		"an amount that is a number":     {[]string{`"amount":{`, `"amount":100,"other":{`}, nil},
		"no total":                       {[]string{`"total":100`, `"sum":100`}, nil},
		"a total in quotes":              {[]string{`"total":100`, `"total":"100"`}, nil},
		"a total of null":                {[]string{`"total":100`, `"total":null`}, nil},
		"a total in yuan":                {[]string{`"total":100`, `"total":1.00`}, nil},
		"a total in powers":              {[]string{`"total":100`, `"total":1e2`}, nil},
		"a total below 0":                {[]string{`"total":100`, `"total":-100`}, nil},
		"a total beyond int64":           {[]string{`"total":100`, `"total":9223372036854775808`}, nil},
		"a total twice":                  {[]string{`"total":100`, `"total":100,"total":1`}, nil},
		"a total twice, in two cases":    {[]string{`"total":100`, `"total":100,"Total":1`}, nil},
		"a currency that is a number":    {[]string{`"currency":"CNY"`, `"currency":1`}, nil},
		"no time":                        {[]string{`"success_time"`, `"other"`}, nil},
		"a time of no calendar":          {[]string{`2026-01-01T`, `2026-02-30T`}, nil},
		"a time of zeros":                {[]string{`2026-01-01T`, `0001-01-01T`}, nil},
		"a time without zone":            {[]string{`00:00:30+08:00`, `00:00:30`}, nil},
		"a payer that is a string":       {[]string{`{"openid":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}`, `"o"`}, nil},
		"a list":                         {[]string{`{"mchid"`, `[{"mchid"`, `"payer_currency":"CNY"}}`, `"payer_currency":"CNY"}}]`}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := v3.ReadTrade(change(t, resource, test.replace))
			if test.want == nil {
				test.want = &v3.Trade{}
				if !errors.Is(err, v3.ErrUnreadable) {
					t.Errorf("got %v", err)
				}
			} else if err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(*test.want, got, cmpopts.EquateApproxTime(0)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// refundAnswer is an answer to refund in the shape of the document.
const refundAnswer = `{"refund_id":"50000000382019052709732678859","out_refund_no":"R1","transaction_id":"42","out_trade_no":"T1",` +
	`"channel":"ORIGINAL","user_received_account":"支付用户零钱","success_time":"2026-01-01T00:00:30+08:00",` +
	`"create_time":"2026-01-01T00:00:00+08:00","status":"SUCCESS","funds_account":"AVAILABLE",` +
	`"amount":{"total":100,"refund":99,"payer_total":90,"payer_refund":90,"currency":"CNY","from":[{"account":"AVAILABLE","amount":1}]}}`

func TestReadRepayment(t *testing.T) {
	t.Parallel()
	with := func(change func(*v3.Repayment)) *v3.Repayment {
		r := v3.Repayment{
			State: v3.RepaymentSucceeded, OrderID: "T1", TransactionID: "42", RefundID: "R1",
			WechatRefundID: "50000000382019052709732678859", Amount: 99, Total: 100, Currency: "CNY",
			RefundedAt: at, Account: "支付用户零钱",
		}
		change(&r)
		return &r
	}
	in := func(state v3.RepaymentState) *v3.Repayment {
		return with(func(r *v3.Repayment) { r.State, r.RefundedAt = state, time.Time{} })
	}
	silent := with(func(r *v3.Repayment) {
		r.State, r.RefundedAt, r.Amount, r.Total, r.Currency = v3.RepaymentProcessing, time.Time{}, 0, 0, ""
	})
	for name, test := range map[string]struct {
		replace []string
		want    *v3.Repayment
	}{
		"succeeded":                           {nil, with(func(*v3.Repayment) {})},
		"processing":                          {[]string{`"SUCCESS"`, `"PROCESSING"`}, in(v3.RepaymentProcessing)},
		"closed":                              {[]string{`"SUCCESS"`, `"CLOSED"`}, in(v3.RepaymentClosed)},
		"abnormal":                            {[]string{`"SUCCESS"`, `"ABNORMAL"`}, in(v3.RepaymentAbnormal)},
		"processing, without an amount":       {[]string{`"SUCCESS"`, `"PROCESSING"`, `"amount":{`, `"other":{`}, silent},
		"as a notify says it":                 {[]string{`"status"`, `"refund_status"`}, with(func(*v3.Repayment) {})},
		"with two states":                     {[]string{`"status"`, `"refund_status":"CLOSED","status"`}, nil},
		"in no state":                         {[]string{`"status"`, `"other"`}, nil},
		"in a state of later years":           {[]string{`"SUCCESS"`, `"LATER"`}, nil},
		"in a state that is a number":         {[]string{`"SUCCESS"`, `1`}, nil},
		"without our number":                  {[]string{`"out_refund_no"`, `"other"`}, nil},
		"without WeChat's number":             {[]string{`"refund_id"`, `"other"`}, nil},
		"succeeded without a time":            {[]string{`"success_time"`, `"other"`}, with(func(r *v3.Repayment) { r.RefundedAt = time.Time{} })},
		"succeeded at no time":                {[]string{`"2026-01-01T00:00:30+08:00"`, `"yesterday"`}, nil},
		"succeeded without an amount":         {[]string{`"amount":{`, `"other":{`}, nil},
		"succeeded without what was refunded": {[]string{`"refund":99`, `"other":99`}, nil},
		"succeeded without a total":           {[]string{`"total":100`, `"other":100`}, nil},
		"with a refund in quotes":             {[]string{`"refund":99`, `"refund":"99"`}, nil},
		"with an amount in quotes":            {[]string{`"SUCCESS"`, `"PROCESSING"`, `"refund":99`, `"refund":"99"`}, nil},
		"with a refund below 0":               {[]string{`"refund":99`, `"refund":-99`}, nil},
		"with a refund twice":                 {[]string{`"refund":99`, `"refund":99,"refund":9`}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := v3.ReadRepayment(change(t, refundAnswer, test.replace))
			if test.want == nil {
				test.want = &v3.Repayment{}
				if !errors.Is(err, v3.ErrUnreadable) {
					t.Errorf("got %v", err)
				}
			} else if err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(*test.want, got, cmpopts.EquateApproxTime(0)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// No bytes make a reader panic, none of its errors is of a kind nobody knows, and nothing
// is paid at no time.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte(readJSON[[]sealedExample](f, "sealed.json")[1].Text))
	f.Add([]byte(refundAnswer))
	f.Add([]byte(refundResource))
	f.Add(read(f, "answer_native.json"))
	f.Add([]byte(`{"prepay_id":"wx1"}`))
	f.Add([]byte(`{"trade_state":"SUCCESS","amount":{"total":1e2}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		_, prepay := v3.ReadPrepay(v3.PrepayAPP, body)
		trade, ofTrade := v3.ReadTrade(body)
		repayment, ofRepayment := v3.ReadRepayment(body)
		for _, err := range []error{prepay, ofTrade, ofRepayment} {
			if err != nil && !errors.Is(err, v3.ErrUnreadable) {
				t.Errorf("got %v", err)
			}
		}
		if ofTrade == nil && (trade.OrderID == "" || trade.Paid && (trade.TransactionID == "" || trade.PaidAt.IsZero() || trade.Total < 0)) {
			t.Errorf("got %+v", trade)
		}
		if ofRepayment == nil && (repayment.RefundID == "" || repayment.State != v3.RepaymentSucceeded && !repayment.RefundedAt.IsZero()) {
			t.Errorf("got %+v", repayment)
		}
	})
}

// An answer that is not signed is an *Error or unverified, whatever it says.
func FuzzOpen(f *testing.F) {
	f.Add(404, "id-1", []byte(`{"code":"ORDER_NOT_EXIST","message":"m"}`))
	f.Add(200, "", []byte(`{"prepay_id":"wx1"}`))
	f.Add(202, "\xff", []byte(`{"code":"USER_PAYING"}`))
	f.Add(0, "", []byte(`{"code":["\u0000"]}`))
	f.Fuzz(func(t *testing.T, status int, id string, body []byte) {
		answer := v3.Answer{Status: status, Header: map[string][]string{"Request-Id": {id}}, Body: body}
		key, err := v3.NewKeyring().Open(v3.CreateRefund, answer, at)
		var said *v3.Error
		switch {
		case errors.Is(err, v3.ErrUnverified):
		case !errors.As(err, &said):
			t.Errorf("got %q, %v", key, err)
		case said.Verdict().Class == v3.Done || said.Verdict().Class == v3.Absent:
			t.Errorf("a refund is never %+v", said.Verdict())
		}
	})
}
