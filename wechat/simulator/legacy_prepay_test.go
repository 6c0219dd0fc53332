package simulator_test

import (
	"maps"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"
)

func TestPrepayIsTaken(t *testing.T) {
	t.Parallel()
	gbk := func(text string) string {
		raw, err := simplifiedchinese.GBK.NewEncoder().String(text)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	for _, row := range []struct {
		name  string
		order func(map[string]string)
		body  func(map[string]any)
	}{
		{name: "with no more than is needed"},
		{name: "with everything", order: func(o map[string]string) {
			o["attach"], o["goods_tag"] = "order=1&k=a b", "tea"
			o["product_fee"], o["transport_fee"] = "1899", "100"
			o["time_start"], o["time_expire"] = "20140508120000", "20140508123000"
		}},
		{name: "in Chinese", order: func(o map[string]string) { o["body"] = "支付测试" }},
		{name: "in GBK", order: func(o map[string]string) { o["input_charset"], o["body"] = "GBK", gbk("可乐1杯") }},
		{name: "with the time in words", body: func(b map[string]any) { b["timestamp"] = "1399514976" }},
		{name: "without traceid", body: func(b map[string]any) { delete(b, "traceid") }},
		{name: "with an empty traceid", body: func(b map[string]any) { b["traceid"] = "" }},
		{name: "with lowercase escapes", body: func(b map[string]any) {
			b["package"] = strings.ReplaceAll(b["package"].(string), "%3A%2F%2F", "%3a%2f%2f")
		}},
		{name: "with a bare slash", body: func(b map[string]any) {
			b["package"] = strings.ReplaceAll(b["package"].(string), "%2F", "/")
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, nil)
			answer := s.post("/pay/genprepay?access_token="+s.token(), s.prepayWith(row.order, row.body))
			if answer["errcode"] != 0.0 || answer["errmsg"] != "Success" {
				t.Errorf("answer is %v", answer)
			}
			id, _ := answer["prepayid"].(string)
			if !regexp.MustCompile(`^1101000000140508[0-9a-f]{16}$`).MatchString(id) {
				t.Errorf("prepay id is %q", id)
			}
		})
	}
}

func TestPrepayIsRefusedForItsBody(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		before func(map[string]any) // before it is signed
		after  func(map[string]any)
		want   float64
	}{
		{"without appid", nil, without("appid"), 41002},
		{"with another app's id", set("appid", other.AppID), nil, 49001},
		{"without noncestr", without("noncestr"), nil, 40035},
		{"with an empty noncestr", set("noncestr", ""), nil, 40035},
		{"with a noncestr of 33", set("noncestr", strings.Repeat("n", 33)), nil, 40035},
		{"with a number for noncestr", set("noncestr", 7), nil, 40035},
		{"with an object for traceid", nil, set("traceid", map[string]any{}), 40035},
		{"with null for traceid", nil, set("traceid", nil), 40035},
		{"without package", without("package"), nil, 40035},
		{"without timestamp", without("timestamp"), nil, 40035},
		{"with milliseconds", set("timestamp", 1399514976000), nil, 40035},
		{"with a fraction of a second", set("timestamp", 1399514976.5), nil, 40035},
		{"with a date for timestamp", set("timestamp", "2014-05-08T12:00:00+08:00"), nil, 40035},
		{"with a leading zero", set("timestamp", "01399514976"), nil, 40035},
		{"with a timestamp in words that is not signed as it is sent", nil, set("timestamp", "1399514977"), 49004},
		{"without sign_method", nil, without("sign_method"), 40035},
		{"with another sign_method", nil, set("sign_method", "SHA1"), 40035},
		{"without app_signature", nil, without("app_signature"), 40035},
		{"with a wrong app_signature", nil, set("app_signature", strings.Repeat("0", 40)), 49004},
		{"with an uppercase app_signature", nil, func(b map[string]any) {
			b["app_signature"] = strings.ToUpper(b["app_signature"].(string))
		}, 49004},
		{"with another package than was signed", nil, func(b map[string]any) {
			b["package"] = strings.ReplaceAll(b["package"].(string), "%2F", "%2f")
		}, 49004},
		{"with a traceid that was not signed", without("traceid"), set("traceid", "t"), 49004},
		{"with appkey in it", nil, set("appkey", demo.PaySignKey), 40035},
		{"with a field that nobody knows", set("nonce_str", "n"), nil, 40035},
		{"with a field in capitals", func(b map[string]any) {
			b["NonceStr"] = b["noncestr"]
			delete(b, "noncestr")
		}, nil, 40035},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, nil)
			body := s.prepayWith(nil, row.before)
			if row.after != nil {
				row.after(body)
			}
			s.refused("/pay/genprepay", body, row.want)
		})
	}
}

func TestPrepayIsRefusedForItsPackage(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		edit func(map[string]string)
		want float64
	}{
		{"without bank_type", drop("bank_type"), 40035},
		{"with another bank_type", put("bank_type", "CMB"), 40035},
		{"without body", drop("body"), 40035},
		{"with a body of 129 bytes", put("body", strings.Repeat("茶", 43)), 40035},
		{"with an empty attach", put("attach", ""), 40035},
		{"with an attach of 128 bytes", put("attach", strings.Repeat("a", 128)), 40035},
		{"without partner", drop("partner"), 49010},
		{"with another partner", put("partner", other.PartnerID), 49010},
		{"without out_trade_no", drop("out_trade_no"), 40035},
		{"with an out_trade_no of 33", put("out_trade_no", strings.Repeat("1", 33)), 40035},
		{"with a dash in out_trade_no", put("out_trade_no", "2014-05"), 40035},
		{"without total_fee", drop("total_fee"), 40035},
		{"with nothing to pay", put("total_fee", "0"), 40035},
		{"with less than nothing", put("total_fee", "-1"), 40035},
		{"in yuan", put("total_fee", "19.99"), 40035},
		{"with a leading zero", put("total_fee", "01999"), 40035},
		{"with an amount beyond all numbers", put("total_fee", "99999999999999999999"), 40035},
		{"without fee_type", drop("fee_type"), 40035},
		{"in another currency", put("fee_type", "CNY"), 40035},
		{"without notify_url", drop("notify_url"), 40035},
		{"with a relative notify_url", put("notify_url", "/notify"), 40035},
		{"with a notify_url for nobody", put("notify_url", "http:///notify"), 40035},
		{"with a notify_url of another kind", put("notify_url", "ftp://shop.example.com"), 40035},
		{"with a notify_url encoded twice", put("notify_url", "http%3A%2F%2Fshop.example.com"), 40035},
		{"with a fragment in notify_url", put("notify_url", "http://shop.example.com/#notify"), 40035},
		{"with a notify_url of 256", put("notify_url", "http://shop.example.com/"+strings.Repeat("n", 232)), 40035},
		{"without spbill_create_ip", drop("spbill_create_ip"), 40035},
		{"with an IPv6 address", put("spbill_create_ip", "2001:db8::1"), 40035},
		{"with a name for an address", put("spbill_create_ip", "localhost"), 40035},
		{"with epoch seconds in time_start", put("time_start", "1399514976"), 40035},
		{"with epoch seconds in time_expire", put("time_expire", "1399514976"), 40035},
		{"with a day that is not", put("time_expire", "20140631120000"), 40035},
		{"with parts of a second", put("time_expire", "20140508130000.5"), 40035},
		{"with an end before the beginning", func(o map[string]string) {
			o["time_start"], o["time_expire"] = "20140508130000", "20140508123000"
		}, 40035},
		{"with an end that has passed", put("time_expire", "20140508120000"), 40035},
		{"with the end in UTC", put("time_expire", "20140508043000"), 40035},
		{"with parts that do not add up", func(o map[string]string) {
			o["product_fee"], o["transport_fee"] = "1999", "1"
		}, 40035},
		{"with a part alone that is not all", put("product_fee", "1998"), 40035},
		{"without input_charset", drop("input_charset"), 40035},
		{"in another charset", put("input_charset", "utf-8"), 40035},
		{"declared UTF-8, written GBK", put("body", "\xbf\xc9\xc0\xd6"), 40035},
		{"declared GBK, written as nothing", func(o map[string]string) { o["input_charset"], o["body"] = "GBK", "\xff\xff" }, 40035},
		{"with a key that nobody knows", put("total", "1999"), 40035},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, nil)
			s.refused("/pay/genprepay", s.prepayWith(row.edit, nil), row.want)
		})
	}
}

func TestPrepayIsRefusedForTheSpellingOfItsPackage(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		edit func(packed string) string
		want float64
	}{
		{"with a plus for a space", replace("%20", "+"), 40035},
		{"with a bare space", replace("%20", " "), 40035},
		{"with a bare colon", replace("%3A", ":"), 40035},
		{"with a percent sign and nothing behind", replace("One", "100%"), 40035},
		{"with a percent sign and no hex", replace("One", "%zz"), 40035},
		{"with no equals sign", replace("fee_type=1", "fee_type"), 40035},
		{"with a pair of nothing", replace("&fee_type", "&&fee_type"), 40035},
		{"with a key twice", replace("fee_type=1", "fee_type=1&fee_type=1"), 40035},
		{"with keys out of order", replace("bank_type=WX&body=One%20pot%20of%20tea", "body=One%20pot%20of%20tea&bank_type=WX"), 40035},
		{"with its sign in front", func(packed string) string {
			front, sign, _ := strings.Cut(packed, "&sign=")
			return "sign=" + sign + "&" + front
		}, 40035},
		{"without its sign", func(packed string) string { front, _, _ := strings.Cut(packed, "&sign="); return front }, 40035},
		{"with its sign in lowercase", func(packed string) string {
			front, sign, _ := strings.Cut(packed, "&sign=")
			return front + "&sign=" + strings.ToLower(sign)
		}, 49004},
		{"with another amount than was signed", replace("total_fee=1999", "total_fee=1"), 49004},
		{"as the app's literal", func(string) string { return "Sign=WXPay" }, 40035},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, nil)
			body := s.sign(s.prepayBody(row.edit(s.pack(s.order("A1")))))
			s.refused("/pay/genprepay", body, row.want)
		})
	}
}

func TestCallIsRefusedForItsBytes(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, method, body string
		want               float64
	}{
		{"by another method", http.MethodGet, "", 43002},
		{"with nothing", http.MethodPost, "", 44002},
		{"with no JSON", http.MethodPost, "appid=wx0", 47001},
		{"with an end missing", http.MethodPost, `{"appid":"wx0"`, 47001},
		{"with two objects", http.MethodPost, `{"appid":"wx0"}{}`, 47001},
		{"with an array", http.MethodPost, `["wx0"]`, 47001},
		{"in another charset", http.MethodPost, "{\"appid\":\"\xbf\xc9\"}", 40033},
		{"with an ampersand as an escape", http.MethodPost, `{"package":"a=1\u0026b=2"}`, 40033},
		{"with Chinese as escapes", http.MethodPost, `{"traceid":"\u652f"}`, 40033},
		{"with a field twice", http.MethodPost, `{"appid":"wx0","appid":"wx1"}`, 40035},
		{"with an object inside", http.MethodPost, `{"appid":{"id":"wx0"}}`, 40035},
		{"with far too much", http.MethodPost, `{"appid":"` + strings.Repeat("w", 64<<10) + `"}`, 40035},
		{"for its fields only, with a backslash before a u", http.MethodPost, `{"traceid":"C:\\users"}`, 41002},
	} {
		for _, path := range []string{"/pay/genprepay", "/pay/orderquery", "/pay/delivernotify"} {
			t.Run(row.name+path, func(t *testing.T) {
				t.Parallel()
				s := open(t, nil)
				answer := s.call(row.method, path+"?access_token="+s.token(), []byte(row.body))
				if answer["errcode"] != row.want {
					t.Errorf("answer is %v, want errcode %v", answer, row.want)
				}
			})
		}
	}
}

func TestPrepayTwice(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		then   func(*shop)
		edit   func(map[string]string)
		want   float64
		sameID bool
	}{
		{"gives the same again", nil, nil, 0, true},
		{"gives another once the first has lived", func(s *shop) { s.clock.advance(2 * time.Hour) }, nil, 0, false},
		{"with another amount", nil, put("total_fee", "2000"), 201, false},
		{"with another body", nil, put("body", "Two pots of tea"), 201, false},
		{"when it is paid", func(s *shop) {
			if _, err := s.wechat.PayOrder(s.t.Context(), s.Name, "A1"); err != nil {
				s.t.Error(err)
			}
		}, nil, 201, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, nil)
			first := s.prepay(s.order("A1"))
			if row.then != nil {
				row.then(s)
			}
			answer := s.post("/pay/genprepay?access_token="+s.token(), s.prepayWith(row.edit, nil))
			if answer["errcode"] != row.want {
				t.Errorf("answer is %v, want errcode %v", answer, row.want)
			}
			if same := answer["prepayid"] == first; same != row.sameID {
				t.Errorf("the prepay id is the same: %v, want %v", same, row.sameID)
			}
		})
	}
}

func TestTwoMerchantsMayUseOneNumber(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	corner := s.as(other)
	if mine, theirs := s.prepay(s.order("A1")), corner.prepay(corner.order("A1")); mine == theirs {
		t.Error("both have the same prepay id")
	}
	if _, err := s.wechat.Order("", "A1"); err == nil {
		t.Error("a number that two merchants use was found without naming one")
	}
	if got := corner.look("A1").PartnerID; got != other.PartnerID {
		t.Errorf("found the order of %s", got)
	}
}

// prepayWith is a signed body for order A1, edited before each of its signatures.
func (s *shop) prepayWith(order func(map[string]string), body func(map[string]any)) map[string]any {
	values := s.order("A1")
	if order != nil {
		order(values)
	}
	fields := s.prepayBody(s.pack(values))
	if body != nil {
		body(fields)
	}
	return s.sign(fields)
}

// refused makes a call that must be refused, and leave nothing behind.
func (s *shop) refused(path string, body map[string]any, want float64) {
	s.t.Helper()
	before := s.wechat.Stats()
	answer := s.post(path+"?access_token="+s.token(), body)
	if answer["errcode"] != want {
		s.t.Errorf("answer is %v, want errcode %v", answer, want)
	}
	if _, given := answer["prepayid"]; given {
		s.t.Error("a prepay id was given")
	}
	before.Refused++
	if after := s.wechat.Stats(); after != before {
		s.t.Errorf("stats went from %+v to %+v", before, after)
	}
}

func without(name string) func(map[string]any) { return func(b map[string]any) { delete(b, name) } }

func set(name string, value any) func(map[string]any) {
	return func(b map[string]any) { b[name] = value }
}

func drop(key string) func(map[string]string) { return func(o map[string]string) { delete(o, key) } }

func put(key, value string) func(map[string]string) {
	return func(o map[string]string) { maps.Copy(o, map[string]string{key: value}) }
}

func replace(old, by string) func(string) string {
	return func(packed string) string { return strings.Replace(packed, old, by, 1) }
}
