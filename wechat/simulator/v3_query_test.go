package simulator_test

import (
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled/wechat/simulator"
)

const transactions = "/v3/pay/transactions/"

// unpaid is what is told of an order of shop modern that was not paid.
func unpaid() body {
	return body{
		"appid": "wxd678efh567hg6787", "mchid": "1900007291", "out_trade_no": "A00001", "trade_state": "NOTPAY", "trade_state_desc": "订单未支付",
		"attach": "a<b", "amount": body{"total": 1999.0, "currency": "CNY"}, "scene_info": body{"device_id": "till 1"}, "promotion_detail": []any{},
	}
}

// settled is what is told of it once it was paid.
func settled(receipt simulator.Receipt) body {
	told := unpaid()
	maps.Copy(told, body{
		"trade_state": "SUCCESS", "trade_state_desc": "支付成功", "trade_type": "APP", "bank_type": "OTHERS",
		"transaction_id": receipt.TransactionID, "success_time": "2014-05-08T12:00:00+08:00", "payer": body{"openid": receipt.OpenID},
		"amount": body{"total": 1999.0, "payer_total": 1999.0, "currency": "CNY", "payer_currency": "CNY"},
	})
	return told
}

// told is an order of which there is more to tell.
func (s v3shop) told() body {
	order := s.order("A00001", simulator.APP)
	order["attach"], order["scene_info"] = "a<b", body{"payer_client_ip": "203.0.113.7", "device_id": "till 1"}
	order["time_expire"] = "2014-05-08T12:30:00+08:00"
	return order
}

func TestV3QueryTellsOfAnOrder(t *testing.T) {
	t.Parallel()
	pay := func(s v3shop, id string) body {
		receipt, err := s.wechat.Pay(s.t.Context(), s.appClient(id))
		if err != nil {
			s.t.Fatal(err)
		}
		return settled(receipt)
	}
	for _, row := range []struct {
		name string
		then func(v3shop, string) body
	}{
		{"that is not paid", func(v3shop, string) body { return unpaid() }},
		{"whose time has passed", func(s v3shop, _ string) body { s.clock.advance(31 * time.Minute); return unpaid() }},
		{"that is closed", func(s v3shop, _ string) body {
			s.close("A00001")
			told := unpaid()
			told["trade_state"], told["trade_state_desc"] = "CLOSED", "订单已关闭"
			return told
		}},
		{"that is paid", pay},
		{"of which a part was refunded", func(s v3shop, id string) body {
			told := pay(s, id)
			s.post(refunds, s.refundOf("A00001", "R1", 1))
			told["trade_state"], told["trade_state_desc"] = "REFUND", "订单发生过退款"
			return told
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := openV3(t, nil)
			want := row.then(s, s.placed(simulator.APP, s.told()))
			got := s.get(transactions + "out-trade-no/A00001?mchid=1900007291")
			if diff := cmp.Diff(want, got.body); diff != "" {
				t.Errorf("another answer (-want +got):\n%s", diff)
			}
			id, paid := want["transaction_id"].(string)
			if !paid {
				return
			}
			byID := s.get(transactions + "id/" + id + "?mchid=1900007291")
			if diff := cmp.Diff(got.body, byID.body); diff != "" {
				t.Errorf("another answer by WeChat's number (-number +id):\n%s", diff)
			}
		})
	}
}

func TestV3CallsAboutOrdersAreRefused(t *testing.T) {
	t.Parallel()
	mine := "?mchid=1900007291"
	for _, row := range []struct{ target, want string }{
		{"out-trade-no/B00001" + mine, "404 ORDER_NOT_EXIST"},
		{"out-trade-no/A0001" + mine, "400 PARAM_ERROR out_trade_no"},
		{"out-trade-no/A%200001" + mine, "400 PARAM_ERROR out_trade_no"},
		{"out-trade-no/A00001", "400 PARAM_ERROR mchid"},
		{"out-trade-no/A00001?mchid=1900007292", "400 PARAM_ERROR mchid"},
		{"out-trade-no/A00001" + mine + "&mchid=1900007291", "400 PARAM_ERROR mchid"},
		{"out-trade-no/A00001" + mine + "&appid=wx1", "400 PARAM_ERROR appid"},
		{"out-trade-no/A00001?mchid=%zz", "400 PARAM_ERROR"},
		{"id/4200000215201811190261405420" + mine, "404 ORDER_NOT_EXIST"},
		{"id/420000021520181119026140542000000" + mine, "400 PARAM_ERROR transaction_id"},
		{"id/A00001" + mine, "404 ORDER_NOT_EXIST"},
	} {
		t.Run(row.target, func(t *testing.T) {
			t.Parallel()
			s := openV3(t, nil)
			s.place("A00001", simulator.APP)
			if answer := s.get(transactions + row.target); answer.refused() != row.want {
				t.Errorf("answer is %d %s, want %s", answer.status, answer.text, row.want)
			}
		})
	}
}

func TestV3QueryHasNoBody(t *testing.T) {
	t.Parallel()
	s := openV3(t, nil)
	s.place("A00001", simulator.APP)
	if answer := s.send(s.request(http.MethodGet, transactions+"out-trade-no/A00001?mchid=1900007291", "{}")); answer.refused() != "400 PARAM_ERROR" {
		t.Errorf("answer is %d %s", answer.status, answer.text)
	}
}

func TestV3OrdersAreEachMerchantsOwn(t *testing.T) {
	t.Parallel()
	s := openV3(t, nil)
	receipt := s.paid("A00001")
	another := s.as(certified())
	for _, target := range []string{"out-trade-no/A00001", "id/" + receipt.TransactionID} {
		if answer := another.get(transactions + target + "?mchid=1900007292"); answer.refused() != "404 ORDER_NOT_EXIST" {
			t.Errorf("answer is %d %s", answer.status, answer.text)
		}
	}
	another.place("A00001", simulator.APP)
}

func TestV3Close(t *testing.T) {
	t.Parallel()
	s := openV3(t, nil)
	id := s.place("A00001", simulator.APP)
	s.paid("A00002")
	for _, row := range []struct{ name, number, want string }{
		{"an order that is not paid", "A00001", "204 <nil>"},
		{"once more", "A00001", "204 <nil>"},
		{"an order that is paid", "A00002", "400 ORDER_PAID"},
		{"an order that is not", "A00003", "404 ORDER_NOT_EXIST"},
	} {
		answer := s.close(row.number)
		if answer.refused() != row.want || (answer.status == http.StatusNoContent) != (answer.text == "") {
			t.Errorf("%s: answer is %d %s", row.name, answer.status, answer.text)
		}
	}
	_, err := s.wechat.Pay(t.Context(), s.appClient(id))
	declined(t, err, "the order is closed")
}

func TestV3CloseIsRefusedForItsBody(t *testing.T) {
	t.Parallel()
	s := openV3(t, nil)
	s.place("A00001", simulator.APP)
	for _, row := range []struct {
		content body
		want    string
	}{
		{body{}, "400 PARAM_ERROR /mchid"},
		{body{"mchid": "1900007292"}, "400 PARAM_ERROR /mchid"},
		{body{"mchid": "1900007291", "out_trade_no": "A00001"}, "400 PARAM_ERROR /out_trade_no"},
	} {
		if answer := s.post(transactions+"out-trade-no/A00001/close", row.content); answer.refused() != row.want {
			t.Errorf("%v: answer is %d %s", row.content, answer.status, answer.text)
		}
	}
	request := s.request(http.MethodPost, transactions+"out-trade-no/A00001/close", `{"mchid":"1900007291"}`)
	request.Header.Set("Content-Type", "text/plain")
	if answer := s.send(request); answer.refused() != "400 PARAM_ERROR Content-Type" {
		t.Errorf("answer is %d %s", answer.status, answer.text)
	}
}
