package simulator_test

import (
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled/wechat/simulator"
)

// newsIn are the elements of an answer besides those that every answer has.
func newsIn(answer fields) fields {
	told := maps.Clone(answer)
	for _, name := range []string{"return_code", "return_msg", "appid", "mch_id", "nonce_str", "sign", "result_code"} {
		delete(told, name)
	}
	return told
}

func TestV2QueryTellsOfAnOrder(t *testing.T) {
	t.Parallel()
	open := fields{"out_trade_no": "A00001", "attach": "a<b", "trade_state": "NOTPAY", "trade_state_desc": "订单未支付"}
	for _, row := range []struct {
		name string
		then func(v2shop, fields)
		want func(fields)
	}{
		{"that is not paid", func(v2shop, fields) {}, func(fields) {}},
		{"whose time has passed", wait(31 * time.Minute), func(fields) {}},
		{"that is closed", func(s v2shop, _ fields) { s.post("/pay/closeorder", s.asking("out_trade_no", "A00001")) }, func(f fields) {
			f["trade_state"], f["trade_state_desc"] = "CLOSED", "订单已关闭"
		}},
		{"that is paid", payV2, func(f fields) {
			f["trade_state"], f["trade_state_desc"] = "SUCCESS", "支付成功"
			maps.Copy(f, paidFields)
		}},
		{"of which a part was refunded", func(s v2shop, placed fields) {
			payV2(s, placed)
			s.post("/secapi/pay/refund", s.refundOf("A00001", "R1", "1"))
		}, func(f fields) {
			f["trade_state"], f["trade_state_desc"] = "REFUND", "订单发生过退款"
			maps.Copy(f, paidFields)
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := openV2(t, nil)
			order := s.order("A00001", simulator.APP)
			order["attach"], order["time_expire"] = "a<b", "20140508123000"
			row.then(s, s.place(order))
			want := maps.Clone(open)
			row.want(want)
			if o := s.look("A00001"); o.TransactionID != "" {
				want["transaction_id"], want["openid"] = o.TransactionID, o.OpenID
			}
			got := s.post("/pay/orderquery", s.asking("out_trade_no", "A00001"))
			if diff := cmp.Diff(want, newsIn(got)); diff != "" {
				t.Errorf("another answer (-want +got):\n%s", diff)
			}
		})
	}
}

// paidFields are what a payment adds.
var paidFields = fields{
	"is_subscribe": "N", "trade_type": "APP", "bank_type": "OTHERS", "total_fee": "1999", "fee_type": "CNY",
	"cash_fee": "1999", "cash_fee_type": "CNY", "time_end": "20140508120000",
}

func payV2(s v2shop, placed fields) {
	s.t.Helper()
	if _, err := s.wechat.Pay(s.t.Context(), s.appClient(placed["prepay_id"])); err != nil {
		s.t.Error(err)
	}
}

func TestV2QueryByTransaction(t *testing.T) {
	t.Parallel()
	s := openV2(t, nil)
	receipt := s.paid("A00001")
	s.paid("A00002")
	query := s.asking("transaction_id", receipt.TransactionID)
	query["out_trade_no"] = "A00002" // which counts for nothing then
	if got := s.post("/pay/orderquery", query); got["out_trade_no"] != "A00001" {
		t.Errorf("answer is %v", got)
	}
}

func TestV2CallsAboutOrdersAreRefused(t *testing.T) {
	t.Parallel()
	const query, closing = "/pay/orderquery", "/pay/closeorder"
	for _, row := range []struct {
		name, path string
		edit       func(fields)
		want       string
	}{
		{"a query of nothing", query, drop("out_trade_no"), "FAIL 参数格式校验错误: transaction_id or out_trade_no must be there"},
		{"a query of a number that nobody placed", query, put("out_trade_no", "B00001"), "ORDERNOTEXIST"},
		{"a query of a transaction that is not", query, put("transaction_id", "4200000215201811190261405420"), "ORDERNOTEXIST"},
		{"a query of an odd number", query, put("out_trade_no", "A 0001"), "FAIL 参数格式校验错误: out_trade_no must be 6 to 32 letters, digits or _-|*"},
		{"a query with more than belongs there", query, put("prepay_id", "wx1"), "FAIL 参数格式校验错误: prepay_id does not belong here"},
		{"closing nothing", closing, drop("out_trade_no"), "FAIL 参数格式校验错误: out_trade_no is missing"},
		{"closing a number that nobody placed", closing, put("out_trade_no", "B00001"), "ORDERNOTEXIST"},
		{"closing a transaction", closing, put("transaction_id", "4200000215201811190261405420"), "FAIL 参数格式校验错误: transaction_id does not belong here"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := openV2(t, nil)
			s.place(s.order("A00001", simulator.APP))
			call := s.asking("out_trade_no", "A00001")
			row.edit(call)
			if got := said(s.post(row.path, call)); got != row.want {
				t.Errorf("refused with %q, want %q", got, row.want)
			}
		})
	}
}

func TestV2Close(t *testing.T) {
	t.Parallel()
	s := openV2(t, nil)
	placed := s.place(s.order("A00001", simulator.APP))
	s.paid("A00002")
	for _, row := range []struct{ name, number, want string }{
		{"an order that is not paid", "A00001", ""},
		{"once more", "A00001", "ORDERCLOSED"},
		{"an order that is paid", "A00002", "ORDERPAID"},
	} {
		if got := said(s.post("/pay/closeorder", s.asking("out_trade_no", row.number))); got != row.want {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
	_, err := s.wechat.Pay(t.Context(), s.appClient(placed["prepay_id"]))
	declined(t, err, "the order is closed")
	if o := s.look("A00001"); o.State != simulator.Closed || o.Charges != 0 {
		t.Errorf("order is %+v", o)
	}
}

func TestBothProtocolsHaveAnOrderquery(t *testing.T) {
	t.Parallel()
	s := openV2(t, nil)
	s.paid("A00001")
	classic := s.shop.as(demo)
	classic.pay(classic.order("B1"))
	if got := s.post("/pay/orderquery", s.asking("out_trade_no", "A00001")); got["trade_state"] != "SUCCESS" {
		t.Errorf("APIv2 is answered %v", got)
	}
	if got := classic.query("B1"); got["errcode"] != 0.0 {
		t.Errorf("the legacy API is answered %v", got)
	}
}
