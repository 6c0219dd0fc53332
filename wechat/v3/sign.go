package v3

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Scheme is the only signature scheme there is: the first word of Authorization, and the
// value of Wechatpay-Signature-Type.
const Scheme = "WECHATPAY2-SHA256-RSA2048"

// Authorization signs a request: its method, its path with the query as it is sent, and its
// body (APIv3 document, signing of requests). nonce is random and has at most 32
// characters; WeChat refuses times that are more than five minutes from its own.
func (c Credentials) Authorization(method, path string, body []byte, nonce string, at time.Time) (string, error) {
	timestamp := writeSeconds(at)
	signature, err := c.sign(method, path, timestamp, nonce, string(body))
	if err != nil {
		return "", fmt.Errorf("sign request: %w", err)
	}
	return fmt.Sprintf(`%s mchid="%s",nonce_str="%s",signature="%s",timestamp="%s",serial_no="%s"`,
		Scheme, c.MchID, nonce, signature, timestamp, c.CertificateSerial), nil
}

// sign signs lines, each ended by a line feed, with RSASSA-PKCS1-v1_5 and SHA-256, which
// needs no randomness: the same lines give the same signature.
func (c Credentials) sign(lines ...string) (string, error) {
	if c.PrivateKey == nil {
		return "", errors.New("the private key is missing")
	}
	sum := sha256.Sum256(message(lines...))
	signature, err := rsa.SignPKCS1v15(nil, c.PrivateKey, crypto.SHA256, sum[:])
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(signature), nil
}

func message(lines ...string) []byte { return []byte(strings.Join(lines, "\n") + "\n") }

// writeSeconds writes Unix seconds in decimal.
func writeSeconds(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
