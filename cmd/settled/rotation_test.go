package main

import (
	"cmp"
	"fmt"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"settled/wechat/simulator"
)

// rewrite changes the configuration file and tells the running settled of it, as kill -HUP
// does; it returns once the keys are in use.
func (w *world) rewrite(hangup chan<- os.Signal, old, replaced string) {
	w.t.Helper()
	before := w.reloads("replaced")
	text, err := os.ReadFile(w.file)
	if err != nil {
		w.t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		w.t.Fatalf("the configuration does not say %q", old)
	}
	if err := os.WriteFile(w.file, []byte(strings.Replace(string(text), old, replaced, 1)), 0o600); err != nil {
		w.t.Fatal(err)
	}
	hangup <- syscall.SIGHUP
	w.until("new keys are in use", func() bool { return w.reloads("replaced") != before })
}

// reloads reads how often keys were replaced, or refused, off the metrics.
func (w *world) reloads(result string) string {
	w.t.Helper()
	return cmp.Or(w.metric(fmt.Sprintf("settled_reloads_total{result=%q}", result)), "0")
}

// buy takes n payments of a merchant from the request to the money, all at once.
func (w *world) buy(merchant, prefix string, n int) {
	w.t.Helper()
	for i := range n {
		w.publish("payment.requested", orderOf(merchant, "NATIVE", fmt.Sprintf("%s-%04d", prefix, i)))
	}
	for i := range n {
		w.pays(w.expect("payment.prepared", fmt.Sprintf("%s-%04d", prefix, i)))
	}
	for i := range n {
		id := fmt.Sprintf("%s-%04d", prefix, i)
		if completed := w.expect("payment.completed", id); completed["source"] != "notify" {
			w.t.Errorf("%s was learned by %v", id, completed["source"])
		}
	}
}

// A merchant goes from platform certificates to WeChat's public key while payments flow,
// over a certificate that is replaced on the way, and none fails: no notify is refused, and
// no payment needs a query.
func TestFromPlatformCertificatesToThePublicKeyWhilePaymentsFlow(t *testing.T) {
	t.Parallel()
	shop3 := simulatedShop3()
	shop3.KeyMode, shop3.WechatKeyID = simulator.PlatformCertificates, "7132D72A03E93CDDF8C03BBD1F37EEDF"
	w := newWorld(t, worldConfig{shop3: shop3})
	hangup := make(chan os.Signal)
	w.serveParts(parts{ingress: true, workers: true, admin: true, file: w.file, hangup: hangup})

	w.buy("shop3", "certificate", 10)
	if err := w.wechat.RotateCertificate("shop3"); err != nil {
		t.Fatal(err)
	}
	w.buy("shop3", "second-certificate", 10)

	if err := w.wechat.ShiftToPublicKey("shop3", 0); err != nil {
		t.Fatal(err)
	}
	keys, err := w.wechat.Keys("shop3")
	if err != nil {
		t.Fatal(err)
	}
	public := t.TempDir() + "/wechatpay_pub.pem"
	if err := os.WriteFile(public, []byte(keys.PublicKey), 0o600); err != nil {
		t.Fatal(err)
	}
	w.rewrite(hangup, "    certificate_serial:", fmt.Sprintf("    public_key_id: %s\n    public_key: %s\n    certificate_serial:", keys.PublicKeyID, public))
	for _, share := range []float64{.1, .5, 1} {
		if err := w.wechat.ShiftToPublicKey("shop3", share); err != nil {
			t.Fatal(err)
		}
		w.buy("shop3", fmt.Sprintf("share-%.0f", 100*share), 20)
	}
	if stats := w.wechat.Stats(); stats.NotifiesSent != stats.NotifiesAcknowledged {
		t.Errorf("%d of %d notifies were heard at once", stats.NotifiesAcknowledged, stats.NotifiesSent)
	}
	w.keysTell("PUB_KEY_ID_", "certificate", "BREAKS  the public key alone verifies")
}

// keysTell runs settled keys until it says all of this: sightings are told with a delay.
func (w *world) keysTell(words ...string) {
	w.t.Helper()
	w.until("settled keys tells", func() bool {
		said := settledRuns(w.t.Context(), "keys", "--config", w.file)
		for _, word := range words {
			if said.code != exitDone || !strings.Contains(said.out, word) {
				return false
			}
		}
		return true
	})
}

// A key of the XML protocol is replaced: what the old one signed still verifies until the
// file says otherwise, and a file with a mistake changes nothing.
func TestAnAPIKeyIsReplacedWithoutARestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	hangup := make(chan os.Signal)
	w.serveParts(parts{ingress: true, workers: true, admin: true, file: w.file, hangup: hangup})
	w.publish("payment.requested", orderOf("shop2", "NATIVE", "key-0001"))
	prepared := w.expect("payment.prepared", "key-0001")

	const fresh = "0123456789abcdef0123456789abcdef"
	w.rewrite(hangup, "api_key: "+simulatedShop2.APIKey, "api_key: "+fresh)
	w.pays(prepared)
	w.expect("payment.completed", "key-0001") // WeChat still signs with the old key

	text, err := os.ReadFile(w.file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.file, append(text, "nonsense: true\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	hangup <- syscall.SIGHUP
	w.until("a file with a mistake is refused", func() bool { return w.reloads("refused") == "1" })
	another := strings.Replace(string(text), `mch_id: "10000100"`, `mch_id: "10000101"`, 1)
	if err := os.WriteFile(w.file, []byte(another), 0o600); err != nil {
		t.Fatal(err)
	}
	hangup <- syscall.SIGHUP
	w.until("another account is refused", func() bool { return w.reloads("refused") == "2" })
	if err := os.WriteFile(w.file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	w.rewrite(hangup, "api_key: "+fresh, "api_key: "+simulatedShop2.APIKey+"\n    verify_also: []")
	w.buy("shop2", "key-back", 3)
}

// A file of which one merchant's part can't be used changes nothing of the others' either:
// what it says of them may belong together.
func TestAChangedFileIsTakenAsAWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	hangup := make(chan os.Signal)
	w.serveParts(parts{ingress: true, workers: true, admin: true, file: w.file, hangup: hangup})
	text, err := os.ReadFile(w.file)
	if err != nil {
		t.Fatal(err)
	}
	broken := strings.NewReplacer(
		"api_key: "+simulatedShop2.APIKey, "api_key: 0123456789abcdef0123456789abcdef", "private_key: /", "private_key: /nowhere/",
	).Replace(string(text))
	if err := os.WriteFile(w.file, []byte(broken), 0o600); err != nil {
		t.Fatal(err)
	}
	hangup <- syscall.SIGHUP
	w.until("the file is refused", func() bool { return w.reloads("refused") == "1" })
	if n := w.reloads("replaced"); n != "0" {
		t.Errorf("%s merchants have new keys", n)
	}
	w.buy("shop2", "still", 1)

	added := "  shop4: {protocol: v2, app_id: wx4, mch_id: '10000104', api_key: 0123456789abcdef0123456789abcdef}\n"
	if err := os.WriteFile(w.file, append(text, added...), 0o600); err != nil {
		t.Fatal(err)
	}
	w.rewrite(hangup, "api_key: "+simulatedShop2.APIKey, "api_key: "+simulatedShop2.APIKey+"\n    verify_also: []")
	w.buy("shop2", "beside-a-new-one", 1)
}

// A host that was left alone under the former keys is found anew under the next ones.
func TestNewKeysFindWeChatsHostsAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{switches: simulator.Switches{Gateway: simulator.GatewaySwitches{MainDown: 1}}})
	hangup := make(chan os.Signal)
	w.serveParts(parts{ingress: true, workers: true, admin: true, file: w.file, hangup: hangup})
	leftAlone := func() bool {
		text := w.callAt(w.admin+"/metrics", http.MethodGet, nil).text
		return strings.Contains(text, `settled_wechat_host_open{host="main",merchant="shop2"} 1`)
	}
	w.buy("shop2", "anew", 6)
	if !leftAlone() {
		t.Error("the main host is not left alone")
	}
	w.rewrite(hangup, "api_key: "+simulatedShop2.APIKey, "api_key: "+simulatedShop2.APIKey+"\n    verify_also: []")
	if leftAlone() {
		t.Error("the metrics still tell of the former keys' line")
	}
}
