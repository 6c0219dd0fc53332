package simulator_test

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled/wechat/simulator"
)

// bubbleV2 runs a test in a bubble of its own time, with an order A00001 that is paid.
func bubbleV2(t *testing.T, test func(t *testing.T, s v2shop)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := openV2(t, func(c *simulator.Config) { c.Now = time.Now })
		s.paid("A00001")
		test(t, s)
	})
}

func (s v2shop) lookRefund(number string) simulator.Refund {
	s.t.Helper()
	r, err := s.wechat.Refund(s.Name, number)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

func TestV2RefundIsAcceptedAndThenDone(t *testing.T) {
	t.Parallel()
	bubbleV2(t, func(t *testing.T, s v2shop) {
		transaction, begun := s.look("A00001").TransactionID, time.Now()
		got := s.post("/secapi/pay/refund", s.refundOf("A00001", "R1", "500"))
		want := fields{
			"transaction_id": transaction, "out_trade_no": "A00001", "out_refund_no": "R1", "refund_id": got["refund_id"],
			"refund_fee": "500", "total_fee": "1999", "cash_fee": "1999", "cash_refund_fee": "500", "fee_type": "CNY", "refund_channel": "ORIGINAL",
		}
		if diff := cmp.Diff(want, newsIn(got)); diff != "" {
			t.Errorf("another answer (-want +got):\n%s", diff)
		}
		if !regexp.MustCompile(`^5000040894[0-9]{19}$`).MatchString(got["refund_id"]) {
			t.Errorf("refund id is %q", got["refund_id"])
		}
		if r := s.lookRefund("R1"); r.State != simulator.RefundProcessing || r.EndedAt != nil || r.Completions != 0 {
			t.Errorf("refund is %+v", r)
		}
		elapse(time.Minute)
		if r := s.lookRefund("R1"); r.State != simulator.RefundSucceeded || r.Completions != 1 || r.EndedAt.Sub(begun) != time.Second || r.RefundFee != 500 || !r.Acknowledged {
			t.Errorf("refund is %+v", r)
		}
		if o := s.look("A00001"); o.State != simulator.Refunded || o.RefundedFee != 500 || o.Refunds != 1 {
			t.Errorf("order is %+v", o)
		}
	})
}

func TestRefundTakesItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := openV2(t, func(c *simulator.Config) { c.Now, c.RefundAfter, c.Compress = time.Now, time.Hour, 60 })
		s.paid("A00001")
		begun := time.Now()
		s.post("/secapi/pay/refund", s.refundOf("A00001", "R1", "500"))
		elapse(time.Hour)
		if took := s.lookRefund("R1").EndedAt.Sub(begun); took != time.Minute {
			t.Errorf("took %v", took)
		}
	})
}

func TestV2RefundEndsAsTheSwitchesSay(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		faults simulator.GatewaySwitches
		atOnce simulator.RefundState
		state  simulator.RefundState
		status string
		stats  simulator.Stats
	}{
		{"well", simulator.GatewaySwitches{}, simulator.RefundProcessing, simulator.RefundSucceeded, "SUCCESS", simulator.Stats{RefundsCompleted: 1}},
		{"well before it is answered", simulator.GatewaySwitches{RefundAtOnce: 1}, simulator.RefundSucceeded, simulator.RefundSucceeded, "SUCCESS", simulator.Stats{RefundsCompleted: 1}},
		{"closed", simulator.GatewaySwitches{RefundFails: 1}, simulator.RefundProcessing, simulator.RefundClosed, "REFUNDCLOSE", simulator.Stats{RefundsFailed: 1}},
		{"abnormal", simulator.GatewaySwitches{RefundAbnormal: 1}, simulator.RefundProcessing, simulator.RefundAbnormal, "CHANGE", simulator.Stats{RefundsFailed: 1}},
		{"abnormal before it is answered", simulator.GatewaySwitches{RefundAbnormal: 1, RefundAtOnce: 1}, simulator.RefundAbnormal, simulator.RefundAbnormal, "CHANGE", simulator.Stats{RefundsFailed: 1}},
		{"never", simulator.GatewaySwitches{RefundHangs: 1}, simulator.RefundProcessing, simulator.RefundProcessing, "PROCESSING", simulator.Stats{}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			bubbleV2(t, func(t *testing.T, s v2shop) {
				s.switches(simulator.Switches{Gateway: row.faults})
				s.post("/secapi/pay/refund", s.refundOf("A00001", "R1", "500"))
				if got := s.lookRefund("R1").State; got != row.atOnce {
					t.Errorf("state is %s at once", got)
				}
				elapse(time.Hour)
				if got := s.lookRefund("R1").State; got != row.state {
					t.Errorf("state is %s in the end", got)
				}
				if got := s.post("/pay/refundquery", s.asking("out_refund_no", "R1"))["refund_status_0"]; got != row.status {
					t.Errorf("told as %s", got)
				}
				got := s.wechat.Stats()
				if got.RefundsRequested != 1 || got.RefundsAccepted != 1 || got.RefundsCompleted != row.stats.RefundsCompleted ||
					got.RefundsFailed != row.stats.RefundsFailed || got.RefundedTwice != 0 {
					t.Errorf("stats are %+v", got)
				}
			})
		})
	}
}

func TestRefundIsMended(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		faults simulator.GatewaySwitches
		want   int // status
	}{
		{"that is abnormal", simulator.GatewaySwitches{RefundAbnormal: 1}, 200},
		{"that hangs", simulator.GatewaySwitches{RefundHangs: 1}, 200},
		{"but not one that is closed", simulator.GatewaySwitches{RefundFails: 1}, 422},
		{"nor one that is done", simulator.GatewaySwitches{}, 422},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			bubbleV2(t, func(t *testing.T, s v2shop) {
				s.switches(simulator.Switches{Gateway: row.faults})
				s.post("/secapi/pay/refund", s.refundOf("A00001", "R1", "500"))
				elapse(time.Hour)
				before := s.lookRefund("R1")
				if response := s.do(http.MethodPost, "/simulator/refunds/R1/mend?merchant=published", nil); response.Code != row.want {
					t.Errorf("answer is %d %s", response.Code, response.Body)
				}
				elapse(time.Hour)
				after := s.lookRefund("R1")
				if mended := after.NotifiesSent == before.NotifiesSent+1 && after.State == simulator.RefundSucceeded; mended != (row.want == 200) {
					t.Errorf("refund went from %+v to %+v", before, after)
				}
				if twice := s.wechat.Stats().RefundedTwice; twice != 0 {
					t.Errorf("refunded twice: %d", twice)
				}
			})
		})
	}
}

func TestV2RefundIsRefused(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		edit func(fields)
		want string
	}{
		{"of no order", drop("out_trade_no"), "PARAM_ERROR"},
		{"of a number that nobody placed", put("out_trade_no", "B00001"), "ORDERNOTEXIST"},
		{"of an order that is not paid", put("out_trade_no", "A00002"), "ORDERNOTEXIST"},
		{"of a transaction that is not", put("transaction_id", "4200000215201811190261405420"), "INVALID_TRANSACTIONID"},
		{"without out_refund_no", drop("out_refund_no"), "PARAM_ERROR"},
		{"with a blank in out_refund_no", put("out_refund_no", "R 1"), "PARAM_ERROR"},
		{"with an out_refund_no of 65", put("out_refund_no", strings.Repeat("1", 65)), "PARAM_ERROR"},
		{"without total_fee", drop("total_fee"), "PARAM_ERROR"},
		{"with another total_fee", put("total_fee", "2000"), "PARAM_ERROR"},
		{"without refund_fee", drop("refund_fee"), "PARAM_ERROR"},
		{"of nothing", put("refund_fee", "0"), "PARAM_ERROR"},
		{"in yuan", put("refund_fee", "5.00"), "PARAM_ERROR"},
		{"of more than was paid", put("refund_fee", "2000"), "ERROR"},
		{"in another currency", put("refund_fee_type", "USD"), "PARAM_ERROR"},
		{"with a reason of 81 bytes", put("refund_desc", strings.Repeat("茶", 27)), "PARAM_ERROR"},
		{"from another account", put("refund_account", "POCKET"), "PARAM_ERROR"},
		{"with a query in notify_url", put("notify_url", "https://shop.example.com/n?a=1"), "PARAM_ERROR"},
		{"with more than belongs there", put("op_user_id", "10000100"), "PARAM_ERROR"},
		{"by another app", put("appid", "wx0000000000000000"), "APPID_NOT_EXIST"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := openV2(t, nil)
			s.paid("A00001")
			s.place(s.order("A00002", simulator.APP))
			call := s.refundOf("A00001", "R1", "500")
			row.edit(call)
			if got := said(s.post("/secapi/pay/refund", call)); got != row.want {
				t.Errorf("refused with %q, want %q", got, row.want)
			}
			if stats := s.wechat.Stats(); stats.RefundsAccepted != 0 || stats.Refused != 1 {
				t.Errorf("stats are %+v", stats)
			}
		})
	}
}

func TestV2RefundOfTwoOrdersIsRefused(t *testing.T) {
	t.Parallel()
	s := openV2(t, nil)
	call := s.refundOf("A00001", "R1", "500")
	call["transaction_id"] = s.paid("A00002").TransactionID
	s.paid("A00001")
	if got := said(s.post("/secapi/pay/refund", call)); got != "INVALID_TRANSACTIONID" {
		t.Errorf("refused with %q", got)
	}
}

func TestV2RefundAfterAYearIsRefused(t *testing.T) {
	t.Parallel()
	s := openV2(t, nil)
	s.paid("A00001")
	s.clock.advance(365*24*time.Hour + time.Second)
	if got := said(s.post("/secapi/pay/refund", s.refundOf("A00001", "R1", "500"))); got != "TRADE_OVERDUE" {
		t.Errorf("refused with %q", got)
	}
}

func TestSameRefundAgainRefundsOnce(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		edit func(fields)
		want string
	}{
		{"as it was", func(fields) {}, ""},
		{"with another nonce", put("nonce_str", "another"), ""},
		{"with another amount", put("refund_fee", "501"), "REFUND_FEE_MISMATCH"},
		{"with another total", put("total_fee", "2000"), "REFUND_FEE_MISMATCH"},
		{"of another order", put("out_trade_no", "A00002"), "REFUND_FEE_MISMATCH"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			bubbleV2(t, func(t *testing.T, s v2shop) {
				s.paid("A00002")
				call := s.refundOf("A00001", "R1", "500")
				first := s.post("/secapi/pay/refund", call)
				elapse(time.Minute)
				row.edit(call)
				again := s.post("/secapi/pay/refund", call)
				if said(again) != row.want || row.want == "" && again["refund_id"] != first["refund_id"] {
					t.Errorf("answers are %v and %v", first, again)
				}
				elapse(time.Minute)
				if o, stats := s.look("A00001"), s.wechat.Stats(); o.RefundedFee != 500 || stats.RefundsAccepted != 1 || stats.RefundsRequested != 2 {
					t.Errorf("order is %+v, stats are %+v", o, stats)
				}
			})
		})
	}
}

func TestRefundsComeToWhatWasPaid(t *testing.T) {
	t.Parallel()
	bubbleV2(t, func(t *testing.T, s v2shop) {
		refund := func(number, fee string) string {
			return said(s.post("/secapi/pay/refund", s.refundOf("A00001", number, fee)))
		}
		for _, row := range []struct{ number, fee, want string }{
			{"R1", "1000", ""}, {"R2", "1000", "ERROR"}, {"R2", "999", ""}, {"R3", "1", "ERROR"},
		} {
			if got := refund(row.number, row.fee); got != row.want {
				t.Errorf("%s of %s fen: %q, want %q", row.number, row.fee, got, row.want)
			}
		}
		elapse(time.Minute)
		if o := s.look("A00001"); o.RefundedFee != 1999 || s.wechat.Stats().RefundedTwice != 0 {
			t.Errorf("order is %+v", o)
		}
	})
}

func TestClosedRefundHoldsNoMoney(t *testing.T) {
	t.Parallel()
	bubbleV2(t, func(t *testing.T, s v2shop) {
		s.switches(simulator.Switches{Gateway: simulator.GatewaySwitches{RefundFails: 1, RefundAtOnce: 1}})
		s.post("/secapi/pay/refund", s.refundOf("A00001", "R1", "1999"))
		s.switches(simulator.Switches{})
		if got := said(s.post("/secapi/pay/refund", s.refundOf("A00001", "R2", "1999"))); got != "" {
			t.Errorf("refused with %q", got)
		}
	})
}

func TestAnOrderHasFiftyRefunds(t *testing.T) {
	t.Parallel()
	s := openV2(t, nil)
	s.paid("A00001")
	for i := range 51 {
		want := ""
		if i == 50 {
			want = "ERROR"
		}
		if got := said(s.post("/secapi/pay/refund", s.refundOf("A00001", fmt.Sprint("R", i), "1"))); got != want {
			t.Errorf("refund %d: %q", i+1, got)
		}
	}
}

func TestRefundsAreAcceptedOnceHoweverManyAsk(t *testing.T) {
	t.Parallel()
	s := openV2(t, nil)
	s.paid("A00001")
	ids := make(chan string, 50)
	var group sync.WaitGroup
	for range cap(ids) {
		group.Go(func() { ids <- s.post("/secapi/pay/refund", s.refundOf("A00001", "R1", "1000"))["refund_id"] })
	}
	group.Wait()
	first := <-ids
	for range cap(ids) - 1 {
		if id := <-ids; id != first || id == "" {
			t.Errorf("one got %q, another %q", first, id)
		}
	}
	if stats := s.wechat.Stats(); stats.RefundsAccepted != 1 || stats.RefundsRequested != 50 {
		t.Errorf("stats are %+v", stats)
	}
}

func TestV2RefundOverTLSWantsTheMerchantsCertificate(t *testing.T) {
	t.Parallel()
	certificate := func(name string, serial int64) *x509.Certificate {
		return &x509.Certificate{Subject: pkix.Name{CommonName: name}, SerialNumber: big.NewInt(serial)}
	}
	for _, row := range []struct {
		name  string
		shown []*x509.Certificate
		want  string
	}{
		{"none", nil, "CERT_ERROR"},
		{"another merchant's", []*x509.Certificate{certificate(careful.MchID, 7)}, "CERT_ERROR"},
		{"one by its name", []*x509.Certificate{certificate(published.MchID, 7)}, ""},
		{"one by its serial", []*x509.Certificate{certificate("api client", 0x5A1D)}, ""},
		{"another's, and its own behind it", []*x509.Certificate{certificate("other", 7), certificate(published.MchID, 7)}, "CERT_ERROR"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := openV2(t, nil)
			s.paid("A00001")
			call := s.refundOf("A00001", "R1", "500")
			call["sign"] = s.signature(call)
			request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/secapi/pay/refund", strings.NewReader(document(call)))
			request.TLS = &tls.ConnectionState{PeerCertificates: row.shown}
			response := httptest.NewRecorder()
			s.wechat.ServeHTTP(response, request)
			if got := said(readDocument(t, response.Body.String())); got != row.want {
				t.Errorf("answer is %q, want %q", got, row.want)
			}
		})
	}
}

func TestV2RefundQuery(t *testing.T) {
	t.Parallel()
	bubbleV2(t, func(t *testing.T, s v2shop) {
		order := fields{
			"transaction_id": s.look("A00001").TransactionID, "out_trade_no": "A00001",
			"total_fee": "1999", "cash_fee": "1999", "fee_type": "CNY",
		}
		for i := range 12 {
			call := s.refundOf("A00001", fmt.Sprint("R", i), fmt.Sprint(10+i))
			call["refund_account"] = "REFUND_SOURCE_RECHARGE_FUNDS"
			s.post("/secapi/pay/refund", call)
		}
		elapse(time.Minute)
		told := func(from, to int, more fields) fields {
			want := maps.Clone(order)
			maps.Copy(want, more)
			want["refund_count"] = fmt.Sprint(to - from)
			for n := range to - from {
				r := s.lookRefund(fmt.Sprint("R", from+n))
				each := fields{
					"out_refund_no": r.OutRefundNo, "refund_id": r.RefundID, "refund_fee": fmt.Sprint(10 + from + n), "refund_channel": "ORIGINAL",
					"refund_status": "SUCCESS", "refund_account": "REFUND_SOURCE_RECHARGE_FUNDS", "refund_recv_accout": "支付用户零钱",
					"refund_success_time": r.EndedAt.In(beijing).Format("2006-01-02 15:04:05"),
				}
				for name, value := range each {
					want[fmt.Sprintf("%s_%d", name, n)] = value
				}
			}
			return want
		}
		all := fields{"total_refund_count": "12"}
		for _, row := range []struct {
			name string
			ask  fields
			want fields
		}{
			{"by out_refund_no", fields{"out_refund_no": "R3"}, told(3, 4, nil)},
			{"by refund_id before out_refund_no", fields{"refund_id": s.lookRefund("R4").RefundID, "out_refund_no": "R3"}, told(4, 5, nil)},
			{"by out_refund_no before the order", fields{"out_refund_no": "R3", "out_trade_no": "A00001"}, told(3, 4, nil)},
			{"by transaction_id", fields{"transaction_id": order["transaction_id"]}, told(0, 10, nil)},
			{"by out_trade_no", fields{"out_trade_no": "A00001"}, told(0, 10, nil)},
			{"from the first", fields{"out_trade_no": "A00001", "offset": "0"}, told(0, 10, all)},
			{"from the eleventh", fields{"out_trade_no": "A00001", "offset": "10"}, told(10, 12, all)},
			{"from beyond the last", fields{"out_trade_no": "A00001", "offset": "99"}, told(12, 12, all)},
		} {
			call := s.common()
			maps.Copy(call, row.ask)
			if diff := cmp.Diff(row.want, newsIn(s.post("/pay/refundquery", call))); diff != "" {
				t.Errorf("%s: another answer (-want +got):\n%s", row.name, diff)
			}
		}
	})
}

func TestV2RefundQueryIsRefused(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, element, value, want string }{
		{"of nothing", "offset", "0", "PARAM_ERROR"},
		{"of a refund that is not", "out_refund_no", "R9", "REFUNDNOTEXIST"},
		{"of a refund id that is not", "refund_id", "50000408942018111907145868882", "REFUNDNOTEXIST"},
		{"of an order without one", "out_trade_no", "A00001", "REFUNDNOTEXIST"},
		{"of an order that is not", "out_trade_no", "B00001", "REFUNDNOTEXIST"},
		{"of a transaction that is not", "transaction_id", "4200000215201811190261405420", "INVALID_TRANSACTIONID"},
		{"of an odd number", "out_refund_no", "R 1", "PARAM_ERROR"},
		{"with more than belongs there", "prepay_id", "wx1", "PARAM_ERROR"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := openV2(t, nil)
			s.paid("A00001")
			if got := said(s.post("/pay/refundquery", s.asking(row.element, row.value))); got != row.want {
				t.Errorf("refused with %q, want %q", got, row.want)
			}
		})
	}
}

func TestRefundOverHTTP(t *testing.T) {
	t.Parallel()
	bubbleV2(t, func(t *testing.T, s v2shop) {
		call := s.refundOf("A00001", "R1", "500")
		call["refund_desc"] = "cold tea"
		id, begun := s.post("/secapi/pay/refund", call)["refund_id"], time.Now()
		elapse(time.Minute)
		want := map[string]any{
			"appid": s.AppID, "mch_id": s.MchID, "out_trade_no": "A00001", "out_refund_no": "R1", "refund_id": id, "state": "succeeded",
			"refund_fee": 500.0, "reason": "cold tea", "accepted_at": begun.Format(time.RFC3339), "ended_at": begun.Add(time.Second).Format(time.RFC3339),
			"completions": 1.0, "notifies_sent": 1.0, "acknowledged": true, "abandoned": false,
		}
		if diff := cmp.Diff(want, s.get("/simulator/refunds/R1?merchant=10000100")); diff != "" {
			t.Errorf("another refund (-want +got):\n%s", diff)
		}
		for path, want := range map[string]int{"/simulator/refunds/R2": 404, "/simulator/refunds/R1?merchant=careful": 404} {
			if response := s.do(http.MethodGet, path, nil); response.Code != want {
				t.Errorf("%s: %d %s", path, response.Code, response.Body)
			}
		}
		if response := s.do(http.MethodPost, "/simulator/refunds/R2/mend", nil); response.Code != http.StatusNotFound {
			t.Errorf("mending no refund: %d %s", response.Code, response.Body)
		}
	})
}
