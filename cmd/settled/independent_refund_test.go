package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"settled/events"
)

// completes pays an order by a notify.
func (f *plainWechat) completes(w *world, merchant, id string) {
	w.t.Helper()
	w.publish(events.PaymentRequested, orderOf(merchant, "APP", id))
	w.expect(events.PaymentPrepared, id)
	if r := f.tell(w, merchant, id); !heardSuccess(r) {
		w.t.Fatalf("%s heard %d %s", merchant, r.status, r.text)
	}
	w.expect(events.PaymentCompleted, id)
}

// WeChat's words about refunds of APIv3, each told in one way only.
func TestIndependentRefundsOfV3(t *testing.T) {
	t.Parallel()
	f := newPlainWechat(t)
	w := f.world(worldConfig{schedule: "[1s, 2s]"}, "", f.publicKey())
	w.serve()
	f.completes(w, "shop3", "refunds3|*")
	said := func(status, more string) func(map[string]any) plainAnswer {
		return func(asked map[string]any) plainAnswer {
			f.repay(asked["out_refund_no"], int(asked["amount"].(map[string]any)["refund"].(float64)))
			return plainAnswer{body: f.refund3(asked["out_refund_no"], asked["out_trade_no"], status, more)}
		}
	}
	f.on("refund query", func(asked map[string]any) plainAnswer {
		return plainAnswer{body: f.refund3(asked["number"], "refunds3|*", "PROCESSING", "")}
	})

	f.on("refund", said("SUCCESS", `,"success_time":"2026-11-24T11:00:00+09:00"`))
	w.publish(events.RefundRequested, refund("shop3", "refunds3|*", "at|once@1", 100, 1999))
	if told := w.expectRefund(events.RefundCompleted, "at|once@1"); told["refunded_at"] != "2026-11-24T10:00:00+08:00" {
		t.Errorf("%v", told)
	}
	f.on("refund", said("SUCCESS", "")) // WeChat leaves out when
	w.publish(events.RefundRequested, refund("shop3", "refunds3|*", "at-once-2", 100, 1999))
	w.expectRefund(events.RefundCompleted, "at-once-2")

	f.on("refund", said("PROCESSING", ""))
	w.publish(events.RefundRequested, refund("shop3", "refunds3|*", "mended", 100, 1999))
	w.expectRefund(events.RefundAccepted, "mended")
	for _, step := range []struct{ event, status, subject string }{
		{"REFUND.ABNORMAL", "ABNORMAL", events.RefundFailed}, {"REFUND.SUCCESS", "SUCCESS", events.RefundCompleted},
	} {
		resource := strings.Replace(told3("refunds3|*", "mended", 100), "STATUS", step.status, 1)
		if r := f.tell3(w, "/notify/shop3/refund", step.event, resource, time.Now()); !heardSuccess(r) {
			t.Fatalf("%s heard %d %s", step.event, r.status, r.text)
		}
		w.expectRefund(step.subject, "mended")
	}
	w.until("WeChat hears that an unknown refund was heard", func() bool {
		return heardSuccess(f.tell3(w, "/notify/shop3/refund", "REFUND.SUCCESS", strings.Replace(told3("refunds3|*", "nobody-s", 7), "STATUS", "SUCCESS", 1), time.Now()))
	})
	w.expect(events.PaymentFlagged, "refunds3|*")
}

// told3 is the resource of a refund notify.
func told3(order, refundID string, fen int) string {
	return fmt.Sprintf(`{"mchid":"1900007291","out_trade_no":%q,"transaction_id":"42000","out_refund_no":%q,"refund_id":"503","refund_status":"STATUS",
		"success_time":"2026-11-24T10:00:00+08:00","user_received_account":"招商银行信用卡0403",
		"amount":{"total":1999,"refund":%d,"payer_total":1999,"payer_refund":1}}`, order, refundID, fen)
}

// WeChat's words about refunds of APIv2: SYSTEMERROR after it was done, a list of several
// refunds, a notify ahead of the answer, an abnormal one that is mended.
func TestIndependentRefundsOfV2(t *testing.T) {
	t.Parallel()
	f := newPlainWechat(t)
	f.signType = "MD5"
	w := f.world(worldConfig{schedule: "[1s, 2s]"}, "", f.publicKey())
	w.serve()
	f.completes(w, "shop2", "refunds2|*")
	listed := func(status string) func(map[string]any) plainAnswer {
		return func(asked map[string]any) plainAnswer {
			fields := f.usual2("closeorder")(nil).fields
			for name, value := range map[string]string{
				"out_trade_no": "refunds2|*", "transaction_id": "10", "total_fee": "1999", "refund_fee": "300", "refund_count": "2", "total_refund_count": "2",
				"out_refund_no_0": "another", "refund_id_0": "500", "refund_fee_0": "200", "refund_status_0": "CHANGE",
				"out_refund_no_1": asked["out_refund_no"].(string), "refund_id_1": "501", "refund_fee_1": "100", "refund_status_1": status,
				"refund_recv_accout_1": "支付用户的零钱", "refund_success_time_1": "2026-11-24 10:00:00", "coupon_refund_fee_1": "1", "coupon_type_1_0": "CASH",
			} {
				fields[name] = value
			}
			return plainAnswer{fields: fields}
		}
	}

	f.on("refund", func(asked map[string]any) plainAnswer { // done, and called an error
		fields := f.usual2("refund")(asked).fields
		fields["result_code"], fields["err_code"] = "FAIL", "SYSTEMERROR"
		f.on("refund", f.usual2("refund"))
		return plainAnswer{fields: fields}
	})
	f.on("refundquery", listed("PROCESSING"))
	w.publish(events.RefundRequested, refund("shop2", "refunds2|*", "system@1", 100, 1999))
	w.expectRefund(events.RefundAccepted, "system@1")
	f.on("refundquery", listed("SUCCESS"))
	if told := w.expectRefund(events.RefundCompleted, "system@1"); told["refunded_at"] != "2026-11-24T10:00:00+08:00" {
		t.Errorf("%v", told)
	}

	f.on("refund", func(asked map[string]any) plainAnswer { // the notify is ahead
		answer := f.usual2("refund")(asked)
		if r := w.call(http.MethodPost, "/notify/shop2/refund", []byte(told2("refunds2|*", "ahead", "SUCCESS"))); !heardSuccess(r) {
			t.Errorf("heard %d %s", r.status, r.text)
		}
		return answer
	})
	w.publish(events.RefundRequested, refund("shop2", "refunds2|*", "ahead", 100, 1999))
	w.expectRefund(events.RefundCompleted, "ahead")

	f.on("refund", f.usual2("refund"))
	f.on("refundquery", listed("CHANGE"))
	w.publish(events.RefundRequested, refund("shop2", "refunds2|*", "changed", 100, 1999))
	w.expectRefund(events.RefundFailed, "changed")
	f.on("refundquery", listed("SUCCESS"))
	if r := w.call(http.MethodPost, "/notify/shop2", []byte(told2("refunds2|*", "changed", "SUCCESS"))); !heardSuccess(r) {
		t.Errorf("heard %d %s", r.status, r.text)
	}
	w.expectRefund(events.RefundCompleted, "changed")
	if f.repaid() != 300 {
		t.Errorf("%d fen were given back", f.repaid())
	}
}

func told2(order, refundID, status string) string {
	return sealed2(map[string]string{
		"transaction_id": "10", "out_trade_no": order, "refund_id": "501", "out_refund_no": refundID, "total_fee": "1999", "refund_fee": "100",
		"settlement_total_fee": "1999", "settlement_refund_fee": "100", "refund_status": status, "success_time": "2026-11-24 10:00:00",
		"refund_recv_accout": "招商银行信用卡0403", "refund_account": "REFUND_SOURCE_RECHARGE_FUNDS", "refund_request_source": "API",
	})
}

// Many clients ask at once for more than was paid: exactly what was paid goes back, and
// each hears what the contract promises.
func TestIndependentRefundsInARace(t *testing.T) {
	t.Parallel()
	f := newPlainWechat(t)
	w := f.world(worldConfig{}, "", f.publicKey())
	w.serve()
	f.completes(w, "shop3", "race-0001")
	var taken, refused atomic.Int64
	var all sync.WaitGroup
	for n := range 12 { // of 250 fen each, of 1999
		all.Go(func() {
			body := refund("shop3", "race-0001", fmt.Sprintf("race-%d", n), 250, 1999)
			first := w.call(http.MethodPost, "/v1/refunds", body, append(bearer, "Prefer", "wait=10")...)
			again := w.call(http.MethodPost, "/v1/refunds", body, append(bearer, "Prefer", "wait=10")...)
			if first.status != again.status || first.body["status"] != again.body["status"] {
				t.Errorf("refund %d: first %d %s, then %d %s", n, first.status, first.text, again.status, again.text)
			}
			switch first.status {
			case http.StatusOK:
				taken.Add(1)
			case http.StatusConflict:
				refused.Add(1)
			default:
				t.Errorf("refund %d: %d %s", n, first.status, first.text)
			}
		})
	}
	all.Wait()
	if taken.Load() != 7 || refused.Load() != 5 || f.repaid() != 1750 {
		t.Errorf("%d were taken and %d refused; %d fen went back", taken.Load(), refused.Load(), f.repaid())
	}
	last := w.call(http.MethodPost, "/v1/refunds", refund("shop3", "race-0001", "race-last", 249, 1999), append(bearer, "Prefer", "wait=10")...)
	if last.status != http.StatusOK || f.repaid() != 1999 {
		t.Errorf("the last 249 fen: %d %s; %d fen went back", last.status, last.text, f.repaid())
	}
}

// What the address of refunds answers to whom.
func TestIndependentRefundsOverHTTP(t *testing.T) {
	t.Parallel()
	f := newPlainWechat(t)
	w := f.world(worldConfig{}, "", f.publicKey())
	w.serve()
	f.completes(w, "shop2", "rules-0001")
	post := func(body []byte, headers ...string) response {
		return w.call(http.MethodPost, "/v1/refunds", body, headers...)
	}
	good := refund("shop2", "rules-0001", "rules|1@x", 5, 1999)
	first := post(good, bearer...)
	if first.status != http.StatusAccepted || first.body["refund_id"] != "rules|1@x" || first.body["payment_id"] == nil || first.body["status"] == nil {
		t.Errorf("%d %s", first.status, first.text)
	}
	if shown := w.callAt(w.ingress+first.header.Get("Location"), http.MethodGet, nil, bearer...); shown.status != http.StatusOK || shown.body["refund_id"] != "rules|1@x" {
		t.Errorf("Location %q: %d %s", first.header.Get("Location"), shown.status, shown.text)
	}
	other := []string{"Authorization", "Bearer other-token"}
	for name, test := range map[string]struct {
		said   response
		status int
	}{
		"other content":   {post(refund("shop2", "rules-0001", "rules|1@x", 6, 1999), bearer...), 409},
		"no token":        {post(good), 401},
		"unknown token":   {post(good, "Authorization", "Bearer x"), 401},
		"other token":     {post(good, other...), 403},
		"not JSON":        {post([]byte("{"), bearer...), 400},
		"nothing of it":   {post(refund("shop2", "rules-0001", "rules-2", 0, 1999), bearer...), 400},
		"unknown field":   {post([]byte(`{"merchant":"shop2","order_id":"rules-0001","refund_id":"r","amount":{"refund":1,"total":1999},"x":1}`), bearer...), 400},
		"more than paid":  {post(refund("shop2", "rules-0001", "rules-3", 1995, 1999), bearer...), 409},
		"too large":       {post([]byte(strings.Repeat(" ", 65<<10)), bearer...), 413},
		"shown to others": {w.call(http.MethodGet, "/v1/refunds/shop2/rules-2", nil, other...), 403},
		"not there":       {w.call(http.MethodGet, "/v1/refunds/shop2/rules-2", nil, bearer...), 404},
	} {
		if test.said.status != test.status || test.said.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s %s", name, test.said.status, test.said.header.Get("Content-Type"), test.said.text)
		}
	}
}

// settled is killed again and again while refunds are under way: each number is given back
// once, and not a fen more than was asked for.
func TestIndependentKilledInTheMiddleOfRefunds(t *testing.T) {
	t.Parallel()
	f := newPlainWechat(t)
	w := f.world(worldConfig{schedule: "[1s, 2s]"}, "", f.publicKey())
	var done sync.Map // the refunds that WeChat has taken
	taken := make(chan struct{}, 1000)
	f.on("refund", func(asked map[string]any) plainAnswer {
		if _, again := done.LoadOrStore(asked["out_refund_no"], asked); !again {
			taken <- struct{}{}
		}
		return f.usual3("refund")(asked)
	})
	f.on("refund query", func(asked map[string]any) plainAnswer {
		if _, known := done.Load(asked["number"]); !known {
			return plainAnswer{status: http.StatusNotFound, unsigned: true, body: `{"code":"RESOURCE_NOT_EXISTS","message":"none"}`}
		}
		order, _, _ := strings.Cut(asked["number"].(string), "_")
		return plainAnswer{body: f.refund3(asked["number"], order, "SUCCESS", `,"success_time":"2026-11-24T10:00:00+08:00"`)}
	})
	process := w.launch("serve")
	w.until("settled is ready", func() bool {
		r, err := http.Get(w.ingress) //nolint:noctx // a test's own
		if err == nil {
			_ = r.Body.Close()
		}
		return err == nil
	})
	for n := range 6 {
		f.completes(w, "shop3", fmt.Sprintf("killed-%d", n))
	}
	for n := range 6 {
		for m := range 5 { // the last is one too many
			w.publish(events.RefundRequested, refund("shop3", fmt.Sprintf("killed-%d", n), fmt.Sprintf("killed-%d_%d", n, m), 499, 1999))
		}
	}
	for range 4 {
		for range 4 {
			<-taken
		}
		process.crash()
	}
	for n := range 6 {
		completed := 0
		for m := range 5 {
			id := fmt.Sprintf("killed-%d_%d", n, m)
			w.until(id+" has ended", func() bool { return w.refundEnded(id) != "" })
			if w.refundEnded(id) == events.RefundCompleted {
				completed++
			}
		}
		if completed != 4 {
			t.Errorf("order %d: %d refunds were completed", n, completed)
		}
	}
	if f.repaid() != 6*4*499 {
		t.Errorf("%d fen were given back", f.repaid())
	}
}

// refundEnded is the event that ended a refund; empty if none has.
func (w *world) refundEnded(refundID string) string {
	for _, subject := range []string{events.RefundCompleted, events.RefundFailed} {
		for _, h := range w.all(subject, "") {
			if h.body["refund_id"] == refundID {
				return subject
			}
		}
	}
	return ""
}
