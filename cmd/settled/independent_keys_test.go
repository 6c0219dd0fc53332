package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"sync"
	"testing"
	"time"

	"settled/events"
)

// certificate has WeChat sign under a platform certificate from now on, and hand it out.
func (f *plainWechat) certificate(serial int64) {
	f.t.Helper()
	template := x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "Tenpay.com Root CA"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &f.key.PublicKey, f.key)
	if err != nil {
		f.t.Fatal(err)
	}
	block, err := aes.NewCipher([]byte(plainAPIV3Key))
	if err != nil {
		f.t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		f.t.Fatal(err)
	}
	closed := gcm.Seal(nil, []byte("0123456789ab"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), []byte("certificate"))
	f.keyID = fmt.Sprintf("%X", serial)
	body := fmt.Sprintf(`{"data":[{"serial_no":%q,"effective_time":"2026-01-01T00:00:00+08:00","expire_time":"2031-01-01T00:00:00+08:00",
		"encrypt_certificate":{"algorithm":"AEAD_AES_256_GCM","nonce":"0123456789ab","associated_data":"certificate","ciphertext":%q}}]}`,
		f.keyID, base64.StdEncoding.EncodeToString(closed))
	f.on("certificates", func(map[string]any) plainAnswer { return plainAnswer{body: body} })
}

// A merchant without a public key, whose first call is for the certificates.
func TestIndependentPlatformCertificates(t *testing.T) {
	t.Parallel()
	f := newPlainWechat(t)
	f.certificate(0x5157F09EFDC096D)
	w := f.world(worldConfig{redisURL: "redis://127.0.0.1:1/0"}, "", "")
	w.serve()
	f.completes(w, "shop3", "certified")
	if n := f.called("certificates"); n != 1 {
		t.Errorf("the certificates were fetched %d times", n)
	}
}

// Anybody can name a serial that nobody knows: it costs WeChat no calls, and real notifies
// no time.
func TestIndependentUnknownSerials(t *testing.T) {
	t.Parallel()
	f := newPlainWechat(t)
	w := f.world(worldConfig{}, "", f.publicKey())
	w.serve()
	w.publish(events.PaymentRequested, orderOf("shop3", "APP", "flooded1"))
	w.expect(events.PaymentPrepared, "flooded1")
	stranger := &plainWechat{keyID: "7132D72A03E93CDDF8C03BBD1F37EEDF", key: testKeys()[3]}
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			if r := stranger.tell3(w, "/notify/shop3", "TRANSACTION.SUCCESS", paid3("flooded1"), time.Now()); r.status != http.StatusUnauthorized {
				t.Errorf("heard %d %s", r.status, r.text)
			}
		})
	}
	all.Wait()
	if n := f.called("certificates"); n > 8 { // each pause is twice the one before
		t.Errorf("WeChat was asked for certificates %d times", n)
	}
	if r := f.tell(w, "shop3", "flooded1"); !heardSuccess(r) {
		t.Errorf("heard %d %s", r.status, r.text)
	}
	w.expect(events.PaymentCompleted, "flooded1")
}

// The first host refuses connections: the second one takes whatever is asked, at once.
func TestIndependentBackupHost(t *testing.T) {
	t.Parallel()
	f := newPlainWechat(t)
	up := f.url
	f.url = "http://" + freeAddress(t)
	w := f.world(worldConfig{}, fmt.Sprintf(", backup_endpoint: %q", up), fmt.Sprintf(", backup_endpoint: %q", up)+f.publicKey())
	w.serve()
	for n := range 8 {
		for _, merchant := range []string{"shop2", "shop3"} {
			id := fmt.Sprintf("%s-%03d", merchant, n)
			answer := w.call(http.MethodPost, "/v1/payments", orderOf(merchant, "NATIVE", id), append(bearer, "Prefer", "wait=10")...)
			if answer.status != http.StatusOK || answer.body["code_url"] == nil {
				t.Errorf("%s: %d %s", id, answer.status, answer.text)
			}
		}
	}
}
