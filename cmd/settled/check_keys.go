package main

import (
	"crypto"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"settled"
	"settled/cmd/settled/config"
	"settled/wechat"
)

// finding is one thing that was looked at: what it is, and what is wrong with it.
type finding struct {
	what string
	err  error
}

// keyFindings look at a merchant's key files without asking anybody.
func keyFindings(m config.Merchant, now time.Time) []finding {
	switch {
	case m.V2 != nil && m.V2.ClientCertificate != "":
		return []finding{clientCertificate(m.V2, now)}
	case m.V3 != nil:
		return v3Findings(m.V3, now)
	default:
		return nil
	}
}

// clientCertificate looks at the certificate that APIv2 wants to see with refunds. WeChat
// issues it to the merchant's number.
func clientCertificate(v2 *config.V2, now time.Time) finding {
	f := finding{what: "client_certificate"}
	pair, err := tls.LoadX509KeyPair(v2.ClientCertificate, v2.ClientKey)
	if err != nil {
		f.err = err
		return f
	}
	f.what += ", " + daysLeft(pair.Leaf, now)
	f.err = lives(pair.Leaf, now)
	if f.err == nil && pair.Leaf.Subject.CommonName != v2.MchID {
		f.err = fmt.Errorf("it was issued to %.64q and not to mch_id %s", pair.Leaf.Subject.CommonName, v2.MchID)
	}
	return f
}

func v3Findings(v3 *config.V3, now time.Time) []finding {
	key, err := readPrivateKey(v3.PrivateKey)
	private := finding{"private_key", err}
	if err == nil {
		private.what += fmt.Sprintf(", %d bits", key.N.BitLen())
	}
	findings := []finding{private}
	if v3.Certificate != "" {
		findings = append(findings, ownCertificate(v3, key, now))
	}
	if v3.PublicKeyID != "" {
		findings = append(findings, publicKey("public_key", v3.PublicKeyID, v3.PublicKey))
	}
	for i, k := range v3.AlsoVerify.Keys {
		if k.PublicKeyID != "" {
			findings = append(findings, publicKey(fmt.Sprintf("verify_also[%d]", i), k.PublicKeyID, k.PublicKey))
		}
	}
	return findings
}

// ownCertificate looks at the certificate whose serial every request names.
func ownCertificate(v3 *config.V3, key *rsa.PrivateKey, now time.Time) finding {
	f := finding{what: "certificate"}
	certificate, err := readCertificate(v3.Certificate)
	if err != nil {
		f.err = err
		return f
	}
	f.what += ", " + daysLeft(certificate, now)
	serial, ok := new(big.Int).SetString(v3.CertificateSerial, 16)
	switch {
	case !ok || serial.Cmp(certificate.SerialNumber) != 0:
		f.err = fmt.Errorf("its serial is %X and not certificate_serial", certificate.SerialNumber)
	case key != nil && !samePublicKey(certificate.PublicKey, &key.PublicKey):
		f.err = errors.New("private_key is not its key")
	default:
		f.err = lives(certificate, now)
	}
	return f
}

// certificateFindings look at the platform certificates that WeChat has just been asked
// for, if it was.
func certificateFindings(gateway settled.Gateway, now time.Time) []finding {
	v3, ok := gateway.(*wechat.V3)
	if !ok {
		return nil
	}
	var findings []finding
	for _, key := range v3.PlatformCertificates() {
		f := finding{what: fmt.Sprintf("platform certificate %s, %d days left", key.ID, int(key.NotAfter.Sub(now)/(24*time.Hour)))}
		if !key.Lives(now) {
			f.err = fmt.Errorf("it is good from %s to %s", key.NotBefore.Format(time.DateOnly), key.NotAfter.Format(time.DateOnly))
		}
		findings = append(findings, f)
	}
	return findings
}

func samePublicKey(a crypto.PublicKey, b *rsa.PublicKey) bool {
	key, ok := a.(*rsa.PublicKey)
	return ok && key.Equal(b)
}

func publicKey(name, id, file string) finding {
	f := finding{what: name + " " + id}
	if !strings.HasPrefix(id, "PUB_KEY_ID_") {
		f.err = errors.New("the id of WeChat's public key begins with PUB_KEY_ID_")
		return f
	}
	_, f.err = readPublicKey(id, file)
	return f
}

// lives reports whether a certificate is good now.
func lives(c *x509.Certificate, now time.Time) error {
	if now.After(c.NotAfter) || now.Before(c.NotBefore) {
		return fmt.Errorf("it is good from %s to %s", c.NotBefore.Format(time.DateOnly), c.NotAfter.Format(time.DateOnly))
	}
	return nil
}

func daysLeft(c *x509.Certificate, now time.Time) string {
	return fmt.Sprintf("%d days left", int(c.NotAfter.Sub(now)/(24*time.Hour)))
}
