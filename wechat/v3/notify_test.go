package v3_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	v3 "settled/wechat/v3"
)

// sealedExample is an encrypted text, as published.
type sealedExample struct {
	Name, Key, Nonce, AssociatedData, Ciphertext, Text string
}

func TestDecryptOpensWhatIsPublished(t *testing.T) {
	t.Parallel()
	for _, example := range readJSON[[]sealedExample](t, "sealed.json") {
		t.Run(example.Name, func(t *testing.T) {
			t.Parallel()
			got, err := v3.Decrypt(example.Key, example.Nonce, example.AssociatedData, example.Ciphertext)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(example.Text, string(got)); diff != "" {
				t.Error(diff)
			}
			if again := seal(t, example.Key, example.Nonce, example.AssociatedData, example.Text); again != example.Ciphertext {
				t.Error("it is encrypted in another way")
			}
		})
	}
}

func TestDecryptRefuses(t *testing.T) {
	t.Parallel()
	const nonce, data = "uluk4a9R25RW", "associatedData"
	good := seal(t, apiV3Key, nonce, data, "message")
	for name, test := range map[string]struct {
		key, nonce, data, ciphertext string
		want                         error
	}{
		"another key":             {strings.ToLower(apiV3Key), nonce, data, good, v3.ErrUndecipherable},
		"a key of no size":        {"short", nonce, data, good, v3.ErrUndecipherable},
		"no key":                  {"", nonce, data, good, v3.ErrUndecipherable},
		"another nonce":           {apiV3Key, "uluk4a9R25RX", data, good, v3.ErrUndecipherable},
		"a nonce of 11 bytes":     {apiV3Key, nonce[1:], data, good, v3.ErrUnreadable},
		"a nonce of 13 bytes":     {apiV3Key, nonce + "x", data, good, v3.ErrUnreadable},
		"no nonce":                {apiV3Key, "", data, good, v3.ErrUnreadable},
		"other associated data":   {apiV3Key, nonce, "", good, v3.ErrUndecipherable},
		"no ciphertext":           {apiV3Key, nonce, data, "", v3.ErrUnreadable},
		"a ciphertext of 15":      {apiV3Key, nonce, data, base64.StdEncoding.EncodeToString(make([]byte, 15)), v3.ErrUnreadable},
		"a tag alone":             {apiV3Key, nonce, data, base64.StdEncoding.EncodeToString(make([]byte, 16)), v3.ErrUndecipherable},
		"no base64":               {apiV3Key, nonce, data, "*" + good[1:], v3.ErrUnreadable},
		"a byte that has changed": {apiV3Key, nonce, data, "A" + good[1:], v3.ErrUndecipherable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := v3.Decrypt(test.key, test.nonce, test.data, test.ciphertext)
			if len(got) > 0 || !errors.Is(err, test.want) {
				t.Errorf("got %q, %v; want %v", got, err, test.want)
			}
			if test.key != "" && strings.Contains(err.Error(), test.key) {
				t.Error("the error tells a key")
			}
		})
	}
	if got, err := v3.Decrypt(apiV3Key, nonce, "", seal(t, apiV3Key, nonce, "", "")); err != nil || len(got) != 0 {
		t.Errorf("nothing at all: got %q, %v", got, err)
	}
}

// documentTrade is what testdata/notify_transaction.json tells.
func documentTrade() v3.Trade {
	return v3.Trade{
		Paid: true, State: "SUCCESS", AppID: "wxd678efh567hg6787", MchID: "1900000109",
		OrderID: "T20260101000000000001", TransactionID: "4200000000202601010000000001", Total: 100, Currency: "CNY",
		PaidAt: at, OpenID: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", BankType: "OTHERS",
	}
}

func TestANotifyOfAPaymentIsRead(t *testing.T) {
	t.Parallel()
	envelope, err := v3.ReadEnvelope(read(t, "notify_transaction.json"))
	if err != nil {
		t.Fatal(err)
	}
	if envelope.ID != "EV-2026010100000000001" || envelope.Type != "TRANSACTION.SUCCESS" {
		t.Errorf("got %q of type %q", envelope.ID, envelope.Type)
	}
	got, err := envelope.Open(apiV3Key)
	if err != nil {
		t.Fatal(err)
	}
	want := documentTrade()
	if diff := cmp.Diff(v3.Notify{Trade: &want}, got, cmpopts.EquateApproxTime(0)); diff != "" {
		t.Error(diff)
	}
	if _, err := envelope.Open("another key of thirty-two bytes!"); !errors.Is(err, v3.ErrUndecipherable) {
		t.Errorf("with another key: got %v", err)
	}
}

const refundResource = `{"mchid":"1900000109","transaction_id":"4200000000202601010000000001","out_trade_no":"T20260101000000000001",` +
	`"refund_id":"50200207182018070300011301001","out_refund_no":"R7752501201407033233368018","refund_status":"SUCCESS",` +
	`"success_time":"2026-01-01T00:00:30+08:00","user_received_account":"招商银行信用卡0403",` +
	`"amount":{"total":999,"refund":998,"payer_total":990,"payer_refund":990}}`

func documentRepayment() v3.Repayment {
	return v3.Repayment{
		State: v3.RepaymentSucceeded, MchID: "1900000109", OrderID: "T20260101000000000001",
		TransactionID: "4200000000202601010000000001", RefundID: "R7752501201407033233368018",
		WechatRefundID: "50200207182018070300011301001", Amount: 998, Total: 999, RefundedAt: at, Account: "招商银行信用卡0403",
	}
}

// envelope writes a notify of a type around an encrypted text.
func envelope(tb testing.TB, kind, text string) []byte {
	tb.Helper()
	body, err := json.Marshal(map[string]any{
		"id": "EV-1", "event_type": kind, "resource_type": "encrypt-resource",
		"resource": map[string]string{
			"algorithm": "AEAD_AES_256_GCM", "nonce": "0123456789ab", "associated_data": "refund", "original_type": "refund",
			"ciphertext": seal(tb, apiV3Key, "0123456789ab", "refund", text),
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return body
}

func TestANotifyIsReadByItsEventType(t *testing.T) {
	t.Parallel()
	closed, abnormal := documentRepayment(), documentRepayment()
	closed.State, closed.RefundedAt = v3.RepaymentClosed, time.Time{}
	abnormal.State, abnormal.RefundedAt = v3.RepaymentAbnormal, time.Time{}
	refund := documentRepayment()
	for kind, test := range map[string]struct {
		text string
		want v3.Notify
	}{
		"REFUND.SUCCESS":             {refundResource, v3.Notify{Repayment: &refund}},
		"REFUND.CLOSED":              {strings.Replace(refundResource, "SUCCESS", "CLOSED", 1), v3.Notify{Repayment: &closed}},
		"REFUND.ABNORMAL":            {strings.Replace(refundResource, "SUCCESS", "ABNORMAL", 1), v3.Notify{Repayment: &abnormal}},
		"PAYSCORE.USER_OPEN_SERVICE": {"{}", v3.Notify{}},
		"TRANSACTION.PAY_BACK":       {"{}", v3.Notify{}},
		"transaction.success":        {"{}", v3.Notify{}},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			e, err := v3.ReadEnvelope(envelope(t, kind, test.text))
			if err != nil || e.Type != kind {
				t.Fatalf("got %+v, %v", e, err)
			}
			got, err := e.Open(apiV3Key)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, cmpopts.EquateApproxTime(0)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestANotifyOfAnythingElseNeedsNoKey(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"published":        string(read(t, "notify_payscore.json")),
		"without resource": `{"event_type":"PAYSCORE.USER_OPEN_SERVICE"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := v3.ReadEnvelope([]byte(body))
			if err != nil || e.Type != "PAYSCORE.USER_OPEN_SERVICE" {
				t.Fatalf("got %+v, %v", e, err)
			}
			if got, err := e.Open(""); err != nil || got != (v3.Notify{}) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestReadEnvelopeRefuses(t *testing.T) {
	t.Parallel()
	good := string(read(t, "notify_transaction.json"))
	for name, body := range map[string]string{
		"nothing":            "",
		"null":               "null",
		"a list":             "[]",
		"half of it":         good[:len(good)-1],
		"something behind":   good + "{}",
		"no resource":        `{"event_type":"TRANSACTION.SUCCESS"}`,
		"a resource of null": `{"event_type":"TRANSACTION.SUCCESS","resource":null}`,
		"a list of them":     `{"event_type":"TRANSACTION.SUCCESS","resource":[{}]}`,
		"an empty resource":  `{"event_type":"REFUND.SUCCESS","resource":{}}`,
		"no type":            strings.Replace(good, `"event_type"`, `"event"`, 1),
		"a type of no kind":  strings.Replace(good, `"TRANSACTION.SUCCESS"`, `7`, 1),
		"no nonce":           strings.Replace(good, `"nonce"`, `"other"`, 1),
		"no ciphertext":      strings.Replace(good, `"ciphertext"`, `"other"`, 1),
		"no algorithm":       strings.Replace(good, `"algorithm"`, `"other"`, 1),
		"a number as nonce":  strings.Replace(good, `"0123456789ab"`, `1`, 1),
		"a resource twice":   strings.Replace(good, `"summary":`, `"resource":{},"summary":`, 1),
		"in another case":    strings.Replace(good, `"summary":`, `"Resource":{},"summary":`, 1),
		"more than a MiB":    good + strings.Repeat(" ", 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := v3.ReadEnvelope([]byte(body)); !errors.Is(err, v3.ErrUnreadable) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	good := string(read(t, "notify_transaction.json"))
	for name, test := range map[string]struct {
		body string
		want error
	}{
		"another algorithm":   {strings.Replace(good, "AEAD_AES_256_GCM", "AEAD_SM4_GCM", 1), v3.ErrUnreadable},
		"a nonce of 11 bytes": {strings.Replace(good, "0123456789ab", "0123456789a", 1), v3.ErrUnreadable},
		"another nonce":       {strings.Replace(good, "0123456789ab", "0123456789aa", 1), v3.ErrUndecipherable},
		"other data":          {strings.Replace(good, `"associated_data":"transaction"`, `"associated_data":"refund"`, 1), v3.ErrUndecipherable},
		"no data":             {strings.Replace(good, `"associated_data"`, `"other"`, 1), v3.ErrUndecipherable},
		"no order inside":     {string(envelope(t, "TRANSACTION.SUCCESS", "{}")), v3.ErrUnreadable},
		"no refund inside":    {string(envelope(t, "REFUND.SUCCESS", "{}")), v3.ErrUnreadable},
		"no JSON inside":      {string(envelope(t, "REFUND.SUCCESS", "<xml>")), v3.ErrUnreadable},
		"a refund as a trade": {string(envelope(t, "TRANSACTION.SUCCESS", refundResource)), v3.ErrUnreadable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := v3.ReadEnvelope([]byte(test.body))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := e.Open(apiV3Key); !errors.Is(err, test.want) || got != (v3.Notify{}) {
				t.Errorf("got %+v, %v; want %v", got, err, test.want)
			}
		})
	}
}

func TestFailureIsTheDocumentsJSON(t *testing.T) {
	t.Parallel()
	if got := string(v3.Failure("signature")); got != `{"code":"FAIL","message":"signature"}` {
		t.Errorf("got %s", got)
	}
	if v3.SuccessStatus != 204 {
		t.Errorf("got %d", v3.SuccessStatus)
	}
}

// Only one resource was ever encrypted with this key under its nonce: whatever is done to
// the notify, it is refused, or it tells the same, or nothing.
func FuzzReadEnvelope(f *testing.F) {
	good := read(f, "notify_transaction.json")
	f.Add(good)
	f.Add(read(f, "notify_payscore.json"))
	f.Add([]byte(strings.Replace(string(good), "TRANSACTION.SUCCESS", "REFUND.SUCCESS", 1)))
	f.Add([]byte(`{"event_type":"TRANSACTION.SUCCESS","resource":{}}`))
	f.Add([]byte(`{"event_type":"TRANSACTION.SUCCESS"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := v3.ReadEnvelope(body)
		if err != nil {
			if !errors.Is(err, v3.ErrUnreadable) {
				t.Errorf("got %v", err)
			}
			return
		}
		got, err := e.Open(apiV3Key)
		switch {
		case errors.Is(err, v3.ErrUnreadable), errors.Is(err, v3.ErrUndecipherable):
		case err != nil || got.Repayment != nil:
			t.Errorf("got %+v, %v", got.Repayment, err)
		case got.Trade != nil:
			if diff := cmp.Diff(documentTrade(), *got.Trade, cmpopts.EquateApproxTime(0)); diff != "" {
				t.Error(diff)
			}
		}
	})
}
