package v3_test

import (
	"testing"
	"time"

	v3 "settled/wechat/v3"
)

// calls are the calls in the order of the columns below; the four prepay calls are one.
var calls = []v3.Call{v3.PrepayAPP, v3.Query, v3.Close, v3.CreateRefund, v3.QueryRefund, v3.Certificates}

// The whole table, as an operator would be told: R refused, C contested, D done, A absent,
// M somebody has to mend it, and what is unknown: u ask again, s slower, b in five minutes,
// n in ten, when there may be money again, p in a few seconds, because a customer waits.
func TestWhatACodeMeansDependsOnTheCall(t *testing.T) {
	t.Parallel()
	words := map[byte]v3.Verdict{
		'R': {Class: v3.Refused}, 'C': {Class: v3.Contested}, 'D': {Class: v3.Done}, 'A': {Class: v3.Absent},
		'M': {Class: v3.CredentialsRefused, After: 5 * time.Minute}, 'u': {Class: v3.Unknown},
		's': {Class: v3.Unknown, After: time.Minute}, 'b': {Class: v3.Unknown, After: 5 * time.Minute},
		'n': {Class: v3.Unknown, After: 10 * time.Minute}, 'p': {Class: v3.Unknown, After: 5 * time.Second},
	}
	for _, test := range []struct {
		status int
		code   string
		want   string // prepay, query, close, refund, refund query, certificates
	}{
		{400, "PARAM_ERROR", "RbbRbb"},
		{400, "INVALID_REQUEST", "RbbCbb"},
		{401, "SIGN_ERROR", "RMMMMM"},
		{403, "NO_AUTH", "RMMMMM"},
		{403, "NOAUTH", "RMMMMM"},
		{403, "REQUEST_BLOCKED", "RMMMMM"},
		{400, "APPID_MCHID_NOT_MATCH", "RMMMMM"},
		{400, "MCH_NOT_EXISTS", "RMMMMM"},
		{404, "MCH_NOT_EXISTS", "RMMMMM"},
		{403, "ACCOUNT_ERROR", "RMMCMM"},
		{403, "ACCOUNTERROR", "RMMCMM"},
		{403, "USER_ACCOUNT_ABNORMAL", "RbbCbb"},
		{403, "RULE_LIMIT", "RbbCbb"},
		{403, "RULELIMIT", "RbbCbb"},
		{403, "TRADE_ERROR", "RbCCbb"},
		{403, "NOT_ENOUGH", "Rbbnbb"},
		{403, "NOTENOUGH", "Rbbnbb"},
		{500, "OPENID_MISMATCH", "RbbCbb"},
		{500, "INVALID_TRANSACTIONID", "RbbCbb"},
		{400, "ORDER_PAID", "CuCCub"},
		{403, "ORDERPAID", "CuCCub"},
		{403, "OUT_TRADE_NO_USED", "CbCCbb"},
		{400, "ORDER_CLOSED", "CuDCub"},
		{404, "ORDER_NOT_EXIST", "RADCAb"},
		{404, "ORDERNOTEXIST", "RADCAb"},
		{404, "RESOURCE_NOT_EXISTS", "RADCAA"},
		{202, "USER_PAYING", "uuuuuu"},
		{202, "USERPAYING", "uuuuuu"},
		{500, "SYSTEM_ERROR", "uuuuuu"},
		{500, "SYSTEMERROR", "uuuuuu"},
		{400, "SYSTEM_ERROR", "uuuuuu"},
		{500, "BANK_ERROR", "uuuuuu"},
		{500, "BANKERROR", "uuuuuu"},
		{503, "SERVICE_UNAVAILABLE", "uuuuuu"},
		{429, "FREQUENCY_LIMITED", "ppssss"},
		{403, "FREQUENCY_LIMITED", "ppssss"},
		{429, "RATELIMIT_EXCEEDED", "ppssss"},

		// What the table does not list.
		{400, "OF_LATER_YEARS", "RbbCbM"},
		{403, "OF_LATER_YEARS", "RbbCbM"},
		{404, "OF_LATER_YEARS", "RbDCbM"},
		{429, "OF_LATER_YEARS", "ppssss"},
		{500, "OF_LATER_YEARS", "uuuuuu"},
		{202, "OF_LATER_YEARS", "uuuuuu"},
		{302, "OF_LATER_YEARS", "uuuuuu"},

		// What nobody knows to be WeChat's own word.
		{202, "", "uuuuuu"},
		{302, "", "uuuuuu"},
		{400, "", "uuuuuu"},
		{401, "", "uuuuuu"},
		{404, "", "uuuuuu"},
		{407, "", "uuuuuu"},
		{429, "", "ppssss"},
		{500, "", "uuuuuu"},
		{502, "", "uuuuuu"},
	} {
		for column, call := range calls {
			said := &v3.Error{Call: call, Status: test.status, Code: test.code}
			if got, want := said.Verdict(), words[test.want[column]]; got != want {
				t.Errorf("%s: %d %s: got %+v, want %+v", call.Name(), test.status, test.code, got, want)
			}
			if said.TooOften() != (test.want[column] == 's' || test.want[column] == 'p') {
				t.Errorf("%s: %d %s: too often: %v", call.Name(), test.status, test.code, said.TooOften())
			}
		}
	}
}

func TestCallsOfOneKindHearTheSame(t *testing.T) {
	t.Parallel()
	for call, want := range map[v3.Call]v3.Call{
		v3.PrepayJSAPI: v3.PrepayAPP, v3.PrepayNative: v3.PrepayAPP, v3.PrepayH5: v3.PrepayAPP, v3.QueryTransaction: v3.Query,
	} {
		for _, code := range []string{"ORDER_PAID", "ORDER_NOT_EXIST", "SIGN_ERROR", "OF_LATER_YEARS"} {
			got := (&v3.Error{Call: call, Status: 400, Code: code}).Verdict()
			if want := (&v3.Error{Call: want, Status: 400, Code: code}).Verdict(); got != want {
				t.Errorf("%s: %s: got %+v, want %+v", call.Name(), code, got, want)
			}
		}
	}
}
