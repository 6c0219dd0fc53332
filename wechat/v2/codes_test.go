package v2_test

import (
	"strings"
	"testing"
	"time"

	"settled/wechat/v2"
)

// calls is the order in which the table's columns stand.
var calls = []v2.Call{v2.UnifiedOrder, v2.OrderQuery, v2.CloseOrder, v2.RefundOrder, v2.RefundQuery}

// The letters of the table.
var verdicts = map[rune]v2.Verdict{
	'R': {Class: v2.Refused},
	'C': {Class: v2.Contested},
	'D': {Class: v2.Done},
	'A': {Class: v2.Absent},
	'.': {Class: v2.Unknown},                                    // ask again
	's': {Class: v2.Unknown, After: time.Minute},                // slower
	'p': {Class: v2.Unknown, After: 5 * time.Second},            // slower, but a customer waits
	'l': {Class: v2.Unknown, After: 10 * time.Minute},           // later
	'b': {Class: v2.Unknown, After: 5 * time.Minute},            // a bug of ours
	'm': {Class: v2.CredentialsRefused, After: 5 * time.Minute}, // somebody has to mend it
}

func TestWhatAnErrorCodeMeansDependsOnTheCall(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		// unifiedorder, orderquery, closeorder, refund, refundquery
		"SYSTEMERROR":           ".....",
		"BIZERR_NEED_RETRY":     ".....",
		"FREQUENCY_LIMITED":     "ppsss",
		"INVALID_REQ_TOO_MUCH":  "sssss",
		"ORDERPAID":             "CbCCb",
		"ORDERCLOSED":           "CbDCb",
		"OUT_TRADE_NO_USED":     "CbbCb",
		"ORDERNOTEXIST":         "RADCb",
		"TRADE_STATE_ERROR":     "CbCCb",
		"INVALID_REQUEST":       "RbbCb",
		"NOTENOUGH":             "Rbblb",
		"ORDER_NOT_READY":       "Rbblb",
		"ERROR":                 "RbbCb",
		"USER_ACCOUNT_ABNORMAL": "RbbCb",
		"TRADE_OVERDUE":         "RbbCb",
		"INVALID_TRANSACTIONID": "RbbCb",
		"REFUND_FEE_MISMATCH":   "RbbCb",
		"REFUNDNOTEXIST":        "RbbCA",
		"NOAUTH":                "Rmmmm",
		"SIGNERROR":             "Rmmmm",
		"APPID_NOT_EXIST":       "Rmmmm",
		"MCHID_NOT_EXIST":       "Rmmmm",
		"APPID_MCHID_NOT_MATCH": "Rmmmm",
		"CERT_ERROR":            "Rmmmm",
		"LACK_PARAMS":           "RbbCb",
		"PARAM_ERROR":           "RbbCb",
		"XML_FORMAT_ERROR":      "RbbCb",
		"REQUIRE_POST_METHOD":   "RbbCb",
		"POST_DATA_EMPTY":       "RbbCb",
		"NOT_UTF8":              "RbbCb",

		// One code in two spellings.
		"SYSTEM_ERROR":    ".....",
		"ORDER_PAID":      "CbCCb",
		"ORDER_NOT_EXIST": "RADCb",
		"SIGN_ERROR":      "Rmmmm",
		"INVALIDREQUEST":  "RbbCb",

		// Codes that no document lists.
		"BANKERROR":               "RbbCb",
		"RULE_LIMIT":              "RbbCb",
		"FREQUENCY_LIMIT_EXCEED":  "ppsss",
		"RATELIMIT_EXCEEDED":      "ppsss",
		"orderpaid":               "RbbCb",
		strings.Repeat("X", 1024): "RbbCb",
	} {
		for i, letter := range want {
			if got := (&v2.Error{Call: calls[i], Code: code}).Verdict(); got != verdicts[letter] {
				t.Errorf("%.40s of %s: got %+v, want %+v", code, calls[i].Name(), got, verdicts[letter])
			}
		}
	}
}

func TestAnAnswerWithoutACodeTellsNothingAboutAnOrder(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]string{
		"签名错误":                     "mmmmm",
		"appid参数长度有误":              "mmmmm",
		"mch_id参数格式错误":             "mmmmm",
		"":                         "mmmmm",
		"ORDERPAID":                "mmmmm",
		"SYSTEMERROR":              "ppsss",
		"系统繁忙，请稍后再试":               "ppsss",
		"Frequency limit exceeded": "ppsss",
		"FREQUENCY_LIMITED":        "ppsss",
		"请求频率过高，请稍后再试":             "ppsss",
		"操作过于频繁":                   "ppsss",
	} {
		for i, letter := range want {
			if got := (&v2.Error{Call: calls[i], Message: message}).Verdict(); got != verdicts[letter] {
				t.Errorf("%q of %s: got %+v, want %+v", message, calls[i].Name(), got, verdicts[letter])
			}
		}
	}
}

func TestAnErrorSaysThatItIsOneTooMany(t *testing.T) {
	t.Parallel()
	for want, errors := range map[bool][]v2.Error{
		true:  {{Code: "FREQUENCY_LIMITED"}, {Code: "INVALID_REQ_TOO_MUCH"}, {Code: "RATELIMIT_EXCEEDED"}, {Message: "请求频率过高，请稍后再试"}},
		false: {{Code: "SYSTEMERROR"}, {Code: "NOTENOUGH"}, {Code: "ORDERPAID"}, {Code: "LACK_PARAMS"}, {Message: "签名错误"}},
	} {
		for _, e := range errors {
			for _, e.Call = range calls {
				if e.TooOften() != want {
					t.Errorf("%s: too often is %t", e.Error(), !want)
				}
			}
		}
	}
}

func TestAnErrorSaysThatTheOrderIsPaidByItsCodeAlone(t *testing.T) {
	t.Parallel()
	for want, errors := range map[bool][]v2.Error{
		true:  {{Code: "ORDERPAID"}, {Code: "ORDER_PAID"}},
		false: {{Code: "ORDERCLOSED"}, {Code: "TRADE_STATE_ERROR"}, {Message: "ORDERPAID"}},
	} {
		for _, e := range errors {
			if e.Paid() != want {
				t.Errorf("%s: paid is %t", e.Error(), !want)
			}
		}
	}
}
