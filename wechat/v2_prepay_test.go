package wechat_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled"
	"settled/wechat"
)

const v2PrepayID = "wx201411101639507cbf6ffd8b0779950874"

// v2Prepaid is what WeChat gives for an order of a trade type.
func v2Prepaid(as string) map[string]string {
	given := map[string]string{"trade_type": as, "prepay_id": v2PrepayID}
	switch as {
	case "NATIVE":
		given["code_url"] = "weixin://wxpay/bizpayurl?pr=AbCdEf1"
	case "MWEB":
		given["mweb_url"] = "https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx2016&package=1"
	}
	return given
}

func TestV2PrepayRequestIsMadeOfThePaymentAlone(t *testing.T) {
	t.Parallel()
	scene := `{"h5_info":{"type":"Wap","wap_url":"https://pay.example.com","wap_name":"pay.example.com"}}`
	for as, own := range map[settled.TradeType]map[string]string{
		settled.APP:    {"trade_type": "APP"},
		settled.JSAPI:  {"trade_type": "JSAPI", "openid": "oUpF8uMEb4qRXf22hE3X68TekukE"},
		settled.NATIVE: {"trade_type": "NATIVE", "product_id": "20140508000017"},
		settled.H5:     {"trade_type": "MWEB", "scene_info": scene},
	} {
		t.Run(string(as), func(t *testing.T) {
			t.Parallel()
			b := openV2(t, cut)
			body, err := b.gateway.PrepayRequest(v2Payment(as))
			if err != nil {
				t.Fatal(err)
			}
			want := v2Asked(map[string]string{
				"body": "One pot of tea", "attach": "cart 77", "fee_type": "CNY", "notify_url": v2NotifyURL,
				"out_trade_no": "20140508000017", "spbill_create_ip": "203.0.113.7", "total_fee": "1999",
				"time_start": "20140508100936", "time_expire": "20140508103936",
			})
			maps.Copy(want, own)
			if diff := cmp.Diff(want, v2Read(t, string(body))); diff != "" {
				t.Error(diff)
			}
			if len(b.got()) != 0 {
				t.Error("it made a call")
			}
		})
	}
}

func TestV2PrepayRequestOfAPaymentThatIsJustBeingMadeStartsNow(t *testing.T) {
	t.Parallel()
	b := openV2(t, cut)
	created, err := b.gateway.PrepayRequest(v2Payment(settled.APP))
	if err != nil {
		t.Fatal(err)
	}
	p := v2Payment(settled.APP)
	p.CreatedAt = time.Time{}
	unborn, err := b.gateway.PrepayRequest(p)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(created), string(unborn)); diff != "" {
		t.Error(diff)
	}
}

func TestV2PrepaySendsWhatIsStoredAndGivesWhatTheCustomerNeeds(t *testing.T) {
	t.Parallel()
	app := map[string]string{
		"appid": v2AppID, "partnerid": v2MchID, "prepayid": v2PrepayID, "package": "Sign=WXPay",
		"noncestr": nonce, "timestamp": "1399514976",
	}
	app["sign"] = v2Sign(app, v2Key)
	page := map[string]string{
		"appId": v2AppID, "timeStamp": "1399514976", "nonceStr": nonce, "package": "prepay_id=" + v2PrepayID, "signType": "HMAC-SHA256",
	}
	page["paySign"] = v2Sign(page, v2Key)
	for as, test := range map[settled.TradeType]struct {
		spelled string
		want    settled.Prepared
	}{
		settled.APP:    {"APP", settled.Prepared{PrepayID: v2PrepayID, Client: app}},
		settled.JSAPI:  {"JSAPI", settled.Prepared{PrepayID: v2PrepayID, Client: page}},
		settled.NATIVE: {"NATIVE", settled.Prepared{PrepayID: v2PrepayID, CodeURL: v2Prepaid("NATIVE")["code_url"]}},
		settled.H5:     {"MWEB", settled.Prepared{PrepayID: v2PrepayID, H5URL: v2Prepaid("MWEB")["mweb_url"]}},
	} {
		t.Run(string(as), func(t *testing.T) {
			t.Parallel()
			b := openV2(t, answer(v2Yes(v2Prepaid(test.spelled))))
			got, err := b.gateway.Prepay(t.Context(), v2Payment(as))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			sent := []v2Request{{
				Host: "main", Method: "POST", Path: "/pay/unifiedorder", Media: "text/xml; charset=utf-8",
				Body: string(v2Payment(as).PrepayRequest),
			}}
			if diff := cmp.Diff(sent, b.got()); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{"unifiedorder main done 0"}, b.observed); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestV2PrepayFailsForGoodOnlyByWeChatsOwnWord(t *testing.T) {
	t.Parallel()
	refusal := func(code string) *settled.Refusal { return &settled.Refusal{Code: code, Message: "no"} }
	contested := func(code string) *settled.Refusal {
		return &settled.Refusal{Code: code, Message: "no", Contested: true}
	}
	paid := func(code string) *settled.Refusal {
		return &settled.Refusal{Code: code, Message: "no", Contested: true, Paid: true}
	}
	prepaid := v2Prepaid("APP")
	for name, test := range map[string]struct {
		answer string
		want   error
	}{
		"paid before":           {v2No("ORDERPAID", "no"), paid("ORDERPAID")},
		"in the other spelling": {v2No("ORDER_PAID", "no"), paid("ORDER_PAID")},
		"closed before":         {v2No("ORDERCLOSED", "no"), contested("ORDERCLOSED")},
		"a number used before":  {v2No("OUT_TRADE_NO_USED", "no"), contested("OUT_TRADE_NO_USED")},
		"no permission":         {v2No("NOAUTH", "no"), refusal("NOAUTH")},
		"a code of later years": {v2No("NEW_RULE", "no"), refusal("NEW_RULE")},
		"a long word": {
			v2No("NOAUTH", strings.Repeat("错", 1000)), &settled.Refusal{Code: "NOAUTH", Message: strings.Repeat("错", 85)},
		},
		"busy":                   {v2No("SYSTEMERROR", "busy"), &settled.Unknown{Code: "SYSTEMERROR"}},
		"too often":              {v2No("FREQUENCY_LIMITED", "slower"), &settled.Unknown{Code: "FREQUENCY_LIMITED", After: 5 * time.Second}},
		"a request not read":     {v2Fail("签名错误"), &settled.Unknown{Code: "return_code", After: 5 * time.Minute}},
		"not read, too often":    {v2Fail("请求频率过高"), &settled.Unknown{Code: "return_code", After: 5 * time.Second}},
		"paid, says anybody":     {v2XML("xml", map[string]string{"return_code": "SUCCESS", "result_code": "FAIL", "err_code": "ORDERPAID"}), &settled.Unknown{Code: "unverified"}},
		"prepaid, says anybody":  {v2Message("another key", prepaid), &settled.Unknown{Code: "unverified"}},
		"for another merchant":   {v2Yes(v2With(prepaid, "mch_id", "10000101")), &settled.Unknown{Code: "unreadable"}},
		"for another app":        {v2Yes(v2With(prepaid, "appid", "wx0000000000000000")), &settled.Unknown{Code: "unreadable"}},
		"for another trade type": {v2Yes(v2With(prepaid, "trade_type", "JSAPI")), &settled.Unknown{Code: "unreadable"}},
		"no prepay_id":           {v2Yes(v2With(prepaid, "prepay_id", "")), &settled.Unknown{Code: "unreadable"}},
		"a page":                 {"<html>", &settled.Unknown{Code: "unreadable"}},
		"nothing":                {"", &settled.Unknown{Code: "unreadable"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := openV2(t, answer(test.answer))
			got, err := b.gateway.Prepay(t.Context(), v2Payment(settled.APP))
			wantFailure(t, err, test.want)
			if diff := cmp.Diff(settled.Prepared{}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestV2DrawsItsNoncesBeforeItCalls(t *testing.T) {
	t.Parallel()
	b := openV2(t, cut, func(_ *v2Bundle, cfg *wechat.V2Config) { cfg.Random = dry{} })
	p, r := v2Payment(settled.APP), v2Refund()
	_, prepay := b.gateway.Prepay(t.Context(), p)
	_, query := b.gateway.Query(t.Context(), p)
	_, refund := b.gateway.QueryRefund(t.Context(), r)
	for _, err := range []error{prepay, query, refund, b.gateway.Close(t.Context(), p)} {
		wantFailure(t, err, &settled.Unknown{Code: "unwritable"})
	}
	if _, err := b.gateway.PrepayRequest(p); err == nil {
		t.Error("wrote a prepay request without a nonce")
	}
	if _, err := b.gateway.RefundRequest(p, r); err == nil {
		t.Error("wrote a refund request without a nonce")
	}
	if len(b.got()) != 0 {
		t.Error("it made a call")
	}
}

func TestV2KnowsFourTradeTypes(t *testing.T) {
	t.Parallel()
	b := openV2(t, cut)
	p := v2Payment("MICROPAY")
	if _, err := b.gateway.PrepayRequest(p); err == nil {
		t.Error("wrote a request of a trade type that nobody knows")
	}
	_, err := b.gateway.Prepay(t.Context(), p)
	wantFailure(t, err, &settled.Unknown{Code: "unwritable"})
	if len(b.got()) != 0 {
		t.Error("it made a call")
	}
}
