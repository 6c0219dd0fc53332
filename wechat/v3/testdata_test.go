package v3_test

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	v3 "settled/wechat/v3"
)

// read returns a file of testdata, byte for byte.
func read(tb testing.TB, file string) []byte {
	tb.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		tb.Fatal(err)
	}
	return content
}

func readJSON[T any](tb testing.TB, file string) T {
	tb.Helper()
	var value T
	if err := json.Unmarshal(read(tb, file), &value); err != nil {
		tb.Fatalf("%s: %v", file, err)
	}
	return value
}

// apiV3Key is the one of wechatpay-java's tests.
const apiV3Key = "a7cde1ZJB1kG2e7VfTs3jQzaWizur8Gb"

// at is when most tests play: 2026-01-01T00:00:30+08:00.
var at = time.Unix(1767196830, 0)

func generateKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

// The two keys of the tests: ours and WeChat's.
var (
	merchantKey = sync.OnceValue(generateKey)
	wechatKey   = sync.OnceValue(generateKey)
)

// wechatKeyID is what WeChat's key is called.
const wechatKeyID = "PUB_KEY_ID_0100000000"

func credentials() v3.Credentials {
	return v3.Credentials{
		AppID: "wxd678efh567hg6787", MchID: "1900007291", APIV3Key: apiV3Key, PrivateKey: merchantKey(),
		CertificateSerial: "408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB",
	}
}

func publicKey() v3.Key { return v3.Key{ID: wechatKeyID, Public: &wechatKey().PublicKey} }

// readPublic reads a key of testdata with the standard library alone.
func readPublic(tb testing.TB, file string) *rsa.PublicKey {
	tb.Helper()
	block, _ := pem.Decode(read(tb, file))
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		tb.Fatal(err)
	}
	return key.(*rsa.PublicKey)
}

// verifies reports whether a signature in base64 is right for a text.
func verifies(key *rsa.PublicKey, text, signature string) bool {
	raw, err := base64.StdEncoding.DecodeString(signature)
	sum := sha256.Sum256([]byte(text))
	return err == nil && rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], raw) == nil
}

// sign signs as WeChat does.
func sign(tb testing.TB, key *rsa.PrivateKey, text string) string {
	tb.Helper()
	sum := sha256.Sum256([]byte(text))
	raw, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		tb.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(raw)
}

// headers are those of an answer or a notify that WeChat has signed.
func headers(tb testing.TB, serial string, body []byte, at time.Time) map[string][]string {
	tb.Helper()
	timestamp := strconv.FormatInt(at.Unix(), 10)
	return map[string][]string{
		"Wechatpay-Timestamp": {timestamp},
		"Wechatpay-Nonce":     {"EcZ9Cmy4Xyx1i6RlJQzLcCyEqDa26NBz"},
		"Wechatpay-Serial":    {serial},
		"Wechatpay-Signature": {sign(tb, wechatKey(), timestamp+"\nEcZ9Cmy4Xyx1i6RlJQzLcCyEqDa26NBz\n"+string(body)+"\n")},
	}
}

// seal encrypts as WeChat does.
func seal(tb testing.TB, key, nonce, associatedData, text string) string {
	tb.Helper()
	block, err := aes.NewCipher([]byte(key))
	if err != nil {
		tb.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		tb.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(gcm.Seal(nil, []byte(nonce), []byte(text), []byte(associatedData)))
}

// certificate returns a platform certificate in PEM: WeChat's key, good for a day around at.
func certificate(tb testing.TB, serial int64) string {
	tb.Helper()
	template := x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "Tenpay.com sign"},
		NotBefore: at.Add(-12 * time.Hour), NotAfter: at.Add(12 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &wechatKey().PublicKey, wechatKey())
	if err != nil {
		tb.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
