package main

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"settled/wechat/simulator"
)

// simulatedShop2 is the APIv2 merchant of every world, as WeChat knows it.
var simulatedShop2 = simulator.Merchant{
	Name: "shop2", Protocol: simulator.V2, AppID: "wx2421b1c4370ec43b", MchID: "10000100",
	APIKey: "192006250b4c09247ec02edce69f6a2d", SignType: simulator.HMACSHA256,
}

// testKeys are the RSA keys of all worlds: making one takes a while.
var testKeys = sync.OnceValue(func() (keys [4]*rsa.PrivateKey) {
	for i := range keys {
		var err error
		if keys[i], err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			panic(err) // there is no randomness
		}
	}
	return keys
})

// The ids of the public keys that WeChat signs with in tests.
const (
	firstKeyID  = "PUB_KEY_ID_0119000072912026112400000001"
	secondKeyID = "PUB_KEY_ID_0119000072912026112400000002"
)

// simulatedShop3 is the APIv3 merchant as WeChat knows it, in public-key mode.
func simulatedShop3() simulator.Merchant {
	return simulator.Merchant{
		Name: "shop3", Protocol: simulator.V3, AppID: "wxd678efh567hg6787", MchID: "1900007291",
		APIV3Key: "a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb", CertificateSerial: "408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB",
		PublicKey: &testKeys()[0].PublicKey, WechatKey: testKeys()[1], WechatKeyID: firstKeyID,
	}
}

// successors are the sections of the merchants of APIv2 and APIv3, with their key files.
func (w *world) successors() string {
	w.t.Helper()
	public := ""
	if w.shop3.KeyMode != simulator.PlatformCertificates {
		public = fmt.Sprintf("    public_key_id: %s\n    public_key: %s\n",
			w.shop3.WechatKeyID, publicKeyFile(w.t, w.shop3.WechatKey))
	}
	return fmt.Sprintf(`  shop2:
    protocol: v2
    endpoint: %s
    backup_endpoint: %s
    app_id: %s
    mch_id: "%s"
    api_key: %s
    sign_type: %s
  shop3:
    protocol: v3
    endpoint: %s
    backup_endpoint: %s
    app_id: %s
    mch_id: "%s"
    api_v3_key: %s
    private_key: %s
    certificate_serial: %s
%s`, w.wechatURL, w.backupURL, simulatedShop2.AppID, simulatedShop2.MchID, simulatedShop2.APIKey, simulatedShop2.SignType,
		w.wechatURL, w.backupURL, w.shop3.AppID, w.shop3.MchID, w.shop3.APIV3Key, privateKeyFile(w.t, testKeys()[0]),
		w.shop3.CertificateSerial, public)
}

func privateKeyFile(t *testing.T, key *rsa.PrivateKey) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "private.pem")
	if err := writePrivateKey(file, key); err != nil {
		t.Fatal(err)
	}
	return file
}

func publicKeyFile(t *testing.T, key *rsa.PrivateKey) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "public.pem")
	if err := writePublicKey(file, &key.PublicKey); err != nil {
		t.Fatal(err)
	}
	return file
}

// pays pays with whatever payment.prepared gave to the customer.
func (w *world) pays(prepared map[string]any) simulator.Receipt {
	w.t.Helper()
	var receipt simulator.Receipt
	var err error
	switch {
	case prepared["code_url"] != nil:
		receipt, err = w.wechat.PayCode(w.t.Context(), prepared["code_url"].(string))
	case prepared["h5_url"] != nil:
		receipt, err = w.wechat.PayLink(w.t.Context(), prepared["h5_url"].(string))
	default:
		return w.customerPays(prepared)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return receipt
}

// expectRefund waits for an event of a refund and returns its body.
func (w *world) expectRefund(subject, refundID string) map[string]any {
	w.t.Helper()
	return w.await(subject, "refund "+refundID, func(h heard) bool { return h.body["refund_id"] == refundID })
}

// refund is the body of refund.requested.
func refund(merchant, order, refundID string, amount, total int) []byte {
	return fmt.Appendf(nil, `{"merchant": %q, "order_id": %q, "refund_id": %q, "amount": {"refund": %d, "total": %d, "currency": "CNY"}}`,
		merchant, order, refundID, amount, total)
}
