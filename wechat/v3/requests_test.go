package v3_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v3 "settled/wechat/v3"
)

func TestPathsAreThoseOfTheDocument(t *testing.T) {
	t.Parallel()
	for call, want := range map[v3.Call]string{
		v3.PrepayAPP:        "POST /v3/pay/transactions/app",
		v3.PrepayJSAPI:      "POST /v3/pay/transactions/jsapi",
		v3.PrepayNative:     "POST /v3/pay/transactions/native",
		v3.PrepayH5:         "POST /v3/pay/transactions/h5",
		v3.Query:            "GET /v3/pay/transactions/out-trade-no/A%7C1%2A_-%40?mchid=1900007291",
		v3.QueryTransaction: "GET /v3/pay/transactions/id/A%7C1%2A_-%40?mchid=1900007291",
		v3.Close:            "POST /v3/pay/transactions/out-trade-no/A%7C1%2A_-%40/close",
		v3.CreateRefund:     "POST /v3/refund/domestic/refunds",
		v3.QueryRefund:      "GET /v3/refund/domestic/refunds/A%7C1%2A_-%40",
		v3.Certificates:     "GET /v3/certificates",
	} {
		t.Run(call.Name(), func(t *testing.T) {
			t.Parallel()
			if got := call.Method() + " " + credentials().Path(call, "A|1*_-@"); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func TestANumberStaysInItsPlace(t *testing.T) {
	t.Parallel()
	const want = "/v3/pay/transactions/out-trade-no/a%2F..%2Fb%3Fc%23d%20%2Be%7Bmchid%7D/close"
	if got := credentials().Path(v3.Close, "a/../b?c#d +e{mchid}"); got != want {
		t.Errorf("got %s", got)
	}
}

// documentOrder is the order of the document's example of a signed request.
func documentOrder() v3.Order {
	return v3.Order{
		OrderID: "1217752501201407033233368018", Description: "Image形象店-深圳腾大-QQ公仔", Total: 100,
		OpenID: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", NotifyURL: "https://www.weixin.qq.com/wxpay/pay.php",
	}
}

func TestPrepayRequestIsThePublishedOneByteForByte(t *testing.T) {
	t.Parallel()
	got, err := credentials().PrepayRequest(v3.PrepayJSAPI, documentOrder())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(read(t, "prepay_jsapi.json")), string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestPrepayRequestHasTheFieldsOfItsTradeTypeAndNoOther(t *testing.T) {
	t.Parallel()
	order := v3.Order{
		OrderID: "T-1|*", Description: "Tea & <cake>", Total: 1999, Attach: "cart 77", OpenID: "o1",
		ClientIP: "203.0.113.7", NotifyURL: "https://pay.example.com/notify/shop3", Created: at, Expire: at.Add(30 * time.Minute),
	}
	const common = `{"appid":"wxd678efh567hg6787","mchid":"1900007291","description":"Tea & <cake>","out_trade_no":"T-1|*",` +
		`"time_expire":"2026-01-01T00:30:30+08:00","attach":"cart 77","notify_url":"https://pay.example.com/notify/shop3",` +
		`"amount":{"total":1999,"currency":"CNY"}`
	const scene = `,"scene_info":{"payer_client_ip":"203.0.113.7"}}`
	for call, want := range map[v3.Call]string{
		v3.PrepayAPP:    common + scene,
		v3.PrepayNative: common + scene,
		v3.PrepayJSAPI:  common + `,"payer":{"openid":"o1"}` + scene,
		v3.PrepayH5:     common + `,"scene_info":{"payer_client_ip":"203.0.113.7","h5_info":{"type":"Wap"}}}`,
	} {
		t.Run(call.Name(), func(t *testing.T) {
			t.Parallel()
			got, err := credentials().PrepayRequest(call, order)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
	if got, err := credentials().PrepayRequest(v3.Close, order); err == nil {
		t.Errorf("close is no prepay, got %s", got)
	}
}

func TestPrepayRequestSendsOnlyWhatWeChatTakes(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("茶", 128)
	for name, test := range map[string]struct {
		call   v3.Call
		change func(*v3.Order)
		want   string
		absent string
	}{
		"127 characters of description": {v3.PrepayAPP, func(o *v3.Order) { o.Description = long }, `"description":"` + long[:127*3] + `"`, ""},
		"an attach of 128 bytes":        {v3.PrepayAPP, func(o *v3.Order) { o.Attach = long[:126] + "ab" }, `"attach":"` + long[:126] + `ab"`, ""},
		"no attach of 129 bytes":        {v3.PrepayAPP, func(o *v3.Order) { o.Attach = long[:129] }, "", "attach"},
		"no empty attach":               {v3.PrepayAPP, func(*v3.Order) {}, "", "attach"},
		"no limit of time":              {v3.PrepayAPP, func(*v3.Order) {}, "", "time_expire"},
		"a minute at least":             {v3.PrepayAPP, func(o *v3.Order) { o.Expire = at.Add(time.Second) }, `"time_expire":"2026-01-01T00:01:30+08:00"`, ""},
		"a minute at least, rounded up": {v3.PrepayAPP, func(o *v3.Order) { o.Created, o.Expire = at.Add(time.Millisecond), at }, `"time_expire":"2026-01-01T00:01:31+08:00"`, ""},
		"a time of another zone":        {v3.PrepayAPP, func(o *v3.Order) { o.Expire = at.Add(time.Hour).UTC() }, `"time_expire":"2026-01-01T01:00:30+08:00"`, ""},
		"no address that is none":       {v3.PrepayNative, func(o *v3.Order) { o.ClientIP = "localhost" }, "", "scene_info"},
		"an address of IPv6":            {v3.PrepayH5, func(o *v3.Order) { o.ClientIP = "2001:db8::7%eth0" }, `"payer_client_ip":"2001:db8::7"`, ""},
		"an address of IPv4 in IPv6":    {v3.PrepayH5, func(o *v3.Order) { o.ClientIP = "::ffff:203.0.113.7" }, `"payer_client_ip":"203.0.113.7"`, ""},
		"some address for H5":           {v3.PrepayH5, func(*v3.Order) {}, `"payer_client_ip":"127.0.0.1"`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			order := documentOrder()
			order.Created = at
			test.change(&order)
			got, err := credentials().PrepayRequest(test.call, order)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(got), test.want) || test.absent != "" && strings.Contains(string(got), test.absent) {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestCloseRequestNamesTheMerchant(t *testing.T) {
	t.Parallel()
	if got, err := credentials().CloseRequest(); err != nil || string(got) != `{"mchid":"1900007291"}` {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestRefundRequest(t *testing.T) {
	t.Parallel()
	whole := v3.Refund{
		OrderID: "T-1", RefundID: "R@1", Amount: 99, Total: 1999, Reason: "broken & cold",
		NotifyURL: "https://pay.example.com/notify/shop3/refund",
	}
	plain := whole
	plain.Reason, plain.NotifyURL = "", ""
	wordy := plain
	wordy.Reason = strings.Repeat("茶", 27)
	for name, test := range map[string]struct {
		refund v3.Refund
		want   string
	}{
		"whole": {whole, `{"out_trade_no":"T-1","out_refund_no":"R@1","reason":"broken & cold",` +
			`"notify_url":"https://pay.example.com/notify/shop3/refund","amount":{"refund":99,"total":1999,"currency":"CNY"}}`},
		"plain": {plain, `{"out_trade_no":"T-1","out_refund_no":"R@1","amount":{"refund":99,"total":1999,"currency":"CNY"}}`},
		"a long reason": {wordy, `{"out_trade_no":"T-1","out_refund_no":"R@1","reason":"` + strings.Repeat("茶", 26) + `",` +
			`"amount":{"refund":99,"total":1999,"currency":"CNY"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := credentials().RefundRequest(test.refund)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
