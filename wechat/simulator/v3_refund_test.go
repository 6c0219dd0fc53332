package simulator_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled/wechat/simulator"
)

const refunds = "/v3/refund/domestic/refunds"

// openRefunds opens a shop whose refunds end before they are answered, as the switches say.
func openRefunds(t *testing.T, faults simulator.GatewaySwitches) v3shop {
	t.Helper()
	s := openV3(t, nil)
	faults.RefundAtOnce = 1
	s.switches(simulator.Switches{Gateway: faults})
	return s
}

func TestV3RefundIsAnswered(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		status string
		faults simulator.GatewaySwitches
		ended  any
	}{
		{"SUCCESS", simulator.GatewaySwitches{}, "2014-05-08T12:00:00+08:00"},
		{"PROCESSING", simulator.GatewaySwitches{RefundHangs: 1}, nil},
		{"CLOSED", simulator.GatewaySwitches{RefundFails: 1}, nil},
		{"ABNORMAL", simulator.GatewaySwitches{RefundAbnormal: 1}, nil},
	} {
		t.Run(row.status, func(t *testing.T) {
			t.Parallel()
			s := openRefunds(t, row.faults)
			receipt := s.paid("A00001")
			answer := s.post(refunds, s.refundOf("A00001", "R1", 500))
			want := body{
				"refund_id": answer.body["refund_id"], "out_refund_no": "R1", "transaction_id": receipt.TransactionID, "out_trade_no": "A00001",
				"channel": "ORIGINAL", "user_received_account": "支付用户零钱", "create_time": "2014-05-08T12:00:00+08:00",
				"status": row.status, "funds_account": "UNSETTLED", "promotion_detail": []any{},
				"amount": body{
					"total": 1999.0, "refund": 500.0, "payer_total": 1999.0, "payer_refund": 500.0, "settlement_refund": 500.0,
					"settlement_total": 1999.0, "discount_refund": 0.0, "currency": "CNY",
				},
			}
			if row.ended != nil {
				want["success_time"] = row.ended
			}
			if diff := cmp.Diff(want, answer.body); diff != "" {
				t.Errorf("another answer (-want +got):\n%s", diff)
			}
			if !regexp.MustCompile(`^500004089420140508[0-9]{11}$`).MatchString(fmt.Sprint(answer.body["refund_id"])) {
				t.Errorf("refund_id is %v", answer.body["refund_id"])
			}
			if diff := cmp.Diff(want, s.get(refunds+"/R1").body); diff != "" {
				t.Errorf("the query has another answer (-want +got):\n%s", diff)
			}
		})
	}
}

func TestV3RefundIsRefused(t *testing.T) {
	t.Parallel()
	const param, invalid = "400 PARAM_ERROR ", "400 INVALID_REQUEST"
	for _, row := range []struct {
		name string
		edit func(body)
		want string
	}{
		{"of no order", lacking("/out_trade_no"), param + "/transaction_id"},
		{"of an order that is not", with("/out_trade_no", "B00001"), "404 RESOURCE_NOT_EXISTS"},
		{"of a transaction that is not", with("/transaction_id", "4200000215201811190261405420"), "404 RESOURCE_NOT_EXISTS"},
		{"of an order that is not paid", with("/out_trade_no", "A00002"), invalid},
		{"of an odd number", with("/out_trade_no", "A 0001"), param + "/out_trade_no"},
		{"without out_refund_no", lacking("/out_refund_no"), param + "/out_refund_no"},
		{"with an odd out_refund_no", with("/out_refund_no", "R/1"), param + "/out_refund_no"},
		{"with an out_refund_no of 65", with("/out_refund_no", strings.Repeat("R", 65)), param + "/out_refund_no"},
		{"with a reason of 81 bytes", with("/reason", strings.Repeat("茶", 27)), param + "/reason"},
		{"with a query in notify_url", with("/notify_url", "https://shop.example.com/n?a=1"), param + "/notify_url"},
		{"from another account", with("/funds_account", "SAVINGS"), param + "/funds_account"},
		{"without amount", lacking("/amount"), param + "/amount"},
		{"without amount.refund", lacking("/amount/refund"), param + "/amount/refund"},
		{"without amount.total", lacking("/amount/total"), param + "/amount/total"},
		{"without a currency", lacking("/amount/currency"), param + "/amount/currency"},
		{"of text", with("/amount/refund", "500"), param + "/amount/refund"},
		{"of nothing", with("/amount/refund", 0), param + "/amount/refund"},
		{"of more than was paid", with("/amount/refund", 2000), invalid},
		{"of another total", with("/amount/total", 2000), invalid},
		{"with the merchant's number", with("/mchid", "1900007291"), param + "/mchid"},
		{"with an odd source", with("/amount/from", []body{{"account": "SAVINGS", "amount": 1}}), param + "/amount/from/0/account"},
		{"with odd goods", with("/goods_detail", []body{{"merchant_goods_id": "1"}}), param + "/goods_detail/0/unit_price"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := openV3(t, nil)
			s.paid("A00001")
			s.place("A00002", simulator.APP)
			call := s.refundOf("A00001", "R1", 500)
			row.edit(call)
			if answer := s.post(refunds, call); answer.refused() != row.want {
				t.Errorf("answer is %d %s, want %s", answer.status, answer.text, row.want)
			}
			if accepted := s.wechat.Stats().RefundsAccepted; accepted != 0 {
				t.Errorf("%d refunds were accepted", accepted)
			}
		})
	}
}

func TestV3RefundOfTwoOrders(t *testing.T) {
	t.Parallel()
	s := openV3(t, nil)
	first, second := s.paid("A00001"), s.paid("A00002")
	call := s.refundOf("A00001", "R1", 500)
	call["transaction_id"] = second.TransactionID
	if answer := s.post(refunds, call); answer.refused() != "400 INVALID_REQUEST" {
		t.Errorf("answer is %s", answer.text)
	}
	call["transaction_id"] = first.TransactionID
	if answer := s.post(refunds, call); answer.status != http.StatusOK {
		t.Errorf("answer is %s", answer.text)
	}
}

func TestV3SameRefundAgain(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		edit func(body)
		want string
	}{
		{"is the same refund", func(body) {}, "200 <nil>"},
		{"with another reason", with("/reason", "late"), "200 <nil>"},
		{"of another amount", with("/amount/refund", 501), "400 INVALID_REQUEST"},
		{"of another order", with("/out_trade_no", "A00002"), "400 INVALID_REQUEST"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := openRefunds(t, simulator.GatewaySwitches{})
			s.paid("A00001")
			s.paid("A00002")
			call := s.refundOf("A00001", "R1", 500)
			first := s.post(refunds, call)
			row.edit(call)
			again := s.post(refunds, call)
			if again.refused() != row.want || again.status == http.StatusOK && again.body["refund_id"] != first.body["refund_id"] {
				t.Errorf("answer is %s, the first was %s", again.text, first.text)
			}
			if stats := s.wechat.Stats(); stats.RefundsAccepted != 1 || stats.RefundsCompleted != 1 || stats.RefundedTwice != 0 {
				t.Errorf("stats are %+v", stats)
			}
		})
	}
}

func TestV3RefundAfterAYear(t *testing.T) {
	t.Parallel()
	s := openV3(t, nil)
	s.paid("A00001")
	s.clock.advance(366 * 24 * time.Hour)
	if answer := s.post(refunds, s.refundOf("A00001", "R1", 500)); answer.refused() != "400 INVALID_REQUEST" {
		t.Errorf("answer is %s", answer.text)
	}
}

func TestV3RefundQueryIsRefused(t *testing.T) {
	t.Parallel()
	s := openRefunds(t, simulator.GatewaySwitches{})
	s.paid("A00001")
	s.post(refunds, s.refundOf("A00001", "R1", 500))
	for target, want := range map[string]string{
		"/R2":                  "404 RESOURCE_NOT_EXISTS",
		"/R%2F1":               "400 PARAM_ERROR out_refund_no",
		"/R1?mchid=1900007291": "400 PARAM_ERROR mchid",
	} {
		if answer := s.get(refunds + target); answer.refused() != want {
			t.Errorf("%s: answer is %d %s", target, answer.status, answer.text)
		}
	}
	if answer := s.as(certified()).get(refunds + "/R1"); answer.refused() != "404 RESOURCE_NOT_EXISTS" {
		t.Errorf("another merchant's: answer is %d %s", answer.status, answer.text)
	}
}
