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

// with puts a value at a place like /amount/total of an object.
func with(at string, value any) func(body) {
	return func(b body) {
		names := strings.Split(at, "/")[1:]
		for _, name := range names[:len(names)-1] {
			inner, ok := b[name].(body)
			if !ok {
				inner = body{}
			}
			b[name] = maps.Clone(inner)
			b, _ = b[name].(body)
		}
		b[names[len(names)-1]] = value
	}
}

// lacking takes the value at a place like /amount/total out of an object.
func lacking(at string) func(body) {
	return func(b body) {
		names := strings.Split(at, "/")[1:]
		for _, name := range names[:len(names)-1] {
			b, _ = b[name].(body)
		}
		delete(b, names[len(names)-1])
	}
}

func TestV3OrderIsTaken(t *testing.T) {
	t.Parallel()
	const (
		id   = `^wx20140508120000[0-9a-f]{20}$`
		code = `^weixin://wxpay/bizpayurl\?pr=[0-9A-Za-z]{9}$`
		link = `^https://wx\.tenpay\.com/cgi-bin/mmpayweb-bin/checkmweb\?prepay_id=wx[0-9a-f]{34}&package=[0-9]{10}$`
	)
	for _, row := range []struct {
		name  string
		trade simulator.TradeType
		edit  func(body)
		want  string
	}{
		{"of an app", simulator.APP, nil, id},
		{"of a page", simulator.JSAPI, nil, id},
		{"of a code", simulator.Native, nil, code},
		{"of a browser", simulator.MWEB, nil, link},
		{"without a currency", simulator.APP, lacking("/amount/currency"), id},
		{"with a time", simulator.APP, with("/time_expire", "2014-05-08T12:30:00+08:00"), id},
		{"with a time elsewhere", simulator.APP, with("/time_expire", "2014-05-08T06:30:00+02:00"), id},
		{"with every sign in its number", simulator.APP, with("/out_trade_no", "aZ0_-|*"), id},
		{"with a description of 127 bytes", simulator.APP, with("/description", strings.Repeat("茶", 42)+"a"), id},
		{"with a notify that stays in the house", simulator.APP, with("/notify_url", "http://127.0.0.1:8080/n"), id},
		{"with everything", simulator.APP, func(b body) {
			maps.Copy(b, body{
				"attach": "a=1&b=<2>", "goods_tag": "tea", "support_fapiao": true, "limit_pay": []string{"no_credit"},
				"detail": body{"cost_price": 2000, "invoice_id": "7", "goods_detail": []body{{
					"merchant_goods_id": "1", "wechatpay_goods_id": "2", "goods_name": "tea", "quantity": 1, "unit_price": 2000,
				}}},
				"settle_info": body{"profit_sharing": false},
				"scene_info": body{"payer_client_ip": "2001:db8::7", "device_id": "1", "store_info": body{
					"id": "1", "name": "tea", "area_code": "440305", "address": "here",
				}},
			})
		}, id},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := openV3(t, nil)
			order := s.order("A00001", row.trade)
			if row.edit != nil {
				row.edit(order)
			}
			given := s.placed(row.trade, order)
			if !regexp.MustCompile(row.want).MatchString(given) {
				t.Errorf("given is %q, want %s", given, row.want)
			}
			number, _ := order["out_trade_no"].(string)
			if o := s.look(number); o.TradeType != row.trade || o.TotalFee != 1999 || o.MchID != s.MchID || o.State != simulator.Unpaid {
				t.Errorf("order is %+v", o)
			}
		})
	}
}

func TestV3OrderIsRefusedForItsValues(t *testing.T) {
	t.Parallel()
	const app, page, browser = simulator.APP, simulator.JSAPI, simulator.MWEB
	long := func(n int) string { return strings.Repeat("x", n) }
	scene := body{"payer_client_ip": "203.0.113.7"}
	for _, row := range []struct {
		trade simulator.TradeType
		edit  func(body)
		want  string // "" for PARAM_ERROR of the place that was edited
		at    string
		value any // nil to take it away
	}{
		{trade: app, at: "/appid"},
		{trade: app, at: "/appid", value: 7},
		{trade: app, at: "/appid", value: long(33)},
		{trade: app, at: "/appid", value: "wx0000000000000000", want: "400 APPID_MCHID_NOT_MATCH"},
		{trade: app, at: "/mchid"},
		{trade: app, at: "/mchid", value: 1900007291},
		{trade: app, at: "/mchid", value: "1900007292"},
		{trade: app, at: "/description"},
		{trade: app, at: "/description", value: ""},
		{trade: app, at: "/description", value: strings.Repeat("茶", 43)},
		{trade: app, at: "/out_trade_no"},
		{trade: app, at: "/out_trade_no", value: "A0001"},
		{trade: app, at: "/out_trade_no", value: long(33)},
		{trade: app, at: "/out_trade_no", value: "A 0001"},
		{trade: app, at: "/out_trade_no", value: 100001},
		{trade: app, at: "/time_expire", value: "2014-05-08 12:30:00"},
		{trade: app, at: "/time_expire", value: "2014-05-08T12:30:00"},
		{trade: app, at: "/time_expire", value: "2014-05-08T12:30:00.5+08:00"},
		{trade: app, at: "/time_expire", value: "2014-13-08T12:30:00+08:00"},
		{trade: app, at: "/time_expire", value: "20140508123000"},
		{trade: app, at: "/time_expire", value: "2014-05-08T12:00:00+08:00", want: "400 INVALID_REQUEST"},
		{trade: app, at: "/attach", value: long(129)},
		{trade: app, at: "/attach", value: body{"a": 1}},
		{trade: app, at: "/notify_url"},
		{trade: app, at: "/notify_url", value: "/notify"},
		{trade: app, at: "/notify_url", value: "https://shop.example.com/n?a=1"},
		{trade: app, at: "/notify_url", value: "http://shop.example.com/n"},
		{trade: app, at: "/notify_url", value: "https://shop.example.com/" + long(231)},
		{trade: app, at: "/goods_tag", value: long(33)},
		{trade: app, at: "/support_fapiao", value: "true"},
		{trade: app, at: "/limit_pay", value: "no_credit"},
		{trade: app, at: "/limit_pay/0", edit: with("/limit_pay", []string{"no_debit"})},
		{trade: app, at: "/amount"},
		{trade: app, at: "/amount", value: 1999},
		{trade: app, at: "/amount/total"},
		{trade: app, at: "/amount/total", value: "1999"},
		{trade: app, at: "/amount/total", value: 19.99},
		{trade: app, at: "/amount/total", value: 0},
		{trade: app, at: "/amount/total", value: -1},
		{trade: app, at: "/amount/total", edit: func(b body) { b["amount"] = body{"total": nil} }},
		{trade: app, at: "/amount/currency", value: "USD"},
		{trade: app, at: "/amount/payer_total", value: 1999},
		{trade: app, at: "/detail", value: "tea"},
		{trade: app, at: "/detail/cost_price", value: -1},
		{trade: app, at: "/detail/invoice_id", value: long(33)},
		{trade: app, at: "/detail/goods_detail/0", edit: with("/detail/goods_detail", []int{1})},
		{trade: app, at: "/detail/goods_detail/0/merchant_goods_id", edit: with("/detail/goods_detail", []body{{"quantity": 1, "unit_price": 1}})},
		{trade: app, at: "/detail/goods_detail/0/quantity", edit: with("/detail/goods_detail", []body{{"merchant_goods_id": "1", "quantity": 0, "unit_price": 1}})},
		{trade: app, at: "/detail/goods_detail/0/price", edit: with("/detail/goods_detail", []body{{"merchant_goods_id": "1", "quantity": 1, "unit_price": 1, "price": 1}})},
		{trade: app, at: "/settle_info/profit_sharing", value: "Y"},
		{trade: app, at: "/scene_info/payer_client_ip", edit: with("/scene_info/device_id", "1")},
		{trade: app, at: "/scene_info/payer_client_ip", value: "localhost"},
		{trade: app, at: "/scene_info/store_info/id", edit: with("/scene_info", body{"payer_client_ip": "203.0.113.7", "store_info": body{}})},
		{trade: app, at: "/scene_info/h5_info", edit: with("/scene_info", body{"payer_client_ip": "203.0.113.7", "h5_info": body{"type": "Wap"}})},
		{trade: app, at: "/trade_type", value: "APP"},
		{trade: app, at: "/payer", value: body{"openid": "o"}},
		{trade: page, at: "/payer"},
		{trade: page, at: "/payer/openid"},
		{trade: page, at: "/payer/openid", value: ""},
		{trade: page, at: "/payer/openid", value: long(129)},
		{trade: browser, at: "/scene_info"},
		{trade: browser, at: "/scene_info/h5_info", edit: with("/scene_info", scene)},
		{trade: browser, at: "/scene_info/h5_info/type"},
		{trade: browser, at: "/scene_info/h5_info/type", value: "iPhone"},
		{trade: browser, at: "/scene_info/payer_client_ip"},
	} {
		t.Run(string(row.trade)+row.at+" "+spelled(t, row.value), func(t *testing.T) {
			t.Parallel()
			s := openV3(t, nil)
			order := s.order("A00001", row.trade)
			switch {
			case row.edit != nil:
				row.edit(order)
			case row.value == nil:
				lacking(row.at)(order)
			default:
				with(row.at, row.value)(order)
			}
			want := row.want
			if want == "" {
				want = "400 PARAM_ERROR " + row.at
			}
			if got := s.post(paths[row.trade], order); got.refused() != want {
				t.Errorf("refused with %q, want %q", got.text, want)
			}
			if stats := s.wechat.Stats(); stats.Orders != 0 || stats.Refused != 1 {
				t.Errorf("stats are %+v", stats)
			}
		})
	}
}

func TestV3RefusalSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := openV3(t, nil)
	order := s.order("A00001", simulator.APP)
	with("/amount/currency", "XYZ")(order)
	want := body{
		"code": "PARAM_ERROR", "message": "参数错误: /amount/currency must be CNY",
		"detail": body{"field": "/amount/currency", "value": "XYZ", "issue": "must be CNY", "location": "body"},
	}
	answer := s.post(paths[simulator.APP], order)
	if diff := cmp.Diff(want, answer.body); diff != "" {
		t.Errorf("another refusal (-want +got):\n%s", diff)
	}
	if id := answer.header.Get("Request-ID"); !regexp.MustCompile(`^08[0-9A-F]{36}-268435461$`).MatchString(id) {
		t.Errorf("Request-ID is %s", id)
	}
}

func TestV3BodyMustBeOneObject(t *testing.T) {
	t.Parallel()
	s := openV3(t, nil)
	good := strings.TrimSpace(spelled(t, s.order("A00001", simulator.APP)))
	for _, row := range []struct{ name, content, want string }{
		{"not there", "", "the body is empty"},
		{"in GBK", strings.Replace(good, "壶", "\xba\xf8", 1), "the body is not UTF-8"},
		{"in XML", "<xml></xml>", "the body is not JSON"},
		{"cut off", good[:len(good)-1], "the body is not JSON"},
		{"a list", "[" + good + "]", "the body must be a JSON object"},
		{"two objects", good + good, "there must be nothing behind the body's object"},
		{"with a name twice", `{"appid":"wx",` + good[1:], "appid stands twice"},
		{"with a name twice inside", strings.Replace(good, `"total"`, `"total":1,"total"`, 1), "total stands twice"},
		{"too deep", `{"a":` + strings.Repeat("[", 20) + strings.Repeat("]", 20) + "}", "the body is too deep"},
		{"too long", good + strings.Repeat(" ", 64<<10), "the body is too long"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := openV3(t, nil)
			request := s.request(http.MethodPost, paths[simulator.APP], row.content)
			request.Header.Set("Content-Type", "application/json; charset=utf-8")
			answer := s.send(request)
			if answer.status != http.StatusBadRequest || answer.body["message"] != "参数错误: "+row.want {
				t.Errorf("answer is %d %s", answer.status, answer.text)
			}
		})
	}
}

func TestV3SameOrderAgain(t *testing.T) {
	t.Parallel()
	soon := with("/time_expire", "2014-05-08T12:10:00+08:00")
	wait := func(d time.Duration) func(v3shop, string) {
		return func(s v3shop, _ string) { s.clock.advance(d) }
	}
	for _, row := range []struct {
		name    string
		first   func(body)
		then    func(v3shop, string)
		edit    func(body)
		trade   simulator.TradeType
		want    string
		another bool // prepay id
	}{
		{name: "has the same prepay id"},
		{name: "while it lives", then: wait(2*time.Hour - time.Second)},
		{name: "when it has lived", then: wait(2 * time.Hour), another: true},
		{name: "of another amount", edit: with("/amount/total", 2000), want: "400 INVALID_REQUEST"},
		{name: "with another time_expire", edit: soon, want: "400 INVALID_REQUEST"},
		{name: "with one value more", edit: with("/attach", "a"), want: "400 INVALID_REQUEST"},
		{name: "of another trade type", trade: simulator.Native, want: "403 OUT_TRADE_NO_USED"},
		{name: "when its time has passed", first: soon, edit: soon, then: wait(10 * time.Minute), want: "400 INVALID_REQUEST"},
		{name: "when it is paid", then: func(s v3shop, id string) {
			if _, err := s.wechat.Pay(s.t.Context(), s.appClient(id)); err != nil {
				s.t.Error(err)
			}
		}, want: "400 ORDER_PAID"},
		{name: "when it is closed", then: func(s v3shop, _ string) { s.close("A00001") }, want: "400 ORDER_CLOSED"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := openV3(t, nil)
			order := s.order("A00001", simulator.APP)
			if row.first != nil {
				row.first(order)
			}
			first := s.placed(simulator.APP, order)
			if row.then != nil {
				row.then(s, first)
			}
			if row.edit != nil {
				row.edit(order)
			}
			path := paths[simulator.APP]
			if row.trade != "" {
				path = paths[row.trade]
			}
			again := s.post(path, order)
			if row.want != "" {
				if got := again.refused(); got != row.want {
					t.Errorf("answer is %s, want %q", again.text, row.want)
				}
				return
			}
			if again.status != http.StatusOK || (again.body["prepay_id"] != first) != row.another {
				t.Errorf("the first prepay id is %s, the answer %s", first, again.text)
			}
		})
	}
}

func TestV3TimeExpireIsAMinuteAtLeast(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, expire string
		after        time.Duration
		state        simulator.State
	}{
		{"a second ahead, a minute less a second later", "2014-05-08T12:00:01+08:00", 59 * time.Second, simulator.Unpaid},
		{"a second ahead, a minute later", "2014-05-08T12:00:01+08:00", time.Minute, simulator.Expired},
		{"an hour ahead, an hour later", "2014-05-08T13:00:00+08:00", time.Hour, simulator.Expired},
		{"not there, a week less a second later", "", 7*24*time.Hour - time.Second, simulator.Unpaid},
		{"not there, a week later", "", 7 * 24 * time.Hour, simulator.Expired},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := openV3(t, nil)
			order := s.order("A00001", simulator.APP)
			if row.expire != "" {
				order["time_expire"] = row.expire
			}
			s.placed(simulator.APP, order)
			s.clock.advance(row.after)
			if got := s.look("A00001").State; got != row.state {
				t.Errorf("state is %s, want %s", got, row.state)
			}
		})
	}
}

func (s v3shop) close(number string) answered {
	s.t.Helper()
	return s.post("/v3/pay/transactions/out-trade-no/"+number+"/close", body{"mchid": s.MchID})
}
