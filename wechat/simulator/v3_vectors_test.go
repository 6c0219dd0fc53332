package simulator

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"testing"
)

// These tests stand inside the package, because signing is nobody's business outside it.

func TestV3SignaturesArePublishedOnes(t *testing.T) {
	t.Parallel()
	for _, v := range readVectorsOf[struct {
		Name, Key, Want string
		Lines           []string
	}](t, "testdata/v3_signatures.json") {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			key := publishedKey(t, v.Key)
			if !verifyV3(key, v3Message(v.Lines...), v.Want) {
				t.Error("the signature does not verify")
			}
			for i := range v.Lines {
				v.Lines[i] += " "
				if verifyV3(key, v3Message(v.Lines...), v.Want) {
					t.Errorf("it verifies with another line %d", i+1)
				}
				v.Lines[i] = v.Lines[i][:len(v.Lines[i])-1]
			}
			if verifyV3(key, v3Message(v.Lines...), spoilV3(v.Want)) {
				t.Error("it verifies when it is spoiled")
			}
		})
	}
}

func publishedKey(t *testing.T, text string) *rsa.PublicKey {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		t.Fatal("the key is not PEM")
	}
	if block.Type == "CERTIFICATE" {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		return certificate.PublicKey.(*rsa.PublicKey)
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key.(*rsa.PublicKey)
}

func TestV3SignsWhatItVerifies(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := signV3(key, v3Message("1554208460", "nonce", ""))
	if err != nil || !verifyV3(&key.PublicKey, "1554208460\nnonce\n\n", signature) {
		t.Errorf("%q does not verify: %v", signature, err)
	}
}

func TestV3EncryptionsArePublishedOnes(t *testing.T) {
	t.Parallel()
	for _, v := range readVectorsOf[struct{ Name, Key, Nonce, Associated, Plain, Want string }](t, "testdata/v3_encryptions.json") {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			got, err := encryptV3(v.Key, v.Nonce, v.Associated, []byte(v.Plain))
			if err != nil || got != v.Want {
				t.Errorf("encrypted is %s, want %s: %v", got, v.Want, err)
			}
		})
	}
}

func TestV3AuthorizationIsTakenApart(t *testing.T) {
	t.Parallel()
	// The signing document's example, with a blank behind each comma.
	header := http.Header{"Authorization": {`WECHATPAY2-SHA256-RSA2048 mchid="1900009191", nonce_str="593BEC0C930BF1AFEB40B4A08C8FB242", ` +
		`signature="uOVRnA4qG/MNnYzdQxJanN+zU+lTgIcnU9BxGw==", timestamp="1554208460", serial_no="1DDE55AD98ED71D6EDD4A4A16996DE7B47773A8C"`}}
	got, err := readAuthorization(header)
	want := v3Authorization{
		"1900009191", "593BEC0C930BF1AFEB40B4A08C8FB242", "1554208460",
		"1DDE55AD98ED71D6EDD4A4A16996DE7B47773A8C", "uOVRnA4qG/MNnYzdQxJanN+zU+lTgIcnU9BxGw==",
	}
	if err != nil || got != want {
		t.Errorf("read %+v, want %+v: %v", got, want, err)
	}
}
