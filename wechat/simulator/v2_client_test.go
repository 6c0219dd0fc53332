package simulator_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"testing"
	"time"

	"settled/wechat/simulator"
)

func TestV2Pay(t *testing.T) {
	t.Parallel()
	for _, merchant := range []simulator.Merchant{published, careful} {
		for _, row := range []struct {
			trade simulator.TradeType
			pay   func(v2shop, fields) (simulator.Receipt, error)
		}{
			{simulator.APP, func(s v2shop, f fields) (simulator.Receipt, error) {
				return s.wechat.Pay(s.t.Context(), s.appClient(f["prepay_id"]))
			}},
			{simulator.JSAPI, func(s v2shop, f fields) (simulator.Receipt, error) {
				return s.wechat.Pay(s.t.Context(), s.pageClient(f["prepay_id"]))
			}},
			{simulator.Native, func(s v2shop, f fields) (simulator.Receipt, error) {
				return s.wechat.PayCode(s.t.Context(), f["code_url"])
			}},
			{simulator.MWEB, func(s v2shop, f fields) (simulator.Receipt, error) {
				return s.wechat.PayLink(s.t.Context(), f["mweb_url"]+"&redirect_url=https%3A%2F%2Fshop.example.com")
			}},
			{simulator.APP, func(s v2shop, _ fields) (simulator.Receipt, error) {
				return s.wechat.PayOrder(s.t.Context(), s.MchID, "A00001")
			}},
		} {
			t.Run(merchant.Name+" "+string(row.trade), func(t *testing.T) {
				t.Parallel()
				s := openV2(t, nil).as(merchant)
				order := s.order("A00001", row.trade)
				receipt, err := row.pay(s, s.place(order))
				if err != nil {
					t.Fatal(err)
				}
				want := simulator.Receipt{
					AppID: s.AppID, OutTradeNo: "A00001", TotalFee: 1999, PaidAt: opening,
					TransactionID: receipt.TransactionID, OpenID: receipt.OpenID,
				}
				if order["openid"] != "" {
					want.OpenID = order["openid"]
				}
				if receipt != want {
					t.Errorf("receipt is %+v, want %+v", receipt, want)
				}
				if !regexp.MustCompile(`^420000021520140508[0-9]{10}$`).MatchString(receipt.TransactionID) {
					t.Errorf("transaction id is %q", receipt.TransactionID)
				}
				if !regexp.MustCompile(`^o[0-9A-Za-z_-]{27}$`).MatchString(receipt.OpenID) {
					t.Errorf("openid is %q", receipt.OpenID)
				}
			})
		}
	}
}

func TestV2PayIsDeclinedForItsClient(t *testing.T) {
	t.Parallel()
	app, page := simulator.APP, simulator.JSAPI
	appFields := "the fields must be [appid noncestr package partnerid prepayid sign timestamp], are "
	for _, row := range []struct {
		name   string
		trade  simulator.TradeType
		edit   func(fields)
		resign bool
		want   string
	}{
		{"without noncestr", app, drop("noncestr"), true, appFields + "[appid package partnerid prepayid sign timestamp]"},
		{"with a signType that is not signed", app, put("signType", "MD5"), false, appFields + "[appid noncestr package partnerid prepayid sign signType timestamp]"},
		{"by another app", app, put("appid", careful.AppID), true, "the prepay id is not this app's"},
		{"with another partner", app, put("partnerid", careful.MchID), true, "the prepay id is not this partner's"},
		{"with the page's package", app, put("package", "prepay_id=1"), true, "package must be Sign=WXPay"},
		{"with an empty noncestr", app, put("noncestr", ""), true, "noncestr must have 1 to 32 bytes"},
		{"with milliseconds", app, put("timestamp", "1399514976000"), true, "timestamp must be Unix time in seconds"},
		{"with a wrong sign", app, put("sign", "0"), false, "not match signature"},
		{"with another time than was signed", app, put("timestamp", "1399514977"), false, "not match signature"},
		{"by another page", page, put("appId", careful.AppID), true, "the prepay id is not this app's"},
		{"with another signType", page, put("signType", "HMAC-SHA256"), true, "signType must be MD5"},
		{"with an empty nonceStr", page, put("nonceStr", ""), true, "nonceStr must have 1 to 32 bytes"},
		{"with a page's milliseconds", page, put("timeStamp", "1399514976000"), true, "timeStamp must be Unix time in seconds"},
		{"with a wrong paySign", page, put("paySign", "0"), false, "not match signature"},
		{"with a prepay id that nobody gave", page, put("package", "prepay_id=wx0"), true, "the prepay id is unknown"},
		{"with another package", page, put("package", "Sign=WXPay"), true, "the prepay id is unknown"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := openV2(t, nil)
			id := s.place(s.order("A00001", row.trade))["prepay_id"]
			client, sign := s.appClient(id), "sign"
			if row.trade == page {
				client, sign = s.pageClient(id), "paySign"
			}
			row.edit(client)
			if row.resign {
				delete(client, sign)
				client[sign] = s.signature(client)
			}
			_, err := s.wechat.Pay(t.Context(), client)
			declined(t, err, row.want)
			if s.look("A00001").Charges != 0 {
				t.Error("charged")
			}
		})
	}
}

func TestV2PayIsDeclinedByTheWrongWay(t *testing.T) {
	t.Parallel()
	s := openV2(t, nil)
	app, page := s.place(s.order("A00001", simulator.APP)), s.place(s.order("A00002", simulator.JSAPI))
	code, link := s.place(s.order("A00003", simulator.Native)), s.place(s.order("A00004", simulator.MWEB))
	ctx := t.Context()
	pay := func(client fields) func() (simulator.Receipt, error) {
		return func() (simulator.Receipt, error) { return s.wechat.Pay(ctx, client) }
	}
	for _, row := range []struct {
		name string
		pay  func() (simulator.Receipt, error)
		want string
	}{
		{"an app's order from a page", pay(s.pageClient(app["prepay_id"])), "the fields must be [appid noncestr package partnerid prepayid sign timestamp], are [appId nonceStr package paySign signType timeStamp]"},
		{"a page's order from an app", pay(s.appClient(page["prepay_id"])), "the fields must be [appId nonceStr package paySign signType timeStamp], are [appid noncestr package partnerid prepayid sign timestamp]"},
		{"a code's order from an app", pay(s.appClient(code["prepay_id"])), "an order of trade type NATIVE is not paid with a prepay id"},
		{"a browser's order from a page", pay(s.pageClient(link["prepay_id"])), "an order of trade type MWEB is not paid with a prepay id"},
		{"a prepay id as a code", func() (simulator.Receipt, error) { return s.wechat.PayCode(ctx, app["prepay_id"]) }, "the code_url is unknown"},
		{"a code as a link", func() (simulator.Receipt, error) { return s.wechat.PayLink(ctx, code["code_url"]) }, "the h5_url is unknown"},
	} {
		_, err := row.pay()
		declined(t, err, row.want)
	}
}

func TestV2PayLate(t *testing.T) {
	t.Parallel()
	s := openV2(t, nil)
	order := s.order("A00001", simulator.MWEB)
	link := s.place(order)["mweb_url"]
	s.clock.advance(5*time.Minute - time.Second)
	if again := s.place(order)["mweb_url"]; again != link {
		t.Errorf("another mweb_url while the first one lives: %s", again)
	}
	s.clock.advance(time.Second)
	_, err := s.wechat.PayLink(t.Context(), link)
	declined(t, err, "the prepay id has expired")
	again := s.place(order)["mweb_url"]
	if _, err := s.wechat.PayLink(t.Context(), link); again == link || err == nil {
		t.Error("a mweb_url that has lived is good again")
	}
	if _, err := s.wechat.PayLink(t.Context(), again); err != nil {
		t.Error(err)
	}
}

func TestPayOverHTTPWithoutAnApp(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		trade simulator.TradeType
		body  func(placed fields) any
		want  int
	}{
		{"with code_url", simulator.Native, func(f fields) any { return fields{"code_url": f["code_url"]} }, 200},
		{"with h5_url", simulator.MWEB, func(f fields) any { return fields{"h5_url": f["mweb_url"]} }, 200},
		{"with the event that told of it", simulator.Native, func(f fields) any {
			return map[string]any{"payment_id": "7", "client": fields{"code_url": f["code_url"]}}
		}, 200},
		{"with a code_url that nobody gave", simulator.Native, func(fields) any { return fields{"code_url": "weixin://wxpay/bizpayurl?pr=0"} }, 422},
		{"with an h5_url that nobody gave", simulator.MWEB, func(fields) any { return fields{"h5_url": "https://wx.tenpay.com/"} }, 422},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := openV2(t, nil)
			placed := s.place(s.order("A00001", row.trade))
			response := s.do(http.MethodPost, "/simulator/pay", []byte(spelled(t, row.body(placed))))
			if response.Code != row.want || (s.look("A00001").Charges == 1) != (row.want == 200) {
				t.Errorf("answer is %d %s", response.Code, response.Body)
			}
			if !json.Valid(response.Body.Bytes()) {
				t.Error("the answer is not JSON")
			}
		})
	}
}
