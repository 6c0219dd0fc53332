package main

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"settled/events"
)

// paid3 is what WeChat tells of a paid order of shop3, as richly as it may.
func paid3(order string, changes ...string) string {
	text := fmt.Sprintf(`{"mchid":"1900007291","appid":"wxd678efh567hg6787","out_trade_no":%q,"transaction_id":"42%s","trade_type":"APP",
		"trade_state":"SUCCESS","trade_state_desc":"支付成功","bank_type":"OTHERS","success_time":"2026-11-24T02:00:00.5Z","payer":{"openid":"oU"},
		"amount":{"total":1999,"payer_total":1000,"currency":"CNY","payer_currency":"CNY"},"scene_info":{"device_id":""},"unknown":null,
		"promotion_detail":[{"amount":999,"coupon_id":"109519","scope":"GLOBAL","goods_detail":[{"goods_id":"M","unit_price":1.0e2}]}]}`, order, order)
	return strings.NewReplacer(changes...).Replace(text)
}

// paid2 is the same of shop2.
func paid2(order string) map[string]string {
	return map[string]string{
		"return_code": "SUCCESS", "result_code": "SUCCESS", "appid": "wx2421b1c4370ec43b", "mch_id": "10000100", "nonce_str": "n",
		"openid": "oU", "is_subscribe": "Y", "trade_type": "APP", "bank_type": "CFT", "total_fee": "1999", "settlement_total_fee": "1900",
		"fee_type": "CNY", "cash_fee": "1000", "cash_fee_type": "CNY", "coupon_fee": "999", "coupon_count": "1", "coupon_type_0": "CASH",
		"coupon_id_0": "10000", "coupon_fee_0": "999", "transaction_id": "10" + order, "out_trade_no": order, "attach": "",
		"time_end": "20261124100000", "another_field": " spaced & <escaped> ",
	}
}

// tell tells of a paid order in the words of its merchant's protocol.
func (f *plainWechat) tell(w *world, merchant, order string) response {
	w.t.Helper()
	if merchant == "shop3" {
		return f.tell3(w, "/notify/shop3", "TRANSACTION.SUCCESS", paid3(order), time.Now())
	}
	return w.call(http.MethodPost, "/notify/shop2", []byte(f.write2(paid2(order))), "Content-Type", "text/xml")
}

func heardSuccess(r response) bool {
	return r.status == http.StatusNoContent && r.text == "" || r.status == http.StatusOK && strings.Contains(r.text, "<![CDATA[SUCCESS]]>")
}

// The same notify fifty times at once, over either address, ahead of the prepay answer and
// with everything WeChat may put into it: it is paid once, and success is said each time.
func TestIndependentNotifies(t *testing.T) {
	t.Parallel()
	for _, by := range []string{"MD5", "HMAC-SHA256"} {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			f := newPlainWechat(t)
			f.signType = by
			w := f.world(worldConfig{}, "", f.publicKey())
			w.serve()
			for _, merchant := range []string{"shop2", "shop3"} {
				f.manyTimes(w, merchant)
			}
			f.toTheWrongAddress(w)
		})
	}
}

func (f *plainWechat) manyTimes(w *world, merchant string) {
	w.t.Helper()
	id := "many|*" + merchant
	asked, told := make(chan struct{}), make(chan struct{})
	call := map[string]string{"shop2": "unifiedorder", "shop3": "prepay"}[merchant]
	usual := map[string]func(string) func(map[string]any) plainAnswer{"shop2": f.usual2, "shop3": f.usual3}[merchant](call)
	once := sync.OnceFunc(func() { close(asked) }) // a busy machine may ask again
	f.on(call, func(fields map[string]any) plainAnswer {
		once()
		<-told
		return usual(fields)
	})
	w.publish(events.PaymentRequested, orderOf(merchant, "APP", id))
	<-asked
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			w.repeats(func() bool { return heardSuccess(f.tell(w, merchant, id)) })
		})
	}
	all.Wait()
	close(told)
	completed := w.expect(events.PaymentCompleted, id)
	if paidAt, _ := time.Parse(time.RFC3339, completed["paid_at"].(string)); !paidAt.Equal(time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC)) {
		w.t.Errorf("%s was paid at %v", merchant, completed["paid_at"])
	}
	if ids := w.once(events.PaymentCompleted, id); len(ids) != 1 {
		w.t.Errorf("%s completed as %v", merchant, ids)
	}
}

func (f *plainWechat) toTheWrongAddress(w *world) {
	w.t.Helper()
	for name, said := range map[string]response{
		"v3 to v2":      f.tell3(w, "/notify/shop2", "TRANSACTION.SUCCESS", paid3("wrong-0001"), time.Now()),
		"v2 to v3":      w.call(http.MethodPost, "/notify/shop3", []byte(f.write2(paid2("wrong-0001")))),
		"v2 to classic": w.call(http.MethodPost, "/notify/classic", []byte(f.write2(paid2("wrong-0001")))),
		"too old":       f.tell3(w, "/notify/shop3", "TRANSACTION.SUCCESS", paid3("wrong-0001"), time.Now().Add(-6*time.Minute)),
	} {
		if heardSuccess(said) || said.text == "success" {
			w.t.Errorf("%s heard %d %s", name, said.status, said.text)
		}
	}
	for name, said := range map[string]response{
		"four minutes old":   f.tell3(w, "/notify/shop3", "TRANSACTION.SUCCESS", paid3("many|*shop3"), time.Now().Add(-4*time.Minute)),
		"to refund":          f.tell3(w, "/notify/shop3/refund", "TRANSACTION.SUCCESS", paid3("many|*shop3"), time.Now()),
		"of another event":   f.tell3(w, "/notify/shop3", "PAYSCORE.USER_PAID", `{"a":1}`, time.Now()),
		"of another mchid":   f.tell3(w, "/notify/shop3", "TRANSACTION.SUCCESS", paid3("many|*shop3", "1900007291", "1900007292"), time.Now()),
		"of another amount":  f.tell3(w, "/notify/shop3", "TRANSACTION.SUCCESS", paid3("many|*shop3", `"total":1999`, `"total":1000`), time.Now()),
		"v2 without success": w.call(http.MethodPost, "/notify/shop2", []byte(f.write2(failed2("many|*shop2")))),
	} {
		if !heardSuccess(said) {
			w.t.Errorf("%s heard %d %s", name, said.status, said.text)
		}
	}
	w.until("both are flagged", func() bool { return len(w.once(events.PaymentFlagged, "many|*shop3")) == 2 })
}

func failed2(order string) map[string]string {
	fields := maps.Clone(paid2(order))
	fields["result_code"], fields["err_code"] = "FAIL", "BANKERROR"
	return fields
}

// What WeChat says to a prepay request, and where it leads.
func TestIndependentAnswersToPrepay(t *testing.T) {
	t.Parallel()
	f := newPlainWechat(t)
	w := f.world(worldConfig{}, "", f.publicKey())
	w.serve()
	refusal3 := func(status int, code string) plainAnswer {
		return plainAnswer{status: status, unsigned: true, body: fmt.Sprintf(`{"code":%q,"message":"no","detail":{"field":"x","location":"body"}}`, code)}
	}
	refusal2 := func(code string) plainAnswer {
		fields := f.usual2("closeorder")(nil).fields
		fields["result_code"], fields["err_code"], fields["err_code_des"] = "FAIL", code, "no"
		return plainAnswer{fields: fields}
	}
	f.paidIf("v3-paid-0001", "v2-paid-0001") // before anybody asks
	for name, test := range map[string]struct {
		merchant string
		first    plainAnswer
		ends     string
	}{
		"v3-param":    {"shop3", refusal3(400, "PARAM_ERROR"), events.PaymentFailed},
		"v3-no-auth":  {"shop3", refusal3(403, "NO_AUTH"), events.PaymentFailed},
		"v3-openid":   {"shop3", refusal3(500, "OPENID_MISMATCH"), events.PaymentFailed},
		"v3-paid":     {"shop3", refusal3(400, "ORDERPAID"), events.PaymentCompleted},
		"v3-202":      {"shop3", plainAnswer{status: 202, body: `{}`}, events.PaymentPrepared},
		"v3-unsigned": {"shop3", plainAnswer{unsigned: true, body: `{"prepay_id":"forged"}`}, events.PaymentPrepared},
		"v3-probe": {"shop3", plainAnswer{
			body: `{"prepay_id":"probe"}`, header: map[string]string{"Wechatpay-Signature": "WECHATPAY/SIGNTEST/x=="},
		}, events.PaymentPrepared},
		"v3-lost":   {"shop3", plainAnswer{drop: true}, events.PaymentPrepared},
		"v3-html":   {"shop3", plainAnswer{status: 502, unsigned: true, body: "<html>"}, events.PaymentPrepared},
		"v3-system": {"shop3", refusal3(500, "SYSTEM_ERROR"), events.PaymentPrepared},
		"v2-noauth": {"shop2", refusal2("NOAUTH"), events.PaymentFailed},
		"v2-paid":   {"shop2", refusal2("ORDERPAID"), events.PaymentCompleted},
		"v2-system": {"shop2", refusal2("SYSTEMERROR"), events.PaymentPrepared},
		"v2-lost":   {"shop2", plainAnswer{drop: true}, events.PaymentPrepared},
	} {
		call := map[string]string{"shop2": "unifiedorder", "shop3": "prepay"}[test.merchant]
		f.once(call, name+"-0001", test.first)
		w.publish(events.PaymentRequested, orderOf(test.merchant, "JSAPI", name+"-0001"))
	}
	for name, ends := range map[string]string{
		"v3-param": events.PaymentFailed, "v3-no-auth": events.PaymentFailed, "v3-openid": events.PaymentFailed, "v2-noauth": events.PaymentFailed,
		"v3-paid": events.PaymentCompleted, "v2-paid": events.PaymentCompleted,
		"v3-202": events.PaymentPrepared, "v3-unsigned": events.PaymentPrepared, "v3-probe": events.PaymentPrepared, "v3-lost": events.PaymentPrepared,
		"v3-html": events.PaymentPrepared, "v3-system": events.PaymentPrepared, "v2-system": events.PaymentPrepared, "v2-lost": events.PaymentPrepared,
	} {
		told := w.expect(ends, name+"-0001")
		if ends == events.PaymentPrepared && !strings.HasPrefix(told["prepay_id"].(string), "wx") {
			t.Errorf("%s: %v", name, told)
		}
	}
}

// once has the first call of an order answered by a test, and the others as usual.
func (f *plainWechat) once(call, order string, first plainAnswer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	usual := f.answers[call]
	if usual == nil {
		usual = map[string]func(string) func(map[string]any) plainAnswer{"unifiedorder": f.usual2, "prepay": f.usual3}[call](call)
	}
	var said sync.Once
	f.answers[call] = func(asked map[string]any) (answer plainAnswer) {
		mine := false
		if asked["out_trade_no"] == order {
			said.Do(func() { mine = true })
		}
		if mine {
			return first
		}
		return usual(asked)
	}
}

// paidIf has queries tell that some orders are paid.
func (f *plainWechat) paidIf(orders ...string) {
	f.on("query", func(asked map[string]any) plainAnswer {
		for _, id := range orders {
			if asked["number"] == id {
				return plainAnswer{body: paid3(id, `"SUCCESS"`, `"REFUND"`)}
			}
		}
		return f.usual3("query")(asked)
	})
	f.on("orderquery", func(asked map[string]any) plainAnswer {
		for _, id := range orders {
			if asked["out_trade_no"] == id {
				fields := paid2(id)
				fields["trade_state"] = "REFUND"
				return plainAnswer{fields: fields}
			}
		}
		return f.usual2("orderquery")(asked)
	})
}

// What closing an order leads to, with the words WeChat has for it.
func TestIndependentClosing(t *testing.T) {
	t.Parallel()
	f := newPlainWechat(t)
	w := f.world(worldConfig{ttl: 2 * time.Second}, "", f.publicKey())
	w.serve()
	for name, answer := range map[string]plainAnswer{
		"v3-closed": {status: 400, unsigned: true, body: `{"code":"ORDER_CLOSED","message":"closed"}`},
		"v3-absent": {status: 404, unsigned: true, body: `{"code":"ORDER_NOT_EXIST","message":"none"}`},
	} {
		f.on("close", func(map[string]any) plainAnswer { return answer })
		w.publish(events.PaymentRequested, orderOf("shop3", "APP", name))
		w.expect(events.PaymentClosed, name)
	}
	f.on("close", f.usual3("close"))
	w.publish(events.PaymentRequested, orderOf("shop3", "APP", "v3-close|*"))
	w.expect(events.PaymentClosed, "v3-close|*")
	for _, code := range []string{"ORDERCLOSED", "ORDERNOTEXIST"} {
		f.on("closeorder", func(map[string]any) plainAnswer {
			fields := f.usual2("closeorder")(nil).fields
			fields["result_code"], fields["err_code"] = "FAIL", code
			return plainAnswer{fields: fields}
		})
		w.publish(events.PaymentRequested, orderOf("shop2", "APP", "v2-"+code))
		w.expect(events.PaymentClosed, "v2-"+code)
	}
	f.on("closeorder", func(asked map[string]any) plainAnswer {
		f.paidIf(asked["out_trade_no"].(string)) // between the query and the close
		fields := f.usual2("closeorder")(nil).fields
		fields["result_code"], fields["err_code"] = "FAIL", "ORDERPAID"
		return plainAnswer{fields: fields}
	})
	w.publish(events.PaymentRequested, orderOf("shop2", "APP", "v2-paid"))
	if told := w.expect(events.PaymentCompleted, "v2-paid"); told["late"] != false {
		t.Errorf("%v", told)
	}
}
