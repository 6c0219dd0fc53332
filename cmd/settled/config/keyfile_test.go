package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"settled/cmd/settled/config"
)

// files are those that the tests' configurations name.
var files = sync.OnceValue(func() map[string]string {
	key, other := newKey(), newKey()
	elliptical, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	private := spelled("PRIVATE KEY")(x509.MarshalPKCS8PrivateKey(key))
	public := spelled("PUBLIC KEY")(x509.MarshalPKIXPublicKey(&key.PublicKey))
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	if err != nil {
		panic(err)
	}
	return map[string]string{
		"/run/secrets/key":               "key-in-a-file\r\n",
		"/k":                             private,
		"/etc/settled/shop2.pem":         spelled("CERTIFICATE")(x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)),
		"/etc/settled/shop2.key":         private,
		"/etc/settled/shop3.key":         private,
		"/etc/settled/wechatpay_pub.pem": public,
		"/etc/settled/wechatpay_old.pem": spelled("RSA PUBLIC KEY")(x509.MarshalPKCS1PublicKey(&key.PublicKey), nil),
		"/keys/other":                    spelled("RSA PRIVATE KEY")(x509.MarshalPKCS1PrivateKey(other), nil),
		"/keys/half":                     spelled("PRIVATE KEY")(x509.MarshalPKCS1PrivateKey(other)[:600], nil),
		"/keys/elliptic":                 spelled("PRIVATE KEY")(x509.MarshalPKCS8PrivateKey(elliptical)),
	}
})

func newKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err) // there is no randomness
	}
	return key
}

func spelled(kind string) func(der []byte, err error) string {
	return func(der []byte, err error) string {
		if err != nil {
			panic(err) // a key that was just made
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
}

// A job that migrates the database has none of the merchants' keys, and the simulator makes
// WeChat's.
func TestWhoSpeaksForNoMerchantNeedsNoKeys(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := filepath.Join(folder, "settled.yaml")
	keys := fmt.Sprintf("private_key: %s/own.pem, public_key_id: PUB_KEY_ID_1, public_key: %s/wechat.pem", folder, folder)
	if err := os.WriteFile(file, []byte(strings.Replace(least, "private_key: /k", keys, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if cfg, err := config.LoadKeyless(file, lookup); err != nil || cfg.Merchants["c"].V3.PrivateKey != folder+"/own.pem" {
		t.Errorf("without keys: %v", err)
	}
	var problems config.Problems
	if _, err := config.Load(file, lookup); !errors.As(err, &problems) || len(problems) != 2 {
		t.Errorf("with keys: %v", err)
	}
}
