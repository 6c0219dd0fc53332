package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"settled/events"
	"settled/store/storetest"
	"settled/wechat/simulator"
)

// ways are every protocol and trade type besides the legacy one.
var ways = []struct{ merchant, trade string }{
	{"shop2", "APP"}, {"shop2", "JSAPI"}, {"shop2", "NATIVE"}, {"shop2", "H5"},
	{"shop3", "APP"}, {"shop3", "JSAPI"}, {"shop3", "NATIVE"}, {"shop3", "H5"},
}

func orderOf(merchant, trade, id string) []byte {
	changes := map[string]any{"merchant": merchant, "trade_type": trade, "attach": "a & b"}
	if trade == "JSAPI" {
		changes["payer"] = map[string]any{"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}
	}
	return order(id, changes)
}

// Every trade type of every protocol, from the request to the money and back, over real
// sockets.
func TestEveryWayToPayAndToGiveBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	w.serve()
	for _, way := range ways {
		t.Run(way.merchant+" "+way.trade, func(t *testing.T) {
			id := fmt.Sprintf("way-%s-%s|*", way.merchant, way.trade)
			w.publish("payment.requested", orderOf(way.merchant, way.trade, id))
			prepared := w.expect("payment.prepared", id)
			checkPrepared(t, way.trade, prepared)
			receipt := w.pays(prepared)
			completed := w.expect("payment.completed", id)
			if completed["transaction_id"] != receipt.TransactionID || completed["source"] != "notify" || completed["attach"] != "a & b" {
				t.Errorf("completed with %v", completed)
			}
			w.publish("refund.requested", refund(way.merchant, id, id+"-1", 500, 1999))
			first := w.expectRefund("refund.completed", id+"-1")
			if first["wechat_refund_id"] == "" || first["refunded_at"] == "" || first["status"] != "completed" {
				t.Errorf("refunded with %v", first)
			}
			answer := w.call(http.MethodPost, "/v1/refunds", refund(way.merchant, id, id+"-2", 1499, 1999), append(bearer, "Prefer", "wait=10")...)
			if answer.status != http.StatusOK || answer.body["refund_id"] != id+"-2" {
				t.Errorf("refund over HTTP: %d %s", answer.status, answer.text)
			}
			w.expectRefund("refund.completed", id+"-2")
			answer = w.call(http.MethodPost, "/v1/refunds", refund(way.merchant, id, id+"-3", 1, 1999), bearer...)
			if answer.status != http.StatusConflict || !strings.Contains(answer.text, "exceeds_payment") {
				t.Errorf("one fen more: %d %s", answer.status, answer.text)
			}
			if known, err := w.wechat.Order(way.merchant, id); err != nil || known.RefundedFee != 1999 || known.Charges != 1 {
				t.Errorf("WeChat knows %+v, %v", known, err)
			}
		})
	}
}

func checkPrepared(t *testing.T, trade string, prepared map[string]any) {
	t.Helper()
	client, _ := prepared["client"].(map[string]any)
	want := map[string][]string{
		"APP":   {"appid", "partnerid", "prepayid", "package", "noncestr", "timestamp", "sign"},
		"JSAPI": {"appId", "timeStamp", "nonceStr", "package", "signType", "paySign"},
	}[trade]
	if len(client) != len(want) {
		t.Errorf("client has %v, want %v", client, want)
	}
	for _, name := range want {
		if text, ok := client[name].(string); !ok || text == "" {
			t.Errorf("client.%s is %v", name, client[name])
		}
	}
	if (prepared["code_url"] != nil) != (trade == "NATIVE") || (prepared["h5_url"] != nil) != (trade == "H5") {
		t.Errorf("prepared with %v", prepared)
	}
}

// A notify that never comes, and an answer that was lost after the customer was charged:
// the query finds the money.
func TestAQueryFindsWhatNoNotifyTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{schedule: "[1s, 2s]", switches: simulator.Switches{Notify: simulator.NotifySwitches{Silent: 1}}})
	w.serve()
	for _, merchant := range []string{"shop2", "shop3"} {
		id := "silent-" + merchant
		w.publish("payment.requested", orderOf(merchant, "APP", id))
		w.pays(w.expect("payment.prepared", id))
		if completed := w.expect("payment.completed", id); completed["source"] != "query" {
			t.Errorf("%s: learned by %v", merchant, completed["source"])
		}
		w.publish("refund.requested", refund(merchant, id, id+"-r", 1999, 1999))
		w.expectRefund("refund.completed", id+"-r")
	}
}

// Expiry closes at WeChat, so that nobody can pay any more.
func TestAnExpiredOrderIsClosedAtWeChat(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	w.serve()
	for _, merchant := range []string{"shop2", "shop3"} {
		id := "expires-" + merchant
		body := order(id, map[string]any{"merchant": merchant, "expires_at": time.Now().Add(3 * time.Second).Format(time.RFC3339)})
		w.publish("payment.requested", body)
		prepared := w.expect("payment.prepared", id)
		if closed := w.expect("payment.closed", id); closed["reason"] != "expired" {
			t.Errorf("%s: %v", merchant, closed)
		}
		if known, err := w.wechat.Order(merchant, id); err != nil || known.State != simulator.Closed {
			t.Errorf("%s: WeChat has it as %v, %v", merchant, known.State, err)
		}
		client := map[string]string{}
		for name, value := range prepared["client"].(map[string]any) {
			client[name] = value.(string)
		}
		if _, err := w.wechat.Pay(t.Context(), client); err == nil {
			t.Errorf("%s: a closed order was paid", merchant)
		}
	}
}

// The first host is down and the second is up: customers notice nothing, and nothing is
// done twice.
func TestTheBackupHostTakesOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{switches: simulator.Switches{Gateway: simulator.GatewaySwitches{MainDown: 1}}})
	w.serve()
	for _, merchant := range []string{"shop2", "shop3"} {
		for n := range 12 {
			id := fmt.Sprintf("backup-%s-%d", merchant, n)
			w.publish("payment.requested", orderOf(merchant, "APP", id))
		}
		for n := range 12 {
			id := fmt.Sprintf("backup-%s-%d", merchant, n)
			w.pays(w.expect("payment.prepared", id))
			w.expect("payment.completed", id)
			if known, err := w.wechat.Order(merchant, id); err != nil || known.Charges != 1 {
				t.Errorf("%s: %+v, %v", id, known, err)
			}
		}
	}
	if metrics := w.callAt(w.admin+"/metrics", http.MethodGet, nil).text; !strings.Contains(metrics, `settled_wechat_host_open{host="main",merchant="shop3"} 1`) {
		t.Error("the metrics do not say that the main host is left alone")
	}
}

// What a refund may end in besides the customer's money.
func TestRefundsThatDoNotArrive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{schedule: "[1s, 2s]"})
	w.serve()
	for _, merchant := range []string{"shop2", "shop3"} {
		for name, test := range map[string]struct {
			switches simulator.GatewaySwitches
			code     string
		}{
			"closed":   {simulator.GatewaySwitches{RefundFails: 1}, "CLOSED"},
			"abnormal": {simulator.GatewaySwitches{RefundAbnormal: 1}, "ABNORMAL"},
		} {
			id := name + "-" + merchant
			w.publish("payment.requested", orderOf(merchant, "NATIVE", id))
			w.pays(w.expect("payment.prepared", id))
			w.expect("payment.completed", id)
			if err := w.wechat.SwitchOrder(id, simulator.Switches{Gateway: test.switches}); err != nil {
				t.Fatal(err)
			}
			w.publish("refund.requested", refund(merchant, id, id+"-r", 1999, 1999))
			failed := w.expectRefund("refund.failed", id+"-r")
			if code := failed["error"].(map[string]any)["code"]; code != test.code {
				t.Errorf("%s: failed with %v", id, failed)
			}
			w.wechat.UnswitchOrder(id)
			w.publish("refund.requested", refund(merchant, id, id+"-s", 1999, 1999))
			if test.code == "CLOSED" {
				w.expectRefund("refund.completed", id+"-s")
				continue
			}
			again := w.expectRefund("refund.failed", id+"-s")
			if code := again["error"].(map[string]any)["code"]; code != events.CodeExceedsPayment {
				t.Errorf("%s: the money of an abnormal refund was promised twice: %v", id, again)
			}
			if err := w.wechat.MendRefund(merchant, id+"-r"); err != nil {
				t.Fatal(err)
			}
			w.expectRefund("refund.completed", id+"-r")
		}
	}
}

// Accepted is not completed: a refund that hangs at WeChat hangs here, until WeChat says how
// it ended.
func TestAnAcceptedRefundIsNotCompleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{switches: simulator.Switches{Gateway: simulator.GatewaySwitches{RefundHangs: 1}}})
	w.serve()
	for _, merchant := range []string{"shop2", "shop3"} {
		id := "hangs-" + merchant
		w.publish("payment.requested", orderOf(merchant, "NATIVE", id))
		w.pays(w.expect("payment.prepared", id))
		w.expect("payment.completed", id)
		w.publish("refund.requested", refund(merchant, id, id+"-r", 1999, 1999))
		if accepted := w.expectRefund("refund.accepted", id+"-r"); accepted["wechat_refund_id"] == "" || accepted["status"] != "accepted" {
			t.Errorf("accepted with %v", accepted)
		}
		state := w.call(http.MethodGet, "/v1/refunds/"+merchant+"/"+id+"-r", nil, bearer...)
		if state.body["status"] != "accepted" {
			t.Errorf("the state is %s", state.text)
		}
		if err := w.wechat.MendRefund(merchant, id+"-r"); err != nil {
			t.Fatal(err)
		}
		w.expectRefund("refund.completed", id+"-r")
	}
}

// Whatever comes to a notify address without the right signature hears the protocol's
// failure, and changes nothing.
func TestForgedNotifiesOfTheSuccessors(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	w.serve()
	for name, test := range map[string]struct {
		path, body string
		headers    []string
		status     int
		says       string
	}{
		"v2 nothing":        {"/notify/shop2", "", nil, 200, "FAIL"},
		"v2 unsigned":       {"/notify/shop2", "<xml><return_code>SUCCESS</return_code></xml>", nil, 200, "FAIL"},
		"v2 entities":       {"/notify/shop2", `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><xml><a>&e;</a></xml>`, nil, 200, "FAIL"},
		"v2 refund garbage": {"/notify/shop2/refund", "<xml><req_info>AAAA</req_info></xml>", nil, 200, "FAIL"},
		"v3 nothing":        {"/notify/shop3", "", nil, 401, `"FAIL"`},
		"v3 probe": {"/notify/shop3", "{}", []string{
			"Wechatpay-Timestamp", fmt.Sprint(time.Now().Unix()), "Wechatpay-Nonce", "n", "Wechatpay-Serial", firstKeyID,
			"Wechatpay-Signature", "WECHATPAY/SIGNTEST/abc",
		}, 401, `"FAIL"`},
		"v3 an unknown key": {"/notify/shop3", "{}", []string{
			"Wechatpay-Timestamp", fmt.Sprint(time.Now().Unix()), "Wechatpay-Nonce", "n", "Wechatpay-Serial", "PUB_KEY_ID_9",
			"Wechatpay-Signature", "AAAA",
		}, 401, `"FAIL"`},
		"v3 too large": {"/notify/shop3", strings.Repeat("x", 256<<10+1), nil, 413, ""},
	} {
		t.Run(name, func(t *testing.T) {
			answer := w.call(http.MethodPost, test.path, []byte(test.body), test.headers...)
			if answer.status != test.status || !strings.Contains(answer.text, test.says) {
				t.Errorf("heard %d %s", answer.status, answer.text)
			}
		})
	}
}

// WeChat hears each protocol's own success, to the letter.
func TestWeChatHearsEachProtocolsSuccess(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{switches: simulator.Switches{Notify: simulator.NotifySwitches{
		WrongSignature: .3, Probe: .3, Double: .5, Copies: 4,
	}}})
	w.serve()
	for _, merchant := range []string{"shop2", "shop3"} {
		for n := range 8 {
			w.publish("payment.requested", orderOf(merchant, "APP", fmt.Sprintf("heard-%s-%d", merchant, n)))
		}
		for n := range 8 {
			id := fmt.Sprintf("heard-%s-%d", merchant, n)
			w.pays(w.expect("payment.prepared", id))
		}
		for n := range 8 {
			id := fmt.Sprintf("heard-%s-%d", merchant, n)
			w.expect("payment.completed", id)
			w.until("WeChat hears of "+id, func() bool {
				known, err := w.wechat.Order(merchant, id)
				return err == nil && known.Acknowledged
			})
			if ids := w.once("payment.completed", id); len(ids) != 1 {
				t.Errorf("%s was completed %d times", id, len(ids))
			}
		}
	}
}

// A payment's state over HTTP, whatever its protocol.
func TestStateOfTheSuccessors(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	w.serve()
	answer := w.call(http.MethodPost, "/v1/payments", orderOf("shop3", "NATIVE", "state-0001"), append(bearer, "Prefer", "wait=10")...)
	if answer.status != http.StatusOK || answer.body["code_url"] == nil {
		t.Fatalf("%d %s", answer.status, answer.text)
	}
	w.pays(answer.body)
	w.expect("payment.completed", "state-0001")
	w.publish("refund.requested", refund("shop3", "state-0001", "state-r1", 99, 1999))
	w.expectRefund("refund.completed", "state-r1")
	state := w.call(http.MethodGet, "/v1/refunds/shop3/state-r1", nil, bearer...)
	var body struct {
		Status string
		Amount struct{ Refund, Total int }
	}
	if err := json.Unmarshal([]byte(state.text), &body); err != nil || state.status != http.StatusOK ||
		body.Status != "completed" || body.Amount.Refund != 99 || body.Amount.Total != 1999 {
		t.Errorf("%d %s", state.status, state.text)
	}
	if missing := w.call(http.MethodGet, "/v1/refunds/shop3/state-r2", nil, bearer...); missing.status != http.StatusNotFound {
		t.Errorf("a refund that is not there: %d", missing.status)
	}
}

// The same by hand: pay, refund, show.
func TestPayRefundAndShowByHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	w.serve()
	run := func(code int, says string, arguments ...string) {
		t.Helper()
		got := settledRuns(t.Context(), append(arguments, "--config", w.file)...)
		if got.code != code || !strings.Contains(got.out+got.err, says) {
			t.Errorf("settled %v: exit %d, want %d with %q\n%s%s", arguments, got.code, code, says, got.out, got.err)
		}
	}
	run(exitDone, "code_url", "pay", "--merchant", "shop3", "--order", "hand-0001", "--amount", "1999", "--trade-type", "NATIVE")
	w.pays(w.expect("payment.prepared", "hand-0001"))
	w.expect("payment.completed", "hand-0001")
	run(exitDone, "wechat_refund_id", "refund", "--merchant", "shop3", "--order", "hand-0001", "--refund", "hand-r1", "--amount", "500")
	run(exitFailed, "exceeds_payment", "refund", "--merchant", "shop3", "--order", "hand-0001", "--refund", "hand-r2", "--amount", "1999")
	run(exitFailed, "conflict", "refund", "--merchant", "shop3", "--order", "hand-0001", "--refund", "hand-r1", "--amount", "499")
	run(exitFailed, "no payment", "refund", "--merchant", "shop3", "--order", "hand-0002", "--refund", "hand-r3", "--amount", "1")
	run(exitUsage, "amount.refund", "refund", "--merchant", "shop3", "--order", "hand-0001", "--refund", "hand-r4", "--amount", "0")
	w.expectRefund("refund.completed", "hand-r1")
	run(exitDone, "refund hand-r1", "show", "shop3", "hand-0001")
	run(exitDone, `"request_id": "`, "show", "--json", "shop3", "hand-0001")
}

// Who asks WeChat a second time does not know who waits: the books tell.
func TestWhoWaitsByHandIsAnsweredThoughWeChatWasDownAtFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	w.serve()
	db := storetest.DB(t, w.postgres)
	for _, test := range []struct {
		table, says string
		arguments   []string
	}{
		{"payments", "code_url", []string{"pay", "--amount", "1999", "--trade-type", "NATIVE"}},
		{"refunds", "wechat_refund_id", []string{"refund", "--refund", "down-r1", "--amount", "500"}},
	} {
		w.switches(simulator.Switches{Gateway: simulator.GatewaySwitches{Down: 1}})
		answered := make(chan output, 1)
		go func() {
			answered <- settledRuns(t.Context(), append(test.arguments, "--merchant", "shop3", "--order", "down-0001", "--wait", "40s", "--config", w.file)...)
		}()
		w.until("WeChat was asked in vain", func() bool {
			var asked bool
			err := db.QueryRowContext(t.Context(), `select attempts > 0 from `+test.table+` where order_id = 'down-0001'`).Scan(&asked)
			return err == nil && asked
		})
		w.switches(simulator.Switches{})
		if got := <-answered; got.code != exitDone || !strings.Contains(got.out, test.says) {
			t.Fatalf("settled %v: exit %d, want %q\n%s%s", test.arguments, got.code, test.says, got.out, got.err)
		}
		if test.table == "payments" {
			w.pays(w.expect("payment.prepared", "down-0001"))
			w.expect("payment.completed", "down-0001")
		}
	}
}
