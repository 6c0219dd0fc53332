package v2_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"settled/wechat/v2"
)

// nonce is the one of the documents' samples.
const nonce = "5K8264ILTKCH16CQ2502SI8ZNMTM67VS"

// order is an order of the day on which the unified order document's sample plays.
func order() v2.Order {
	at := time.Date(2015, 8, 6, 4, 53, 46, 0, time.UTC)
	return v2.Order{
		TradeType: v2.APP, OrderID: "20150806125346", Description: "支付测试", TotalFee: 88,
		Attach: "shop 7 & more", ClientIP: "14.23.150.211", OpenID: "oUpF8uMEb4qRXf22hE3X68TekukE",
		NotifyURL: "https://pay.example.com/notify/tea", Start: at, Expire: at.Add(30 * time.Minute),
	}
}

func refund() v2.Refund {
	return v2.Refund{
		OrderID: "20150806125346", RefundID: "20150806125346-1", RefundFee: 80, TotalFee: 88,
		Reason: "一壶茶", NotifyURL: "https://pay.example.com/notify/tea/refund",
	}
}

func TestRequestsAreThePublishedExamplesByteForByte(t *testing.T) {
	t.Parallel()
	credentials := demo(v2.HMACSHA256)
	prepay := func(trade v2.TradeType) func() ([]byte, error) {
		return func() ([]byte, error) {
			o := order()
			o.TradeType = trade
			return credentials.PrepayRequest(o, nonce)
		}
	}
	for file, write := range map[string]func() ([]byte, error){
		"unifiedorder_app.xml":    prepay(v2.APP),
		"unifiedorder_jsapi.xml":  prepay(v2.JSAPI),
		"unifiedorder_native.xml": prepay(v2.NATIVE),
		"unifiedorder_mweb.xml":   prepay(v2.MWEB),
		"orderquery.xml":          func() ([]byte, error) { return credentials.QueryRequest("20150806125346", nonce) },
		"closeorder.xml":          func() ([]byte, error) { return credentials.CloseRequest("20150806125346", nonce) },
		"refund.xml":              func() ([]byte, error) { return credentials.RefundRequest(refund(), nonce) },
		"refundquery.xml":         func() ([]byte, error) { return credentials.RefundQueryRequest("20150806125346-1", nonce) },
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			got, err := write()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(read(t, file), string(got)); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(string(got), apiKey) {
				t.Error("the API key is sent")
			}
		})
	}
}

func TestOrderIsSpelledWithinTheDocumentsLimits(t *testing.T) {
	t.Parallel()
	at := time.Date(2015, 8, 6, 4, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		change func(*v2.Order)
		field  string
		want   string // empty: it is not sent
	}{
		"body is cut between characters": {func(o *v2.Order) { o.Description = "xx" + strings.Repeat("茶", 127) }, "body", "xx" + strings.Repeat("茶", 41)},
		"body of 127 bytes is whole":     {func(o *v2.Order) { o.Description = strings.Repeat("x", 127) }, "body", strings.Repeat("x", 127)},
		"body of 128 bytes is not":       {func(o *v2.Order) { o.Description = strings.Repeat("x", 128) }, "body", strings.Repeat("x", 127)},
		"body keeps its space":           {func(o *v2.Order) { o.Description = " tea " }, "body", " tea "},
		"body keeps what looks like XML": {func(o *v2.Order) { o.Description = `]]>&amp;<a b="c">]]` }, "body", `]]>&amp;<a b="c">]]`},
		"body keeps its line ends":       {func(o *v2.Order) { o.Description = "a\r\nb\rc\nd\te" }, "body", "a\r\nb\rc\nd\te"},
		"body loses what no XML can hold": {
			func(o *v2.Order) { o.Description = "te\x00a\x1f\xff\ufffe \U0001F375" }, "body", "tea \U0001F375",
		},
		"attach of 127 bytes is sent":   {func(o *v2.Order) { o.Attach = "x" + strings.Repeat("茶", 42) }, "attach", "x" + strings.Repeat("茶", 42)},
		"attach of 128 bytes stays":     {func(o *v2.Order) { o.Attach = strings.Repeat("x", 128) }, "attach", ""},
		"attach with a line end stays":  {func(o *v2.Order) { o.Attach = "a\r\nb" }, "attach", ""},
		"attach with a U+0000 stays":    {func(o *v2.Order) { o.Attach = "a\x00b" }, "attach", ""},
		"attach keeps its space":        {func(o *v2.Order) { o.Attach = " a " }, "attach", " a "},
		"IPv4":                          {func(o *v2.Order) { o.ClientIP = "203.0.113.7" }, "spbill_create_ip", "203.0.113.7"},
		"IPv6":                          {func(o *v2.Order) { o.ClientIP = "2001:DB8::7" }, "spbill_create_ip", "2001:DB8::7"},
		"an address of this link alone": {func(o *v2.Order) { o.ClientIP = "fe80::1%eth0" }, "spbill_create_ip", "127.0.0.1"},
		"no address":                    {func(o *v2.Order) { o.ClientIP = "" }, "spbill_create_ip", "127.0.0.1"},
		"a name for an address":         {func(o *v2.Order) { o.ClientIP = "localhost" }, "spbill_create_ip", "127.0.0.1"},
		"times are Beijing's":           {func(o *v2.Order) { o.Start = at }, "time_start", "20150806120000"},
		"expiry is Beijing's":           {func(o *v2.Order) { o.Expire = at.Add(24 * time.Hour) }, "time_expire", "20150807120000"},
		"expiry after a minute":         {func(o *v2.Order) { o.Start, o.Expire = at, at.Add(time.Minute) }, "time_expire", "20150806120100"},
		"expiry no sooner":              {func(o *v2.Order) { o.Start, o.Expire = at, at.Add(time.Second) }, "time_expire", "20150806120100"},
		"expiry before the start":       {func(o *v2.Order) { o.Start, o.Expire = at, at.Add(-time.Hour) }, "time_expire", "20150806120100"},
		"no expiry":                     {func(o *v2.Order) { o.Expire = time.Time{} }, "time_expire", ""},
		"an expiry without a start":     {func(o *v2.Order) { o.Start, o.Expire = time.Time{}, at }, "time_expire", "20150806120000"},
		"no start":                      {func(o *v2.Order) { o.Start = time.Time{} }, "time_start", ""},
		"total_fee is fen":              {func(o *v2.Order) { o.TotalFee = 1999 }, "total_fee", "1999"},
		"openid is JSAPI's alone":       {func(o *v2.Order) { o.TradeType = v2.NATIVE }, "openid", ""},
		"product_id is NATIVE's alone":  {func(o *v2.Order) { o.TradeType = v2.JSAPI }, "product_id", ""},
		"product_id has 32 bytes": {
			func(o *v2.Order) { o.TradeType, o.OrderID = v2.NATIVE, strings.Repeat("7", 40) }, "product_id", strings.Repeat("7", 32),
		},
		"scene_info names the page": {
			func(o *v2.Order) { o.TradeType, o.NotifyURL = v2.MWEB, "http://tea.example:8443/a/b" }, "scene_info",
			`{"h5_info":{"type":"Wap","wap_url":"http://tea.example:8443","wap_name":"tea.example:8443"}}`,
		},
		"sign_type is said": {func(*v2.Order) {}, "sign_type", "HMAC-SHA256"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := order()
			test.change(&o)
			body, err := demo(v2.HMACSHA256).PrepayRequest(o, nonce)
			if err != nil {
				t.Fatal(err)
			}
			fields := fieldsOf(t, string(body))
			got, sent := fields[test.field]
			if got != test.want || sent != (test.want != "") || !utf8.Valid(body) {
				t.Errorf("%s: got %q, want %q", test.field, got, test.want)
			}
			if right := v2.Sign(fields, apiKey, v2.HMACSHA256); fields["sign"] != right {
				t.Errorf("signed %s, but what is read signs %s", fields["sign"], right)
			}
		})
	}
}

func TestAnOrderThatCantBeSpelledIsNotWritten(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*v2.Order){
		"a trade type that nobody knows":  func(o *v2.Order) { o.TradeType = "H5" },
		"no trade type":                   func(o *v2.Order) { o.TradeType = "" },
		"a number that XML can't hold":    func(o *v2.Order) { o.OrderID = "2015\x00" },
		"a number that is not UTF-8":      func(o *v2.Order) { o.OrderID = "2015\xff" },
		"a page without a host":           func(o *v2.Order) { o.TradeType, o.NotifyURL = v2.MWEB, "/notify" },
		"a notify URL that is none":       func(o *v2.Order) { o.TradeType, o.NotifyURL = v2.MWEB, "http://%zz" },
		"an openid that breaks its frame": func(o *v2.Order) { o.TradeType, o.OpenID = v2.JSAPI, "o\x1b" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := order()
			change(&o)
			if body, err := demo(v2.MD5).PrepayRequest(o, nonce); err == nil {
				t.Errorf("wrote %s", body)
			}
		})
	}
}

func TestRefundReasonIsCutBetweenCharacters(t *testing.T) {
	t.Parallel()
	r := refund()
	r.Reason = strings.Repeat("茶", 30)
	body, err := demo(v2.MD5).RefundRequest(r, nonce)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fieldsOf(t, string(body))["refund_desc"], strings.Repeat("茶", 26); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestClientHoldsTheFieldsOfTheSDK(t *testing.T) {
	t.Parallel()
	const prepayID = "wx201411101639507cbf6ffd8b0779950874"
	for _, v := range readJSON[[]struct {
		Name      string
		TradeType v2.TradeType `json:"trade_type"`
		SignType  v2.SignType  `json:"sign_type"`
		Client    map[string]string
	}](t, "client.json") {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			got := demo(v.SignType).Client(v.TradeType, prepayID, nonce, time.Unix(1412000000, 0))
			if diff := cmp.Diff(v.Client, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, trade := range []v2.TradeType{v2.NATIVE, v2.MWEB} {
		if got := demo(v2.MD5).Client(trade, prepayID, nonce, time.Unix(1412000000, 0)); got != nil {
			t.Errorf("%s: got %v", trade, got)
		}
	}
}
