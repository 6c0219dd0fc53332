package wechat_test

import (
	"crypto/aes"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"settled"
	"settled/wechat"
)

// v2Sample reads a published example of the protocol.
func v2Sample(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("v2", "testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(content))
}

func TestV2NotifyBelievesWhatIsSigned(t *testing.T) {
	t.Parallel()
	want := settled.Trade{
		Paid: true, OrderID: "1409811653", TransactionID: "1004400740201409030005092168",
		Amount: settled.Money{Total: 1, Currency: settled.CNY}, PaidAt: time.Date(2014, 9, 3, 5, 15, 40, 0, time.UTC),
		OpenID: "oUpF8uMEb4qRXf22hE3X68TekukE", BankType: "CFT", Attach: "支付测试",
	}
	toMerchant, toApp := want, want
	toMerchant.Foreign = `merchant "10000100" is not 10000101`
	toApp.Foreign = `app "wx2421b1c4370ec43b" is not wx0000000000000000`
	paid := v2With(v2Paid, "trade_state", "")
	for name, test := range map[string]struct {
		body   string
		change func(*wechat.V2Config)
		want   settled.Trade
	}{
		"the document's":            {v2Sample(t, "notify_hmac.xml"), func(*wechat.V2Config) {}, want},
		"the document's, by MD5":    {v2Sample(t, "notify.xml"), func(cfg *wechat.V2Config) { cfg.SignType = "MD5" }, want},
		"another merchant's":        {v2Sample(t, "notify_hmac.xml"), func(cfg *wechat.V2Config) { cfg.MchID = "10000101" }, toMerchant},
		"another app's":             {v2Sample(t, "notify_hmac.xml"), func(cfg *wechat.V2Config) { cfg.AppID = "wx0000000000000000" }, toApp},
		"ours":                      {v2Yes(paid), func(*wechat.V2Config) {}, v2PaidTrade()},
		"of a payment that failed":  {v2Yes(v2With(paid, "result_code", "FAIL")), func(*wechat.V2Config) {}, settled.Trade{OrderID: "20140508000017"}},
		"with an element not known": {v2Yes(v2With(paid, "settlement_total_fee", "1999")), func(*wechat.V2Config) {}, v2PaidTrade()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := openV2(t, cut, func(_ *v2Bundle, cfg *wechat.V2Config) { test.change(cfg) })
			got, err := b.gateway.Notify(t.Context(), settled.Notify{Method: "POST", Body: []byte(test.body)})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(settled.News{Trade: &test.want}, got, cmpopts.EquateApproxTime(0)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// v2Closed closes text with a key as the refund notification document says, by code of its
// own.
func v2Closed(t *testing.T, text, apiKey string) string {
	t.Helper()
	sum := md5.Sum([]byte(apiKey))
	block, err := aes.NewCipher([]byte(hex.EncodeToString(sum[:])))
	if err != nil {
		t.Fatal(err)
	}
	padding := 16 - len(text)%16
	open := []byte(text + strings.Repeat(string(rune(padding)), padding))
	for at := 0; at < len(open); at += 16 {
		block.Encrypt(open[at:at+16], open[at:at+16])
	}
	return base64.StdEncoding.EncodeToString(open)
}

// v2RefundNotify is the notify of the refund, with a state.
func v2RefundNotify(t *testing.T, state, mchID, apiKey string) string {
	t.Helper()
	info := v2With(v2Accepted, "refund_status", state)
	if state == "SUCCESS" {
		info = v2With(info, "refund_recv_accout", "招商银行信用卡0403", "success_time", "2014-05-08 10:30:00")
	}
	return v2XML("xml", map[string]string{
		"return_code": "SUCCESS", "appid": v2AppID, "mch_id": mchID, "nonce_str": "TeqClE3i0mvn3DrK",
		"req_info": v2Closed(t, v2XML("root", info), apiKey),
	})
}

func TestV2NotifyOfARefundIsAHintAlone(t *testing.T) {
	t.Parallel()
	hint := func(state settled.RepaymentState) settled.Repayment {
		r := v2Repayment(state)
		r.Unproven = true
		return r
	}
	foreign := hint(settled.RepaymentSucceeded)
	foreign.Foreign = `merchant "10000101" is not 10000100`
	sample := settled.Repayment{
		State: settled.RepaymentSucceeded, OrderID: "71106718111915575302817", RefundID: "131811191610442717309",
		TransactionID: "4200000215201811190261405420", WechatRefundID: "50000408942018111907145868882", Amount: 3960, Total: 3960,
		RefundedAt: time.Date(2018, 11, 19, 8, 24, 13, 0, time.UTC), Account: "支付用户零钱", Unproven: true,
	}
	for name, test := range map[string]struct {
		body string
		want settled.Repayment
	}{
		"the document's":     {v2Sample(t, "refund_notify.xml"), sample},
		"back":               {v2RefundNotify(t, "SUCCESS", v2MchID, v2Key), hint(settled.RepaymentSucceeded)},
		"given up":           {v2RefundNotify(t, "REFUNDCLOSE", v2MchID, v2Key), hint(settled.RepaymentClosed)},
		"stuck":              {v2RefundNotify(t, "CHANGE", v2MchID, v2Key), hint(settled.RepaymentAbnormal)},
		"another merchant's": {v2RefundNotify(t, "SUCCESS", "10000101", v2Key), foreign},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := openV2(t, cut).gateway.Notify(t.Context(), settled.Notify{Method: "POST", Body: []byte(test.body)})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(settled.News{Repayment: &test.want}, got, cmpopts.EquateApproxTime(0)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestV2NotifyIsUnverifiedIfAnythingIsWrong(t *testing.T) {
	t.Parallel()
	paid := v2Yes(v2With(v2Paid, "trade_state", ""))
	refund := v2RefundNotify(t, "SUCCESS", v2MchID, v2Key)
	for name, body := range map[string]string{
		"nothing":                          "",
		"a page":                           "<html>",
		"another amount":                   strings.Replace(paid, "[1999]", "[1998]", 1),
		"an element taken out":             strings.Replace(paid, "<attach><![CDATA[cart 77]]></attach>", "", 1),
		"an element put in":                strings.Replace(paid, "</xml>", "<device_info>1</device_info></xml>", 1),
		"an amount twice":                  strings.Replace(paid, "</xml>", "<total_fee>1999</total_fee></xml>", 1),
		"a DTD":                            "<!DOCTYPE xml []>" + paid,
		"another key's":                    v2Message("another key", v2With(v2Paid, "trade_state", "")),
		"no signature":                     v2XML("xml", v2With(v2Paid, "trade_state", "", "return_code", "SUCCESS", "result_code", "SUCCESS")),
		"by the weaker algorithm":          v2Sample(t, "notify.xml"),
		"the answer to a query":            v2Yes(v2Paid),
		"a refund closed with another key": v2RefundNotify(t, "SUCCESS", v2MchID, "another key"),
		"a refund in a state not known":    v2RefundNotify(t, "NEW", v2MchID, v2Key),
		"a refund of no whole blocks":      strings.Replace(refund, "<req_info><![CDATA[", "<req_info><![CDATA[AAAA", 1),
		"a refund in the open":             v2XML("xml", v2With(v2Accepted, "return_code", "SUCCESS", "req_info", "<root></root>")),
		"a refund that failed to be told":  strings.Replace(refund, "SUCCESS", "FAIL", 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := openV2(t, cut).gateway.Notify(t.Context(), settled.Notify{Method: "POST", Body: []byte(body)})
			if !errors.Is(err, settled.ErrUnverified) || got != (settled.News{}) {
				t.Errorf("got %+v, %v", got, err)
			}
			if err != nil && strings.Contains(err.Error(), v2Key) {
				t.Error("the error tells the key")
			}
		})
	}
}

func TestV2AnswersInXML(t *testing.T) {
	t.Parallel()
	for acknowledgement, want := range map[settled.Acknowledgement]string{
		settled.Success:    "<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>",
		settled.Unverified: "<xml><return_code><![CDATA[FAIL]]></return_code><return_msg><![CDATA[not verified]]></return_msg></xml>",
		settled.Busy:       "<xml><return_code><![CDATA[FAIL]]></return_code><return_msg><![CDATA[try again]]></return_msg></xml>",
	} {
		t.Run(string(acknowledgement), func(t *testing.T) {
			t.Parallel()
			got := openV2(t, cut).gateway.Answer(acknowledgement)
			if diff := cmp.Diff(settled.Answer{Status: 200, ContentType: "text/xml", Body: []byte(want)}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
