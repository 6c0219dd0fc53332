package wechat_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled"
	"settled/wechat"
)

func TestV3PrepayRequestIsMadeOfThePaymentAlone(t *testing.T) {
	t.Parallel()
	b := openV3(t, nil)
	const common = `{"appid":"wxd930ea5d5a258f4f","mchid":"1900007291","description":"One pot of tea","out_trade_no":"T|20140508*17",` +
		`"time_expire":"2014-05-08T10:39:36+08:00","attach":"cart 77","notify_url":"https://pay.example.com/notify/shop3",` +
		`"amount":{"total":1999,"currency":"CNY"}`
	for as, want := range map[settled.TradeType]string{
		settled.APP:    common + `,"scene_info":{"payer_client_ip":"203.0.113.7"}}`,
		settled.NATIVE: common + `,"scene_info":{"payer_client_ip":"203.0.113.7"}}`,
		settled.JSAPI:  common + `,"payer":{"openid":"oX99MDgNcgwnz3zFN3DNmo8uwa-w"},"scene_info":{"payer_client_ip":"203.0.113.7"}}`,
		settled.H5:     common + `,"scene_info":{"payer_client_ip":"203.0.113.7","h5_info":{"type":"Wap"}}}`,
	} {
		for _, created := range []time.Time{now, {}} { // zero: it is just being made
			p := v3Payment()
			p.TradeType, p.CreatedAt = as, created
			got, err := b.gateway.PrepayRequest(p)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, string(got)); diff != "" {
				t.Error(diff)
			}
		}
	}
	p := v3Payment()
	p.TradeType = "MICROPAY"
	if got, err := b.gateway.PrepayRequest(p); err == nil {
		t.Errorf("got %s", got)
	}
	if len(b.got()) != 0 {
		t.Error("it made a call")
	}
}

func TestV3PrepaySendsWhatIsStoredAndHandsOutWhatTheShopNeeds(t *testing.T) {
	t.Parallel()
	const appSigned, pageSigned = "sign", "paySign"
	for as, test := range map[settled.TradeType]struct {
		path, body, signature string
		want                  settled.Prepared
	}{
		settled.APP: {"app", `{"prepay_id":"wx1"}`, appSigned, settled.Prepared{PrepayID: "wx1", Client: map[string]string{
			"appid": appID, "partnerid": v3MchID, "prepayid": "wx1", "package": "Sign=WXPay", "noncestr": nonce, "timestamp": "1399514976",
		}}},
		settled.JSAPI: {"jsapi", `{"prepay_id":"wx1"}`, pageSigned, settled.Prepared{PrepayID: "wx1", Client: map[string]string{
			"appId": appID, "timeStamp": "1399514976", "nonceStr": nonce, "package": "prepay_id=wx1", "signType": "RSA",
		}}},
		settled.NATIVE: {"native", `{"code_url":"weixin://wxpay/bizpayurl?pr=1"}`, "", settled.Prepared{CodeURL: "weixin://wxpay/bizpayurl?pr=1"}},
		settled.H5:     {"h5", `{"h5_url":"https://wx.tenpay.com/?a=1&b=2"}`, "", settled.Prepared{H5URL: "https://wx.tenpay.com/?a=1&b=2"}},
	} {
		t.Run(string(as), func(t *testing.T) {
			t.Parallel()
			b := openV3(t, func(cfg *wechat.V3Config) { cfg.Random = zeros{} }, signed(test.body))
			p := v3Payment()
			p.TradeType = as
			got, err := b.gateway.Prepay(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			if test.signature != "" && len(got.Client[test.signature]) != 344 {
				t.Errorf("got %v", got.Client)
			}
			delete(got.Client, test.signature) // held against the published examples where it is made
			test.want.RequestID = v3AnswerName
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			requests := b.got()
			if len(requests) != 1 || requests[0].Method != "POST" || requests[0].URI != "/v3/pay/transactions/"+test.path ||
				requests[0].Body != `{"stored":"as it is & was"}` || requests[0].Serial != v3PublicID {
				t.Fatalf("got %+v", requests)
			}
			checkSigned(t, requests[0])
			if diff := cmp.Diff([]string{"prepay_" + test.path + " main done 0 " + v3AnswerName}, b.observed); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{v3PublicID + " prepay_" + test.path}, b.verified); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestV3EveryAttemptIsSignedAnewAndSaysTheSame(t *testing.T) {
	t.Parallel()
	b := &v3Bundle{clock: now}
	backup := b.serve(t, signed(`{"prepay_id":"wx1"}`))
	main := b.serve(t, v3Answer{status: 502, body: "<html>"})
	opened := openV3(t, func(cfg *wechat.V3Config) { cfg.Endpoint, cfg.BackupEndpoint = main.URL, backup.URL })
	if _, err := opened.gateway.Prepay(t.Context(), v3Payment()); err != nil {
		t.Fatal(err)
	}
	requests := b.got()
	if len(requests) != 2 || requests[0].Body != requests[1].Body || requests[0].Host == requests[1].Host {
		t.Fatalf("got %+v", requests)
	}
	for _, r := range requests {
		checkSigned(t, r)
	}
	if requests[0].header.Get("Authorization") == requests[1].header.Get("Authorization") {
		t.Error("both carry the same nonce")
	}
	want := []string{"prepay_app main unknown status_502 " + v3AnswerName, "prepay_app backup done 0 " + v3AnswerName}
	if diff := cmp.Diff(want, opened.observed); diff != "" {
		t.Error(diff)
	}
}

func TestV3PrepayFailsForGoodOnlyByWeChatsOwnWord(t *testing.T) {
	t.Parallel()
	refusal := func(code string, contested bool) error {
		return &settled.Refusal{Code: code, Message: "m", Contested: contested, Paid: code == "ORDERPAID", RequestID: v3AnswerName}
	}
	for name, test := range map[string]struct {
		answer v3Answer
		want   error
	}{
		"a bad parameter":                   {refused(400, "PARAM_ERROR"), refusal("PARAM_ERROR", false)},
		"a wrong signature":                 {refused(401, "SIGN_ERROR"), refusal("SIGN_ERROR", false)},
		"an openid of another app":          {refused(500, "OPENID_MISMATCH"), refusal("OPENID_MISMATCH", false)},
		"a number that was paid":            {refused(400, "ORDERPAID"), refusal("ORDERPAID", true)},
		"a number used before":              {refused(403, "OUT_TRADE_NO_USED"), refusal("OUT_TRADE_NO_USED", true)},
		"a number that was closed":          {refused(400, "ORDER_CLOSED"), refusal("ORDER_CLOSED", true)},
		"a code of later years":             {refused(400, "LATER"), refusal("LATER", false)},
		"busy":                              {refused(500, "SYSTEM_ERROR"), &settled.Unknown{Code: "SYSTEM_ERROR"}},
		"too often":                         {refused(429, "FREQUENCY_LIMITED"), &settled.Unknown{Code: "FREQUENCY_LIMITED", After: 5 * time.Second}},
		"not yet":                           {v3Answer{status: 202}, &settled.Unknown{Code: "status_202"}},
		"a proxy's 403":                     {v3Answer{status: 403, body: "<html>"}, &settled.Unknown{Code: "status_403"}},
		"a proxy's 404":                     {v3Answer{status: 404}, &settled.Unknown{Code: "status_404"}},
		"a redirect":                        {v3Answer{status: 302}, &settled.Unknown{Code: "status_302"}},
		"a success that nobody signed":      {v3Answer{status: 200, body: `{"prepay_id":"wx1"}`}, &settled.Unknown{Code: "unverified"}},
		"a success of another key":          {v3Answer{status: 200, body: `{"prepay_id":"wx1"}`, serial: "C3"}, &settled.Unknown{Code: "unverified"}},
		"a success with nothing in it":      {signed(`{}`), &settled.Unknown{Code: "unreadable"}},
		"a success with what another gives": {signed(`{"code_url":"weixin://"}`), &settled.Unknown{Code: "unreadable"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := openV3(t, nil, test.answer)
			got, err := b.gateway.Prepay(t.Context(), v3Payment())
			wantFailure(t, err, test.want)
			if diff := cmp.Diff(settled.Prepared{}, got); diff != "" {
				t.Error(diff)
			}
			if len(b.verified) > 0 && test.answer.serial == "" {
				t.Errorf("verified %v", b.verified)
			}
		})
	}
}

func TestV3UnknownOutcomesNameTheirAnswer(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]v3Answer{
		"busy": refused(500, "SYSTEM_ERROR"), "unsigned": {status: 200}, "unreadable": signed(`{}`), "a page": {status: 502},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := openV3(t, nil, answer).gateway.Prepay(t.Context(), v3Payment())
			if unknown := unknownOf(t, err); unknown.RequestID != v3AnswerName {
				t.Errorf("got %q", unknown.RequestID)
			}
		})
	}
}

func TestV3AProbeIsUnverifiedAndNobodyIsAlarmed(t *testing.T) {
	t.Parallel()
	probe := signed(`{"prepay_id":"wx1"}`)
	probe.forge = func(h http.Header) { h.Set("Wechatpay-Signature", "WECHATPAY/SIGNTEST/"+h.Get("Wechatpay-Signature")) }
	b := openV3(t, nil, probe, signed(`{"prepay_id":"wx1"}`))
	_, err := b.gateway.Prepay(t.Context(), v3Payment())
	wantFailure(t, err, &settled.Unknown{Code: "unverified"})
	if b.log.Len() > 0 {
		t.Errorf("logged %s", b.log.String())
	}
	if got, err := b.gateway.Prepay(t.Context(), v3Payment()); err != nil || got.PrepayID != "wx1" {
		t.Errorf("the right one: got %+v, %v", got, err)
	}
}

func TestV3PrepayDrawsItsNonceBeforeItCalls(t *testing.T) {
	t.Parallel()
	b := openV3(t, func(cfg *wechat.V3Config) { cfg.Random = dry{} }, signed(`{}`))
	_, err := b.gateway.Prepay(t.Context(), v3Payment())
	wantFailure(t, err, &settled.Unknown{Code: "unwritable"})
	_, err = b.gateway.Query(t.Context(), v3Payment())
	wantFailure(t, err, &settled.Unknown{Code: "unwritable"})
	if len(b.got()) != 0 {
		t.Error("it made a call")
	}
}

func TestV3TellsNoSecret(t *testing.T) {
	t.Parallel()
	leak := v3Answer{status: 400, body: `{"code":"PARAM_ERROR","message":"key ` + v3Key + strings.Repeat("错", 200) + `"}`}
	b := openV3(t, nil, leak)
	_, err := b.gateway.Prepay(t.Context(), v3Payment())
	if err == nil || strings.Contains(err.Error(), v3Key) || len(err.Error()) > 400 || strings.Contains(b.log.String(), v3Key) {
		t.Errorf("got %v; logged %s", err, b.log.String())
	}
}
