package legacy_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"settled/wechat/legacy"
)

// documentOrder is the order of the APP payment document's own example.
func documentOrder() legacy.Order {
	return legacy.Order{
		OrderID:     "7240b65810859cbf2a8d9f76a638c0a3",
		Description: "支付测试",
		TotalFee:    1,
		ClientIP:    "196.168.1.1",
		NotifyURL:   "http://weixin.qq.com",
		TraceID:     "test_1399514976",
	}
}

func TestRequestsAreThePublishedExamplesByteForByte(t *testing.T) {
	t.Parallel()
	credentials := demo(t, "app")
	deliverer := credentials
	deliverer.AppID = "wwwwb4f85f3a797777"
	for name, test := range map[string]struct {
		file  string
		write func() ([]byte, error)
	}{
		"genprepay": {"genprepay.json", func() ([]byte, error) {
			return credentials.PrepayRequest(documentOrder(), "e7d161ac8d8a76529d39d9f5b4249ccb", time.Unix(1399514976, 0))
		}},
		"orderquery": {"orderquery.json", func() ([]byte, error) {
			return credentials.QueryRequest("7240b65810859cbf2a8d9f76a638c0a3", time.Unix(1399515000, 0))
		}},
		"delivernotify": {"delivernotify.json", func() ([]byte, error) {
			return deliverer.DeliveryRequest(legacy.Delivery{
				OpenID: "oX99MDgNcgwnz3zFN3DNmo8uwa-w", TransactionID: "111112222233333", OrderID: "555666uuu",
				At: time.Unix(1369745073, 0), Delivered: true, Message: "ok",
			})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := test.write()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(read(t, test.file), string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestClientHoldsTheFieldsOfPayReq(t *testing.T) {
	t.Parallel()
	got := demo(t, "app").Client("1101000000140429eb40476f8896f4c9", "e7d161ac8d8a76529d39d9f5b4249ccb", time.Unix(1399514976, 0))
	want := map[string]string{
		"appid":     "wxd930ea5d5a258f4f",
		"partnerid": "1900000109",
		"prepayid":  "1101000000140429eb40476f8896f4c9",
		"package":   "Sign=WXPay",
		"noncestr":  "e7d161ac8d8a76529d39d9f5b4249ccb",
		"timestamp": "1399514976",
		"sign":      "b81b200eea70a965d0ea135228b1b949a9ddb731",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// parametersOf returns the package of the genprepay request for an order, decoded.
func parametersOf(t *testing.T, o legacy.Order) url.Values {
	t.Helper()
	body, err := demo(t, "app").PrepayRequest(o, "nonce", time.Unix(1399514976, 0))
	if err != nil {
		t.Fatal(err)
	}
	var request struct{ Package string }
	if err := json.Unmarshal(body, &request); err != nil {
		t.Fatal(err)
	}
	parameters, err := url.ParseQuery(request.Package)
	if err != nil {
		t.Fatal(err)
	}
	return parameters
}

func TestOrderIsSpelledWithinTheDocumentsLimits(t *testing.T) {
	t.Parallel()
	at := time.Date(2014, 5, 8, 4, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		change    func(*legacy.Order)
		parameter string
		want      string
	}{
		"body is cut between characters": {
			func(o *legacy.Order) { o.Description = "x" + strings.Repeat("茶", 127) }, "body", "x" + strings.Repeat("茶", 42),
		},
		"body of 128 bytes is whole": {
			func(o *legacy.Order) { o.Description = strings.Repeat("x", 128) }, "body", strings.Repeat("x", 128),
		},
		"attach is sent":               {func(o *legacy.Order) { o.Attach = "shop 7 & more ~" }, "attach", "shop 7 & more ~"},
		"attach of 127 bytes is sent":  {func(o *legacy.Order) { o.Attach = strings.Repeat("x", 127) }, "attach", strings.Repeat("x", 127)},
		"attach of 128 bytes stays":    {func(o *legacy.Order) { o.Attach = strings.Repeat("x", 128) }, "attach", ""},
		"attach outside ASCII stays":   {func(o *legacy.Order) { o.Attach = "茶" }, "attach", ""},
		"attach with a line end stays": {func(o *legacy.Order) { o.Attach = "a\nb" }, "attach", ""},
		"IPv4":                         {func(o *legacy.Order) { o.ClientIP = "203.0.113.7" }, "spbill_create_ip", "203.0.113.7"},
		"IPv4 in IPv6":                 {func(o *legacy.Order) { o.ClientIP = "::ffff:203.0.113.7" }, "spbill_create_ip", "203.0.113.7"},
		"IPv6 has no room":             {func(o *legacy.Order) { o.ClientIP = "2001:db8::7" }, "spbill_create_ip", "127.0.0.1"},
		"no address":                   {func(o *legacy.Order) { o.ClientIP = "" }, "spbill_create_ip", "127.0.0.1"},
		"times are Beijing's":          {func(o *legacy.Order) { o.Start = at }, "time_start", "20140508120000"},
		"expiry is Beijing's":          {func(o *legacy.Order) { o.Expire = at.Add(10 * time.Minute) }, "time_expire", "20140508121000"},
		"no expiry":                    {func(*legacy.Order) {}, "time_expire", ""},
		"charset is UTF-8":             {func(*legacy.Order) {}, "input_charset", "UTF-8"},
		"total_fee is fen":             {func(o *legacy.Order) { o.TotalFee = 1999 }, "total_fee", "1999"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			order := documentOrder()
			test.change(&order)
			parameters := parametersOf(t, order)
			got := parameters.Get(test.parameter)
			if got != test.want || !utf8.ValidString(got) {
				t.Errorf("%s: got %q, want %q", test.parameter, got, test.want)
			}
			if test.want == "" && parameters.Has(test.parameter) {
				t.Errorf("%s is sent empty", test.parameter)
			}
		})
	}
}

func TestNoKeyIsEverSent(t *testing.T) {
	t.Parallel()
	credentials := demo(t, "app")
	at := time.Unix(1399514976, 0)
	prepay, err := credentials.PrepayRequest(documentOrder(), "nonce", at)
	if err != nil {
		t.Fatal(err)
	}
	query, err := credentials.QueryRequest("A1", at)
	if err != nil {
		t.Fatal(err)
	}
	delivery, err := credentials.DeliveryRequest(legacy.Delivery{OpenID: "o", TransactionID: "1", OrderID: "A1", At: at})
	if err != nil {
		t.Fatal(err)
	}
	client, err := json.Marshal(credentials.Client("1", "nonce", at))
	if err != nil {
		t.Fatal(err)
	}
	for name, sent := range map[string][]byte{"genprepay": prepay, "orderquery": query, "delivernotify": delivery, "client": client} {
		for _, key := range []string{credentials.AppSecret, credentials.PaySignKey, credentials.PartnerKey} {
			if strings.Contains(string(sent), key) {
				t.Errorf("%s holds a key", name)
			}
		}
	}
}

func TestRequestsHaveNoEscapesThatWeChatRefuses(t *testing.T) {
	t.Parallel()
	body, err := demo(t, "app").DeliveryRequest(legacy.Delivery{OpenID: "o", TransactionID: "1", OrderID: "A1", Message: `<茶 & "tea">`})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(body), `"deliver_msg":"<茶 & \"tea\">"`) {
		t.Errorf("the message is escaped: %s", body)
	}
	if body, err := demo(t, "app").DeliveryRequest(legacy.Delivery{Message: "a\u2028b"}); err == nil {
		t.Errorf("wrote %s", body)
	}
}

func TestTokenCallsNameAppAndSecret(t *testing.T) {
	t.Parallel()
	credentials := demo(t, "app")
	wantQuery := "appid=wxd930ea5d5a258f4f&grant_type=client_credential&secret=db426a9829e4b49a0dcac7b4162da6b6"
	if got := credentials.TokenQuery(); got != wantQuery {
		t.Errorf("got %s, want %s", got, wantQuery)
	}
	got, err := credentials.StableTokenRequest()
	if err != nil {
		t.Fatal(err)
	}
	wantBody := `{"grant_type":"client_credential","appid":"wxd930ea5d5a258f4f","secret":"db426a9829e4b49a0dcac7b4162da6b6","force_refresh":false}`
	if string(got) != wantBody {
		t.Errorf("got %s, want %s", got, wantBody)
	}
}
