package main

import (
	"crypto/md5"  //nolint:gosec // the legacy protocol signs with it
	"crypto/sha1" //nolint:gosec // the legacy protocol signs with it
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled/events"
	"settled/wechat/simulator"
)

// One message in, the customer pays, one message out: the whole job.
func TestALifeFromRequestToCompleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{deliver: true})
	w.serve()
	w.publish(events.PaymentRequested, order("life00001", map[string]any{
		"metadata": map[string]string{"cart": "77"}, "attach": "a=b&c", "description": "Tea & 茶 100% '~*'",
	}))
	prepared := w.expect(events.PaymentPrepared, "life00001")
	for name, want := range map[string]any{
		"merchant": "classic", "status": "prepared", "trade_type": "APP",
		"amount": map[string]any{"total": 1999.0, "currency": "CNY"}, "metadata": map[string]any{"cart": "77"},
	} {
		if diff := cmp.Diff(want, prepared[name]); diff != "" {
			t.Errorf("prepared.%s (-want +got):\n%s", name, diff)
		}
	}
	fields := slices.Sorted(maps.Keys(prepared["client"].(map[string]any)))
	if diff := cmp.Diff([]string{"appid", "noncestr", "package", "partnerid", "prepayid", "sign", "timestamp"}, fields); diff != "" {
		t.Errorf("client (-want +got):\n%s", diff)
	}
	receipt := w.customerPays(prepared)
	completed := w.expect(events.PaymentCompleted, "life00001")
	for name, want := range map[string]any{
		"payment_id": prepared["payment_id"], "status": "completed", "transaction_id": receipt.TransactionID,
		"payer": map[string]any{"openid": receipt.OpenID}, "attach": "a=b&c", "source": "notify", "late": false,
		"paid_at": receipt.PaidAt.In(time.FixedZone("", 8*3600)).Format(time.RFC3339),
	} {
		if diff := cmp.Diff(want, completed[name]); diff != "" {
			t.Errorf("completed.%s (-want +got):\n%s", name, diff)
		}
	}
	w.until("WeChat has heard success, and that the goods were delivered", func() bool {
		known, err := w.wechat.Order("", "life00001")
		return err == nil && known.Acknowledged && known.Delivered
	})
	if w.state("life00001") != "completed" || len(w.once(events.PaymentCompleted, "life00001")) != 1 {
		t.Errorf("state %s, events %v", w.state("life00001"), w.heard)
	}
}

// A hundred notifies at once, over two processes: one completed event, a hundred times
// success.
func TestANotifyAHundredTimesAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{switches: silent})
	w.serve()
	w.serveParts(parts{workers: true})
	w.publish(events.PaymentRequested, order("hundred01", nil))
	receipt := w.customerPays(w.expect(events.PaymentPrepared, "hundred01"))
	query, body := w.notifyOf(receipt, 1999)
	var callers sync.WaitGroup
	for range 100 {
		callers.Go(func() {
			w.repeats(func() bool {
				answer := w.call(http.MethodPost, "/notify/classic?"+query, body)
				return answer.status == 200 && answer.text == "success"
			})
		})
	}
	callers.Wait()
	w.expect(events.PaymentCompleted, "hundred01")
	if again := w.call(http.MethodPost, "/notify/classic?"+query, body); again.text != "success" {
		t.Errorf("the repeat was answered %q", again.text)
	}
	if ids := w.once(events.PaymentCompleted, "hundred01"); len(ids) != 1 {
		t.Errorf("%d completed events", len(ids))
	}
}

var silent = simulator.Switches{Notify: simulator.NotifySwitches{Silent: 1}}

// notifyOf is the notify that WeChat would send for a receipt, signed like WeChat's, over
// total fen.
func (w *world) notifyOf(receipt simulator.Receipt, total int) (query string, body []byte) {
	return w.sign(map[string]string{
		"bank_type": "2011", "discount": "0", "fee_type": "1", "input_charset": "UTF-8", "notify_id": "n-" + receipt.OutTradeNo,
		"out_trade_no": receipt.OutTradeNo, "partner": w.merchant.PartnerID, "product_fee": fmt.Sprint(total), "sign_type": "MD5",
		"time_end": receipt.PaidAt.In(time.FixedZone("", 8*3600)).Format("20060102150405"), "total_fee": fmt.Sprint(total),
		"trade_mode": "1", "trade_state": "0", "transaction_id": receipt.TransactionID, "transport_fee": "0",
	}, receipt.OpenID)
}

func (w *world) sign(fields map[string]string, openID string) (query string, body []byte) {
	var raw, encoded []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		raw = append(raw, name+"="+fields[name])
		encoded = append(encoded, name+"="+url.QueryEscape(fields[name]))
	}
	sum := md5.Sum([]byte(strings.Join(raw, "&") + "&key=" + w.merchant.PartnerKey)) //nolint:gosec // the protocol's
	query = strings.Join(encoded, "&") + "&sign=" + strings.ToUpper(hex.EncodeToString(sum[:]))
	signature := sha1.Sum([]byte("appid=" + w.merchant.AppID + "&appkey=" + w.merchant.PaySignKey + //nolint:gosec // the protocol's
		"&issubscribe=0&noncestr=n&openid=" + openID + "&timestamp=1400000000"))
	return query, fmt.Appendf(nil, "<xml><OpenId><![CDATA[%s]]></OpenId><AppId><![CDATA[%s]]></AppId><IsSubscribe>0</IsSubscribe>"+
		"<TimeStamp> 1400000000</TimeStamp><NonceStr><![CDATA[n]]></NonceStr><AppSignature><![CDATA[%x]]></AppSignature>"+
		"<SignMethod><![CDATA[sha1]]></SignMethod></xml>", openID, w.merchant.AppID, signature)
}

// A forged or altered notify changes nothing and hears fail.
func TestAForgedNotifyChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{switches: silent})
	w.serve()
	w.publish(events.PaymentRequested, order("forged001", nil))
	receipt := w.customerPays(w.expect(events.PaymentPrepared, "forged001"))
	query, body := w.notifyOf(receipt, 1999)
	for name, forged := range map[string][2]string{
		"another amount":     {strings.Replace(query, "total_fee=1999", "total_fee=1", 1), string(body)},
		"another order":      {strings.Replace(query, "forged001", "forged002", 1), string(body)},
		"no signature":       {query[:strings.Index(query, "&sign=")], string(body)},
		"another payer":      {query, strings.Replace(string(body), receipt.OpenID, "oForged", 1)},
		"no body":            {query, ""},
		"a body that is not": {query, "<xml><OpenId>"},
		"an added parameter": {query + "&trade_state2=0", string(body)},
		"nothing at all":     {"", ""},
	} {
		answer := w.call(http.MethodPost, "/notify/classic?"+forged[0], []byte(forged[1]))
		if answer.status != 200 || answer.text != "fail" {
			t.Errorf("%s: answered %d %q", name, answer.status, answer.text)
		}
	}
	if answer := w.call(http.MethodPost, "/notify/other?"+query, body); answer.text != "fail" {
		t.Errorf("another merchant's notify: answered %q", answer.text)
	}
	if answer := w.call(http.MethodPost, "/notify/nobody?"+query, body); answer.status != 404 {
		t.Errorf("a merchant nobody knows: answered %d", answer.status)
	}
	if state := w.state("forged001"); state != "prepared" {
		t.Errorf("state %s", state)
	}
}

// A notify that disagrees with the order is flagged, answered with success, and completes
// nothing; the right one completes it all the same.
func TestANotifyThatDisagreesIsFlagged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{switches: silent})
	w.serve()
	w.publish(events.PaymentRequested, order("disagree1", nil))
	receipt := w.customerPays(w.expect(events.PaymentPrepared, "disagree1"))
	for range 2 {
		query, body := w.notifyOf(receipt, 1998)
		if answer := w.call(http.MethodPost, "/notify/classic?"+query, body); answer.text != "success" {
			t.Fatalf("answered %q", answer.text)
		}
	}
	if flagged := w.expect(events.PaymentFlagged, "disagree1"); flagged["reason"] != "amount_mismatch" || flagged["status"] != "prepared" {
		t.Errorf("flagged %v", flagged)
	}
	if state := w.state("disagree1"); state != "prepared" {
		t.Errorf("state %s", state)
	}
	query, body := w.notifyOf(receipt, 1999)
	w.call(http.MethodPost, "/notify/classic?"+query, body)
	w.expect(events.PaymentCompleted, "disagree1")
	if ids := w.once(events.PaymentFlagged, "disagree1"); len(ids) != 1 {
		t.Errorf("%d flags for one thing", len(ids))
	}
	second := receipt
	second.TransactionID = "1900000109" + "20260101" + "0000000002"
	query, body = w.notifyOf(second, 1999)
	w.call(http.MethodPost, "/notify/classic?"+query, body)
	w.until("the second transaction is flagged", func() bool {
		for _, h := range w.all(events.PaymentFlagged, "disagree1") {
			if h.body["reason"] == "second_transaction" {
				return true
			}
		}
		return false
	})
	if ids := w.once(events.PaymentCompleted, "disagree1"); len(ids) != 1 {
		t.Errorf("%d completed events", len(ids))
	}
}

// A notify of an order nobody requested waits a while, then it is flagged and hears
// success.
func TestAnUnknownOrderIsFlagged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	w.serve()
	receipt := simulator.Receipt{OutTradeNo: "unknown01", TransactionID: "1900000109202601010000000003", PaidAt: time.Now(), OpenID: "o1"}
	query, body := w.notifyOf(receipt, 5)
	if answer := w.call(http.MethodPost, "/notify/classic?"+query, body); answer.text != "fail" {
		t.Errorf("answered %q before anything was committed", answer.text)
	}
	if flagged := w.expect(events.PaymentFlagged, "unknown01"); flagged["reason"] != "unknown_order" {
		t.Errorf("flagged %v", flagged)
	}
	if answer := w.call(http.MethodPost, "/notify/classic?"+query, body); answer.text != "success" {
		t.Errorf("the repeat was answered %q", answer.text)
	}
	if ids := w.once(events.PaymentFlagged, "unknown01"); len(ids) != 1 {
		t.Errorf("%d flags", len(ids))
	}
}

// No notify ever comes: the query schedule finds the money.
func TestALostNotifyIsMadeGoodByAQuery(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{switches: silent, schedule: "[200ms, 400ms, 1s]"})
	w.serve()
	w.publish(events.PaymentRequested, order("silent001", nil))
	receipt := w.customerPays(w.expect(events.PaymentPrepared, "silent001"))
	if completed := w.expect(events.PaymentCompleted, "silent001"); completed["source"] != "query" {
		t.Errorf("completed %v", completed)
	}
	query, body := w.notifyOf(receipt, 1999) // and there it is
	if answer := w.call(http.MethodPost, "/notify/classic?"+query, body); answer.text != "success" {
		t.Errorf("answered %q", answer.text)
	}
	for name, want := range map[string]string{
		`settled_completion_seconds_count{source="query"}`:     "1",
		`settled_notifies_overtaken_total{merchant="classic"}`: "1",
		`settled_completed_late_total{merchant="classic"}`:     "0",
		`settled_paid_fen_total{merchant="classic"}`:           "1999",
		`settled_commit_callers_count{statement="record"}`:     "1",
	} {
		w.until(name+" is "+want, func() bool { return w.metric(name) == want })
	}
}

// The app says that its user is back: WeChat is asked at once.
func TestReturnedAsksWeChat(t *testing.T) {
	t.Parallel()
	for name, tell := range map[string]func(w *world, prepared map[string]any) int{
		"the shop over HTTP": func(w *world, _ map[string]any) int {
			return w.call(http.MethodPost, "/v1/payments/classic/returned1/returned", nil, bearer...).status
		},
		"the app itself": func(w *world, prepared map[string]any) int {
			return w.call(http.MethodPost, "/returned/"+prepared["payment_id"].(string), nil).status
		},
		"the shop over NATS": func(w *world, _ map[string]any) int {
			w.publish(events.PaymentReturned, []byte(`{"merchant": "classic", "order_id": "returned1"}`))
			return http.StatusAccepted
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, worldConfig{switches: silent})
			w.serve()
			w.publish(events.PaymentRequested, order("returned1", nil))
			prepared := w.expect(events.PaymentPrepared, "returned1")
			w.customerPays(prepared)
			if status := tell(w, prepared); status != http.StatusAccepted {
				t.Errorf("answered %d", status)
			}
			if completed := w.expect(events.PaymentCompleted, "returned1"); completed["source"] != "query" {
				t.Errorf("completed %v", completed)
			}
		})
	}
}

// Time is up: closed once. The money comes all the same: completed, late.
func TestPaidAfterClosedIsCompletedLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{ttl: 2 * time.Second})
	w.serve()
	w.publish(events.PaymentRequested, order("closed001", nil))
	w.expect(events.PaymentPrepared, "closed001")
	if closed := w.expect(events.PaymentClosed, "closed001"); closed["reason"] != "expired" || closed["status"] != "closed" {
		t.Errorf("closed %v", closed)
	}
	receipt := simulator.Receipt{OutTradeNo: "closed001", TransactionID: "1900000109202601010000000004", PaidAt: time.Now(), OpenID: "o1"}
	query, body := w.notifyOf(receipt, 1999)
	if answer := w.call(http.MethodPost, "/notify/classic?"+query, body); answer.text != "success" {
		t.Errorf("answered %q", answer.text)
	}
	if completed := w.expect(events.PaymentCompleted, "closed001"); completed["late"] != true {
		t.Errorf("completed %v", completed)
	}
	w.until("it is counted", func() bool { return w.metric(`settled_completed_late_total{merchant="classic"}`) == "1" })
	if breaks := w.audit().Breaks; len(breaks) > 0 {
		t.Errorf("breaks %+v", breaks)
	}
}

// WeChat's final word on the prepay request fails the payment.
func TestARefusedPaymentFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	w.serve()
	w.publish(events.PaymentRequested, order("refused01", nil))
	w.customerPays(w.expect(events.PaymentPrepared, "refused01"))
	w.expect(events.PaymentCompleted, "refused01")

	// A second settled, with a database of its own, orders the same number of the same
	// merchant with other content.
	second := newWorld(t, worldConfig{like: w})
	second.serve()
	answer := second.call(http.MethodPost, "/v1/payments", order("refused01", map[string]any{"description": "Another pot"}),
		append([]string{"Prefer", "wait=8"}, bearer...)...)
	if answer.status != http.StatusUnprocessableEntity {
		t.Errorf("answered %d %s", answer.status, answer.text)
	}
	if failed := second.expect(events.PaymentFailed, "refused01"); failed["status"] != "failed" || failed["error"].(map[string]any)["code"] == "" {
		t.Errorf("failed %v", failed)
	}
}

// Whatever is wrong with WeChat for a while: the payment is prepared with the bytes that
// were stored, and paid once.
func TestWeChatMisbehaves(t *testing.T) {
	t.Parallel()
	for name, gateway := range map[string]simulator.GatewaySwitches{
		"down":           {Down: 1},
		"answers lost":   {AnswerLost: 1},
		"connection cut": {CutConnection: 1},
		"busy":           {ErrorRate: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, worldConfig{})
			w.serve()
			w.wechat.Switch(simulator.Switches{Gateway: gateway})
			w.publish(events.PaymentRequested, order("trouble01", nil))
			w.until("the payment is recorded, with its trouble", func() bool { return w.state("trouble01") == "requested" })
			w.wechat.Switch(simulator.Switches{})
			w.customerPays(w.expect(events.PaymentPrepared, "trouble01"))
			w.expect(events.PaymentCompleted, "trouble01")
			if known, err := w.wechat.Order("", "trouble01"); err != nil || known.Charges != 1 {
				t.Errorf("%+v, %v", known, err)
			}
		})
	}
}
