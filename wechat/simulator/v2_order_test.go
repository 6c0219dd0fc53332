package simulator_test

import (
	"maps"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled/wechat/simulator"
)

func TestV2OrderIsTaken(t *testing.T) {
	t.Parallel()
	code, link := `^weixin://wxpay/bizpayurl\?pr=[0-9A-Za-z]{9}$`, `^https://wx\.tenpay\.com/cgi-bin/mmpayweb-bin/checkmweb\?prepay_id=wx[0-9a-f]{34}&package=[0-9]{10}$`
	for _, row := range []struct {
		name       string
		trade      simulator.TradeType
		edit       func(fields)
		code, link string // patterns
	}{
		{"of an app", simulator.APP, nil, "^$", "^$"},
		{"of a page", simulator.JSAPI, nil, "^$", "^$"},
		{"of a code", simulator.Native, nil, code, "^$"},
		{"of a browser", simulator.MWEB, nil, "^$", link},
		{"with everything", simulator.APP, func(o fields) {
			maps.Copy(o, fields{
				"device_info": "WEB", "detail": `{"goods_detail":[]}`, "attach": "a=1&b=<2>", "fee_type": "CNY", "sign_type": "MD5",
				"time_start": "20140508120000", "time_expire": "20140508120100", "goods_tag": "tea", "limit_pay": "no_credit",
				"receipt": "Y", "profit_sharing": "N",
			})
		}, "^$", "^$"},
		{"with an element that is empty, and is not signed", simulator.APP, put("attach", ""), "^$", "^$"},
		{"with a body of 128 bytes", simulator.APP, put("body", strings.Repeat("茶", 42)+"ab"), "^$", "^$"},
		{"with an IPv6 address", simulator.APP, put("spbill_create_ip", "2001:db8::7"), "^$", "^$"},
		{"with a notify that stays in the house", simulator.APP, put("notify_url", "http://127.0.0.1:8080/n"), "^$", "^$"},
		{"with a notify to a private name", simulator.APP, put("notify_url", "http://ingress.internal/n"), "^$", "^$"},
		{"with every sign in its number", simulator.APP, put("out_trade_no", "aZ0_-|*"), "^$", "^$"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := openV2(t, nil)
			order := s.order("A00001", row.trade)
			if row.edit != nil {
				row.edit(order)
			}
			answer := s.place(order)
			for name, pattern := range map[string]string{
				"prepay_id": `^wx20140508120000[0-9a-f]{20}$`, "code_url": row.code, "mweb_url": row.link,
				"return_code": "^SUCCESS$", "return_msg": "^OK$", "result_code": "^SUCCESS$", "err_code": "^$", "appid": s.AppID, "mch_id": s.MchID,
				"trade_type": string(row.trade), "nonce_str": `^[0-9A-Za-z]{16}$`, "device_info": "^" + order["device_info"] + "$",
			} {
				if !regexp.MustCompile(pattern).MatchString(answer[name]) {
					t.Errorf("%s is %q, want %s", name, answer[name], pattern)
				}
			}
			if o := s.look(order["out_trade_no"]); o.TradeType != row.trade || o.TotalFee != 1999 || o.MchID != s.MchID || o.PrepayID != answer["prepay_id"] {
				t.Errorf("order is %+v", o)
			}
		})
	}
}

func TestV2OrderIsRefusedForItsElements(t *testing.T) {
	t.Parallel()
	app, page := simulator.APP, simulator.JSAPI
	for _, row := range []struct {
		name  string
		trade simulator.TradeType
		edit  func(fields)
		want  string
	}{
		{"without mch_id", app, drop("mch_id"), "FAIL MCHID不存在: mch_id is missing"},
		{"of a merchant that is not", app, put("mch_id", "10000101"), "FAIL MCHID不存在"},
		{"of an app that is not", app, put("appid", "wx0000000000000000"), "APPID_NOT_EXIST"},
		{"of another merchant's app", app, put("appid", careful.AppID), "APPID_MCHID_NOT_MATCH"},
		{"without appid", app, drop("appid"), "LACK_PARAMS"},
		{"without nonce_str", app, drop("nonce_str"), "LACK_PARAMS"},
		{"with a nonce_str of 33", app, put("nonce_str", strings.Repeat("n", 33)), "INVALID_REQUEST"},
		{"signed in another way than agreed", app, put("sign_type", "HMAC-SHA256"), "FAIL 签名错误: sign_type must be MD5"},
		{"signed in a way that is not", app, put("sign_type", "SHA1"), "FAIL 签名错误: sign_type must be MD5"},
		{"without body", app, drop("body"), "LACK_PARAMS"},
		{"with an empty body", app, put("body", ""), "LACK_PARAMS"},
		{"with a body of 129 bytes", app, put("body", strings.Repeat("茶", 43)), "INVALID_REQUEST"},
		{"with a device_info of 33", app, put("device_info", strings.Repeat("d", 33)), "INVALID_REQUEST"},
		{"with a detail in words", app, put("detail", "one pot"), "INVALID_REQUEST"},
		{"with a detail of 6001", app, put("detail", `"`+strings.Repeat("d", 5999)+`"`), "INVALID_REQUEST"},
		{"with an attach of 128", app, put("attach", strings.Repeat("a", 128)), "INVALID_REQUEST"},
		{"without out_trade_no", app, drop("out_trade_no"), "LACK_PARAMS"},
		{"with an out_trade_no of five", app, put("out_trade_no", "A0001"), "INVALID_REQUEST"},
		{"with an out_trade_no of 33", app, put("out_trade_no", strings.Repeat("1", 33)), "INVALID_REQUEST"},
		{"with a blank in out_trade_no", app, put("out_trade_no", "A 0001"), "INVALID_REQUEST"},
		{"with a blank behind out_trade_no", app, put("out_trade_no", "A00001 "), "INVALID_REQUEST"},
		{"in another currency", app, put("fee_type", "USD"), "INVALID_REQUEST"},
		{"without total_fee", app, drop("total_fee"), "LACK_PARAMS"},
		{"with nothing to pay", app, put("total_fee", "0"), "INVALID_REQUEST"},
		{"in yuan", app, put("total_fee", "19.99"), "INVALID_REQUEST"},
		{"with a leading zero", app, put("total_fee", "01999"), "INVALID_REQUEST"},
		{"without spbill_create_ip", app, drop("spbill_create_ip"), "LACK_PARAMS"},
		{"with a name for an address", app, put("spbill_create_ip", "localhost"), "INVALID_REQUEST"},
		{"with a time_start in ISO", app, put("time_start", "2014-05-08T12:00:00"), "INVALID_REQUEST"},
		{"with a thirteenth month", app, put("time_expire", "20141301000000"), "INVALID_REQUEST"},
		{"with less than a minute", app, func(o fields) { o["time_start"], o["time_expire"] = "20140508120000", "20140508120059" }, "INVALID_REQUEST"},
		{"with no time left", app, put("time_expire", "20140508120000"), "INVALID_REQUEST"},
		{"with a goods_tag of 33", app, put("goods_tag", strings.Repeat("g", 33)), "INVALID_REQUEST"},
		{"without notify_url", app, drop("notify_url"), "LACK_PARAMS"},
		{"with a query in notify_url", app, put("notify_url", "https://shop.example.com/n?shop=7"), "INVALID_REQUEST"},
		{"with a notify_url without a host", app, put("notify_url", "/notify"), "INVALID_REQUEST"},
		{"with a notify in the clear over the internet", app, put("notify_url", "http://shop.example.com/n"), "INVALID_REQUEST"},
		{"with a notify_url of 257", app, put("notify_url", "https://shop.example.com/"+strings.Repeat("n", 232)), "INVALID_REQUEST"},
		{"without trade_type", app, drop("trade_type"), "LACK_PARAMS"},
		{"with a trade_type that is not", app, put("trade_type", "H5"), "INVALID_REQUEST"},
		{"with another limit_pay", app, put("limit_pay", "no_debit"), "INVALID_REQUEST"},
		{"with another receipt", app, put("receipt", "N"), "INVALID_REQUEST"},
		{"with another profit_sharing", app, put("profit_sharing", "yes"), "INVALID_REQUEST"},
		{"with an element that nobody knows", app, put("timestamp", "1399521600"), "INVALID_REQUEST"},
		{"of a page without openid", page, drop("openid"), "LACK_PARAMS"},
		{"with an openid of 129", page, put("openid", strings.Repeat("o", 129)), "INVALID_REQUEST"},
		{"of a code without product_id", simulator.Native, drop("product_id"), "LACK_PARAMS"},
		{"with a product_id of 33", simulator.Native, put("product_id", strings.Repeat("p", 33)), "INVALID_REQUEST"},
		{"of a browser without scene_info", simulator.MWEB, drop("scene_info"), "LACK_PARAMS"},
		{"with a scene_info in words", simulator.MWEB, put("scene_info", "Wap"), "INVALID_REQUEST"},
		{"with a scene_info of 257", simulator.MWEB, put("scene_info", `"`+strings.Repeat("s", 255)+`"`), "INVALID_REQUEST"},
		{"with a scene that is not", simulator.MWEB, put("scene_info", `{"h5_info":{"type":"Web","wap_url":"https://a","wap_name":"a"}}`), "INVALID_REQUEST"},
		{"with a scene that lacks a name", simulator.MWEB, put("scene_info", `{"h5_info":{"type":"IOS","app_name":"a"}}`), "INVALID_REQUEST"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := openV2(t, nil)
			order := s.order("A00001", row.trade)
			row.edit(order)
			if got := said(s.post("/pay/unifiedorder", order)); got != row.want {
				t.Errorf("refused with %q, want %q", got, row.want)
			}
			if stats := s.wechat.Stats(); stats.Orders != 0 || stats.Refused != 1 {
				t.Errorf("stats are %+v", stats)
			}
		})
	}
}

func TestV2CallIsRefusedForItsDocument(t *testing.T) {
	t.Parallel()
	s := openV2(t, nil)
	order := s.order("A00001", simulator.APP)
	order["sign"] = s.signature(order)
	good := document(order)
	replace := func(old, by string) string { return strings.Replace(good, old, by, 1) }
	for _, row := range []struct{ name, body, want string }{
		{"that is empty", "", "post数据为空"},
		{"in GBK", replace("壶", "\xba\xf8"), "编码格式错误: the body is not UTF-8"},
		{"that says it is in GBK", `<?xml version="1.0" encoding="GBK"?>` + good, "XML格式错误: the body is not XML"},
		{"in JSON", `{"appid":"wx"}`, "XML格式错误: there must be nothing around the element xml"},
		{"that does not end", good[:len(good)-3], "XML格式错误: the body is not XML"},
		{"that ends in the middle", good[:len(good)/2], "XML格式错误: "},
		{"with another root", strings.NewReplacer("<xml>", "<root>", "</xml>", "</root>").Replace(good), "XML格式错误: the body must be one element xml, without attributes"},
		{"with an attribute at its root", replace("<xml>", `<xml version="1">`), "XML格式错误: the body must be one element xml, without attributes"},
		{"with two roots", good + good, "XML格式错误: the body must be one element xml, without attributes"},
		{"with text behind it", good + "ok", "XML格式错误: there must be nothing around the element xml"},
		{"with text between its elements", replace("<xml>", "<xml>ok"), "XML格式错误: there must be no text between the elements"},
		{"with a comment", replace("<xml>", "<xml><!-- hello -->"), "XML格式错误: there must be no comment, instruction or document type"},
		{"with a document type", `<!DOCTYPE xml>` + good, "XML格式错误: there must be no comment and no document type"},
		{"with an entity of its own", `<!DOCTYPE xml [<!ENTITY e SYSTEM "file:///etc/passwd">]>` + replace("203.0.113.7", "&e;"), "XML格式错误: there must be no comment and no document type"},
		{"with an entity that is not", replace("203.0.113.7", "&e;"), "XML格式错误: "},
		{"with an instruction", `<?php?>` + good, "XML格式错误: there must be no instruction"},
		{"with an element twice", replace("<xml>", "<xml><body>tea</body>"), "XML格式错误: body stands twice"},
		{"with an attribute", replace("<body>", `<body lang="zh">`), "XML格式错误: body must have no attribute and no namespace"},
		{"with an element in an element", replace("203.0.113.7", "<ip>203.0.113.7</ip>"), "XML格式错误: spbill_create_ip must hold nothing but text"},
		{"of 65537 bytes", good + strings.Repeat("\n", 64<<10), "XML格式错误: the body is too long"},
		{"without a sign", strings.Replace(good, "<sign>"+order["sign"]+"</sign>", "", 1), "签名错误: sign is missing"},
		{"with a wrong sign", replace(order["sign"], "00000000000000000000000000000000"), "签名错误"},
		{"with a sign in lowercase", replace(order["sign"], strings.ToLower(order["sign"])), "签名错误"},
		{"with another amount than was signed", replace("1999", "1998"), "签名错误"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := openV2(t, nil)
			answer := s.send("/pay/unifiedorder", row.body)
			if answer["return_code"] != "FAIL" || !strings.HasPrefix(answer["return_msg"], row.want) {
				t.Errorf("answer is %v, want %s", answer, row.want)
			}
		})
	}
}

func TestV2DocumentIsTakenInAnyGoodSpelling(t *testing.T) {
	t.Parallel()
	s := openV2(t, nil)
	order := s.order("A00001", simulator.APP)
	order["attach"] = "a&b"
	order["sign"] = s.signature(order)
	good := document(order)
	for _, row := range []struct{ name, body string }{
		{"as it is", good},
		{"with a declaration", `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + good},
		{"in CDATA", strings.Replace(good, "a&amp;b", "<![CDATA[a&b]]>", 1)},
		{"half in CDATA", strings.Replace(good, "a&amp;b", "a<![CDATA[&]]>b", 1)},
		{"on lines of its own", strings.ReplaceAll(good, "><", ">\n  <")},
	} {
		if answer := s.send("/pay/unifiedorder", row.body); answer["result_code"] != "SUCCESS" {
			t.Errorf("%s: %v", row.name, answer)
		}
	}
}

func TestV2CallsWantPOST(t *testing.T) {
	t.Parallel()
	s := openV2(t, nil)
	for _, path := range []string{"/pay/unifiedorder", "/pay/orderquery", "/pay/closeorder", "/secapi/pay/refund", "/pay/refundquery"} {
		response := s.do(http.MethodGet, path, nil)
		want := fields{"return_code": "FAIL", "return_msg": "请使用post方法"}
		if diff := cmp.Diff(want, readDocument(t, response.Body.String())); diff != "" {
			t.Errorf("%s: another answer (-want +got):\n%s", path, diff)
		}
	}
}

func TestV2SignsAsAgreed(t *testing.T) {
	t.Parallel()
	s := openV2(t, nil).as(careful)
	s.place(s.order("A00001", simulator.APP)) // which verifies the answer
	plain := s.order("A00002", simulator.APP)
	delete(plain, "sign_type")
	if got := said(s.post("/pay/unifiedorder", plain)); got != "FAIL 签名错误: sign_type must be HMAC-SHA256" {
		t.Errorf("without sign_type: %q", got)
	}
	weak := s
	weak.shop = s.shop.as(careful)
	weak.SignType = simulator.MD5
	if got := said(weak.post("/pay/unifiedorder", weak.order("A00003", simulator.APP))); got != "FAIL 签名错误: sign_type must be HMAC-SHA256" {
		t.Errorf("with MD5: %q", got)
	}
}

func TestV2SameOrderAgain(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		then    func(v2shop, fields)
		edit    func(fields)
		want    string
		another bool // prepay id
	}{
		{name: "has the same prepay id"},
		{name: "with another nonce", edit: put("nonce_str", "another")},
		{name: "while it lives", then: wait(2*time.Hour - time.Second)},
		{name: "when it has lived", then: wait(2 * time.Hour), another: true},
		{name: "of another amount", edit: put("total_fee", "2000"), want: "INVALID_REQUEST"},
		{name: "of another body", edit: put("body", "two pots"), want: "INVALID_REQUEST"},
		{name: "with one element more", edit: put("attach", "a"), want: "INVALID_REQUEST"},
		{name: "of another trade type", edit: func(o fields) { o["trade_type"], o["product_id"] = "NATIVE", "tea" }, want: "OUT_TRADE_NO_USED"},
		{name: "when it is paid", then: func(s v2shop, placed fields) {
			if _, err := s.wechat.Pay(s.t.Context(), s.appClient(placed["prepay_id"])); err != nil {
				s.t.Error(err)
			}
		}, want: "ORDERPAID"},
		{name: "when it is closed", then: func(s v2shop, _ fields) {
			s.post("/pay/closeorder", s.asking("out_trade_no", "A00001"))
		}, want: "ORDERCLOSED"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := openV2(t, nil)
			order := s.order("A00001", simulator.APP)
			first := s.place(order)
			if row.then != nil {
				row.then(s, first)
			}
			if row.edit != nil {
				row.edit(order)
			}
			again := s.post("/pay/unifiedorder", order)
			if again["err_code"] != row.want {
				t.Fatalf("answer is %v, want %q", again, row.want)
			}
			if row.want == "" && (again["prepay_id"] != first["prepay_id"]) != row.another {
				t.Errorf("prepay ids are %s and %s", first["prepay_id"], again["prepay_id"])
			}
		})
	}
}

func wait(d time.Duration) func(v2shop, fields) {
	return func(s v2shop, _ fields) { s.clock.advance(d) }
}

func TestV2NumbersAreEachMerchantsOwn(t *testing.T) {
	t.Parallel()
	s := openV2(t, nil)
	s.place(s.order("A00001", simulator.APP))
	s.as(careful).place(s.as(careful).order("A00001", simulator.APP))
	if orders := s.wechat.Stats().Orders; orders != 2 {
		t.Errorf("%d orders", orders)
	}
}
