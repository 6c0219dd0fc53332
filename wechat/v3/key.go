package v3

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrKey: a PEM text does not hold the key it should. The error never says what it holds.
var ErrKey = errors.New("no usable key")

// minKeyBits is the least that a key may have: the scheme is called RSA2048.
const minKeyBits = 2048

// Key is a key that WeChat's signatures verify with.
type Key struct {
	// ID is what stands in Wechatpay-Serial: PUB_KEY_ID_ and digits for a public key, the
	// serial in hex for a platform certificate.
	ID     string
	Public *rsa.PublicKey
	// NotBefore and NotAfter bound the life of a certificate. They are zero for a public
	// key, which has no end.
	NotBefore, NotAfter time.Time
}

// Certificate reports whether the key is a platform certificate's.
func (k Key) Certificate() bool { return !k.NotAfter.IsZero() }

// Lives reports whether the key may be used at a time.
func (k Key) Lives(at time.Time) bool {
	return !k.Certificate() || !at.Before(k.NotBefore) && !at.After(k.NotAfter)
}

// ReadPrivateKey reads a merchant's private key from PEM, PKCS #8 or PKCS #1. It fails with
// ErrKey.
func ReadPrivateKey(text []byte) (*rsa.PrivateKey, error) {
	key, err := readPEM[*rsa.PrivateKey](text, map[string]func([]byte) (any, error){
		"PRIVATE KEY":     x509.ParsePKCS8PrivateKey,
		"RSA PRIVATE KEY": func(der []byte) (any, error) { return x509.ParsePKCS1PrivateKey(der) },
	})
	if err != nil {
		return nil, fmt.Errorf("read private key: %w", err)
	}
	if err := checkSize(&key.PublicKey); err != nil {
		return nil, fmt.Errorf("read private key: %w", err)
	}
	return key, nil
}

// ReadPublicKey reads WeChat's public key from PEM, PKIX or PKCS #1, under its id as the
// merchant platform shows it. It fails with ErrKey.
func ReadPublicKey(id string, text []byte) (Key, error) {
	if strings.TrimSpace(id) == "" {
		return Key{}, fmt.Errorf("read public key: %w: it has no id", ErrKey)
	}
	public, err := readPEM[*rsa.PublicKey](text, map[string]func([]byte) (any, error){
		"PUBLIC KEY":     x509.ParsePKIXPublicKey,
		"RSA PUBLIC KEY": func(der []byte) (any, error) { return x509.ParsePKCS1PublicKey(der) },
	})
	if err != nil {
		return Key{}, fmt.Errorf("read public key: %w", err)
	}
	if err := checkSize(public); err != nil {
		return Key{}, fmt.Errorf("read public key: %w", err)
	}
	return Key{ID: strings.TrimSpace(id), Public: public}, nil
}

// ReadCertificate reads a platform certificate from PEM; its id is its serial. It fails
// with ErrKey.
func ReadCertificate(text []byte) (Key, error) {
	certificate, err := readPEM[*x509.Certificate](text, map[string]func([]byte) (any, error){
		"CERTIFICATE": func(der []byte) (any, error) { return x509.ParseCertificate(der) },
	})
	if err != nil {
		return Key{}, fmt.Errorf("read certificate: %w", err)
	}
	public, ok := certificate.PublicKey.(*rsa.PublicKey)
	if !ok || certificate.NotAfter.IsZero() {
		return Key{}, fmt.Errorf("read certificate: %w: it is not RSA", ErrKey)
	}
	if err := checkSize(public); err != nil {
		return Key{}, fmt.Errorf("read certificate: %w", err)
	}
	return Key{
		ID:     fmt.Sprintf("%X", certificate.SerialNumber),
		Public: public, NotBefore: certificate.NotBefore, NotAfter: certificate.NotAfter,
	}, nil
}

// readPEM reads the first block that one of the parsers is for. What crypto/x509 says of a
// key stays here: it could quote what must not be told.
func readPEM[T any](text []byte, parsers map[string]func(der []byte) (any, error)) (T, error) {
	var none T
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		parse, ok := parsers[block.Type]
		if !ok {
			continue
		}
		parsed, err := parse(block.Bytes)
		if err != nil {
			return none, fmt.Errorf("%w: its PEM block can't be parsed", ErrKey)
		}
		key, ok := parsed.(T)
		if !ok {
			return none, fmt.Errorf("%w: it is not RSA", ErrKey)
		}
		return key, nil
	}
	return none, fmt.Errorf("%w: it has no PEM block of the right type", ErrKey)
}

func checkSize(key *rsa.PublicKey) error {
	if key.N.BitLen() < minKeyBits {
		return fmt.Errorf("%w: it has fewer than %d bits", ErrKey, minKeyBits)
	}
	return nil
}
