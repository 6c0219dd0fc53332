package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"settled/wechat/simulator"
)

// written is whatever a run wrote, from many goroutines.
type written struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (w *written) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

// count is how often a text stands in it.
func (w *written) count(text string) int { return strings.Count(w.String(), text) }

func (w *written) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// A full run over all protocols, in which much goes wrong, logged to the last detail; then
// everything that it has written is searched for every secret of its configuration, for
// whatever was signed or encrypted, and for the bodies that went to and fro.
func TestNoSecretIsEverWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{schedule: "[1s, 2s]", deliver: true, switches: simulator.Switches{
		Notify: simulator.NotifySwitches{WrongSignature: .2, Probe: .1, WrongAmount: .05, ForeignPartner: .05, Double: .3},
		Gateway: simulator.GatewaySwitches{
			ErrorRate: .05, CutConnection: .05, AnswerLost: .05, WrongSignature: .1, Down: .02, TokenRefused: .02, RefundAtOnce: .2,
		},
	}})
	log := &written{}
	w.log = log
	w.serve()
	merchants := []string{"classic", "shop2", "shop3"}
	for i := range 24 {
		w.publish("payment.requested", order(fmt.Sprintf("secret%04d", i), map[string]any{"merchant": merchants[i%3]}))
	}
	w.publish("payment.requested", []byte(`{"merchant": "shop3", "order_id": "x"}`))
	w.publish("notify.received", []byte(`{"merchant": "shop3", "body": "`+base64.StdEncoding.EncodeToString([]byte("a-forged-body"))+`"}`))
	for i := range 24 {
		id := fmt.Sprintf("secret%04d", i)
		w.pays(w.expect("payment.prepared", id))
		w.expect("payment.completed", id)
		if merchants[i%3] != "classic" {
			w.publish("refund.requested", refund(merchants[i%3], id, id+"-r", 500, 1999))
			w.expectRefund("refund.completed", id+"-r")
		}
	}
	w.call(http.MethodPost, "/notify/shop3", []byte("a-forged-body"), "Wechatpay-Signature", "a-forged-signature")
	w.call(http.MethodPost, "/notify/shop2", []byte("<xml>a-forged-body</xml>"))
	w.call(http.MethodPost, "/v1/payments", []byte("a-forged-body"), "Authorization", "Bearer a-forged-token")

	told := ""
	for _, h := range w.all("", "") {
		told += h.raw
	}
	said := w.callAt(w.admin+"/metrics", http.MethodGet, nil).text
	for _, arguments := range [][]string{
		{"check"}, {"keys"}, {"keys", "--json"}, {"dead", "list"},
		{"show", "--json", "classic", "secret0000"}, {"show", "--json", "shop2", "secret0001"}, {"show", "--json", "shop3", "secret0002"},
	} {
		got := settledRuns(t.Context(), append(arguments, "--config", w.file, "--log-level", "debug")...)
		said += got.out + got.err
	}
	for what, secret := range w.secrets() {
		for where, text := range map[string]string{"the logs": log.String(), "the events": told, "what commands and metrics say": said} {
			if strings.Contains(text, secret) {
				t.Errorf("%s is in %s", what, where)
			}
		}
	}
	for what, trace := range map[string]string{
		"a signed request": "WECHATPAY2-SHA256", "an XML body": "<xml>", "an encrypted body": "ciphertext", "an encrypted refund": "<req_info>",
		"a forged body": "a-forged-body", "a forged signature": "a-forged-signature", "a forged token": "a-forged-token",
		"a signature for the app": w.all("payment.prepared", "secret0002")[0].body["client"].(map[string]any)["sign"].(string),
		"a query with a token":    "access_token=",
	} {
		if strings.Contains(log.String(), trace) {
			t.Errorf("%s is in the logs", what)
		}
	}
	if !strings.Contains(log.String(), "wechat called") || !strings.Contains(said, "settled_wechat_calls_total") {
		t.Error("nothing was written that could have held a secret")
	}
}

// secrets are those of the configuration, and of the files that it names.
func (w *world) secrets() map[string]string {
	w.t.Helper()
	secrets := map[string]string{
		"the shop's token": shopToken, "app_secret": w.merchant.AppSecret, "pay_sign_key": w.merchant.PaySignKey,
		"partner_key": w.merchant.PartnerKey, "api_key": simulatedShop2.APIKey, "api_v3_key": w.shop3.APIV3Key,
	}
	text, err := os.ReadFile(w.file)
	if err != nil {
		w.t.Fatal(err)
	}
	file := regexp.MustCompile(`(?m)^    private_key: (.*)$`).FindSubmatch(text)
	key, err := os.ReadFile(string(file[1]))
	if err != nil {
		w.t.Fatal(err)
	}
	for i, line := range strings.Split(string(key), "\n") {
		if len(line) > 20 && !strings.HasPrefix(line, "-----") {
			secrets[fmt.Sprintf("line %d of private_key", i+1)] = line
		}
	}
	return secrets
}
