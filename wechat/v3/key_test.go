package v3_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	v3 "settled/wechat/v3"
)

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// must drops an error that can't be.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func TestReadPrivateKeyReadsBothForms(t *testing.T) {
	t.Parallel()
	pkcs8 := encode("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(merchantKey())))
	for name, text := range map[string][]byte{
		"PKCS #8":             pkcs8,
		"PKCS #1":             encode("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(merchantKey())),
		"behind other blocks": append([]byte("words\n"+certificate(t, 1)), pkcs8...),
		"with CRLF":           []byte(strings.ReplaceAll(string(pkcs8), "\n", "\r\n")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := v3.ReadPrivateKey(text)
			if err != nil || !got.Equal(merchantKey()) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestReadPublicKeyReadsBothForms(t *testing.T) {
	t.Parallel()
	for name, text := range map[string][]byte{
		"PKIX":    encode("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(&wechatKey().PublicKey))),
		"PKCS #1": encode("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&wechatKey().PublicKey)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := v3.ReadPublicKey(" "+wechatKeyID+"\n", text)
			if err != nil || got.ID != wechatKeyID || !got.Public.Equal(&wechatKey().PublicKey) || got.Certificate() {
				t.Errorf("got %+v, %v", got, err)
			}
			if !got.Lives(time.Time{}) {
				t.Error("a public key has an end")
			}
		})
	}
}

func TestReadCertificateKnowsItsSerialAndItsLife(t *testing.T) {
	t.Parallel()
	got, err := v3.ReadCertificate(read(t, "notify_payscore_certificate.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if got.ID != "D7CE59D1F522D701" || !got.Certificate() {
		t.Errorf("got %q", got.ID)
	}
	for _, test := range []struct {
		at    time.Time
		lives bool
	}{
		{got.NotBefore.Add(-time.Second), false}, {got.NotBefore, true}, {got.NotAfter, true}, {got.NotAfter.Add(time.Second), false},
	} {
		if got.Lives(test.at) != test.lives {
			t.Errorf("at %s it lives: %v", test.at, !test.lives)
		}
	}
	if want := time.Date(2021, 4, 27, 8, 55, 23, 0, time.UTC); !got.NotBefore.Equal(want) {
		t.Errorf("it begins at %s", got.NotBefore)
	}
}

func TestKeysThatAreNoneAreRefusedWithoutQuotingThem(t *testing.T) {
	t.Parallel()
	small := must(rsa.GenerateKey(rand.Reader, 1024))
	curve := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := x509.Certificate{SerialNumber: big.NewInt(7), NotBefore: at, NotAfter: at.Add(time.Hour)}
	ofCurve := must(x509.CreateCertificate(rand.Reader, &template, &template, &curve.PublicKey, curve))
	ofSmall := must(x509.CreateCertificate(rand.Reader, &template, &template, &small.PublicKey, small))
	half := x509.MarshalPKCS1PrivateKey(merchantKey())[:600]
	for name, text := range map[string][]byte{
		"nothing":                   nil,
		"no PEM":                    []byte(base64.StdEncoding.EncodeToString(half)),
		"half a private key":        encode("RSA PRIVATE KEY", half),
		"half a key in PKCS #8":     encode("PRIVATE KEY", half),
		"half a public key":         encode("PUBLIC KEY", half),
		"half a certificate":        encode("CERTIFICATE", half),
		"another kind of key":       encode("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(curve))),
		"a public key of that kind": encode("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(&curve.PublicKey))),
		"its certificate":           encode("CERTIFICATE", ofCurve),
		"a small key":               encode("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(small)),
		"a small public key":        encode("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&small.PublicKey)),
		"a small certificate":       encode("CERTIFICATE", ofSmall),
		"an encrypted key":          encode("ENCRYPTED PRIVATE KEY", half),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, private := v3.ReadPrivateKey(text)
			_, public := v3.ReadPublicKey(wechatKeyID, text)
			_, ofCertificate := v3.ReadCertificate(text)
			for _, err := range []error{private, public, ofCertificate} {
				if !errors.Is(err, v3.ErrKey) {
					t.Errorf("got %v", err)
				} else if len(err.Error()) > 100 {
					t.Errorf("%q says too much", err)
				}
			}
		})
	}
	if _, err := v3.ReadPublicKey(" ", encode("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(&wechatKey().PublicKey)))); !errors.Is(err, v3.ErrKey) {
		t.Errorf("without an id: got %v", err)
	}
}
