package simulator_test

import (
	"testing"

	"settled/wechat/simulator"
)

func TestV3Pay(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		trade simulator.TradeType
		pay   func(v3shop, string) (simulator.Receipt, error)
	}{
		{"from an app", simulator.APP, func(s v3shop, id string) (simulator.Receipt, error) {
			return s.wechat.Pay(s.t.Context(), s.appClient(id))
		}},
		{"from a page", simulator.JSAPI, func(s v3shop, id string) (simulator.Receipt, error) {
			return s.wechat.Pay(s.t.Context(), s.pageClient(id))
		}},
		{"by a code", simulator.Native, func(s v3shop, code string) (simulator.Receipt, error) {
			return s.wechat.PayCode(s.t.Context(), code)
		}},
		{"in a browser", simulator.MWEB, func(s v3shop, link string) (simulator.Receipt, error) {
			return s.wechat.PayLink(s.t.Context(), link+"&redirect_url=https%3A%2F%2Fshop.example.com")
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := openV3(t, nil)
			receipt, err := row.pay(s, s.place("A00001", row.trade))
			if err != nil {
				t.Fatal(err)
			}
			if receipt.AppID != s.AppID || receipt.OutTradeNo != "A00001" || receipt.TotalFee != 1999 || receipt.PaidAt != opening {
				t.Errorf("receipt is %+v", receipt)
			}
			if row.trade == simulator.JSAPI && receipt.OpenID != "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o" {
				t.Errorf("openid is %q", receipt.OpenID)
			}
			if a := s.attempt(); !a.Heard || a.OutTradeNo != "A00001" {
				t.Errorf("attempt is %+v", a)
			}
		})
	}
}

func TestV3PayIsDeclinedForItsClient(t *testing.T) {
	t.Parallel()
	const app, page = simulator.APP, simulator.JSAPI
	appFields := "the fields must be [appid noncestr package partnerid prepayid sign timestamp], are "
	for _, row := range []struct {
		name  string
		trade simulator.TradeType
		edit  func(v3shop, fields)
		want  string
	}{
		{"without noncestr", app, edits(drop("noncestr")), appFields + "[appid package partnerid prepayid sign timestamp]"},
		{"with a signType", app, edits(put("signType", "RSA")), appFields + "[appid noncestr package partnerid prepayid sign signType timestamp]"},
		{"by another app", app, edits(put("appid", "wx1")), "the prepay id is not this app's"},
		{"with another partner", app, edits(put("partnerid", "1900007292")), "the prepay id is not this partner's"},
		{"with the page's package", app, edits(put("package", "prepay_id=1")), "package must be Sign=WXPay"},
		{"with an empty noncestr", app, edits(put("noncestr", "")), "noncestr must have 1 to 32 bytes"},
		{"with milliseconds", app, edits(put("timestamp", "1399514976000")), "timestamp must be Unix time in seconds"},
		{"with a wrong sign", app, edits(put("sign", "AAAA")), "not match signature"},
		{"with a sign that is no base64", app, edits(put("sign", "?")), "not match signature"},
		{"with another time than was signed", app, edits(put("timestamp", "1399514977")), "not match signature"},
		{"signed as a page would", app, func(s v3shop, client fields) {
			client["sign"] = s.signature(client["appid"], client["timestamp"], client["noncestr"], "prepay_id="+client["prepayid"])
		}, "not match signature"},
		{"signed over package", app, func(s v3shop, client fields) {
			client["sign"] = s.signature(client["appid"], client["timestamp"], client["noncestr"], client["package"])
		}, "not match signature"},
		{"signed with another key", app, func(s v3shop, client fields) {
			s.key = strangeKey()
			client["sign"] = s.signature(client["appid"], client["timestamp"], client["noncestr"], client["prepayid"])
		}, "not match signature"},
		{"by another page", page, edits(put("appId", "wx1")), "the prepay id is not this app's"},
		{"signed in the old way", page, edits(put("signType", "MD5")), "signType must be RSA"},
		{"with an empty nonceStr", page, edits(put("nonceStr", "")), "nonceStr must have 1 to 32 bytes"},
		{"with a page's milliseconds", page, edits(put("timeStamp", "1399514976000")), "timeStamp must be Unix time in seconds"},
		{"with a wrong paySign", page, edits(put("paySign", "AAAA")), "not match signature"},
		{"with another package", page, edits(put("package", "prepay_id=wx0")), "the prepay id is unknown"},
		{"signed as an app would", page, func(s v3shop, client fields) {
			client["paySign"] = s.signature(client["appId"], client["timeStamp"], client["nonceStr"], client["package"][len("prepay_id="):])
		}, "not match signature"},
		{"from a code", simulator.Native, edits(func(fields) {}), "an order of trade type NATIVE is not paid with a prepay id"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := openV3(t, nil)
			id := s.place("A00001", row.trade)
			client := s.appClient(id)
			if row.trade == page {
				client = s.pageClient(id)
			}
			row.edit(s, client)
			_, err := s.wechat.Pay(t.Context(), client)
			declined(t, err, row.want)
			if s.look("A00001").Charges != 0 {
				t.Error("charged")
			}
		})
	}
}

func edits(edit func(fields)) func(v3shop, fields) {
	return func(_ v3shop, client fields) { edit(client) }
}
