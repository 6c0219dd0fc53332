package main

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"

	wechatv3 "settled/wechat/v3"
)

// readPrivateKey reads an RSA key as the merchant platform gives it, or as older tools
// write it.
func readPrivateKey(file string) (*rsa.PrivateKey, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return wechatv3.ReadPrivateKey(text)
}

// readPublicKey reads WeChat's public key of this id.
func readPublicKey(id, file string) (wechatv3.Key, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return wechatv3.Key{}, err
	}
	return wechatv3.ReadPublicKey(id, text)
}

func readCertificate(file string) (*x509.Certificate, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(bytes.TrimSpace(text))
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("it holds no certificate in PEM")
	}
	return x509.ParseCertificate(block.Bytes)
}

func writePrivateKey(file string, key *rsa.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("spell private key: %w", err)
	}
	return writePEM(file, "PRIVATE KEY", der, 0o600)
}

func writePublicKey(file string, key *rsa.PublicKey) error {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return fmt.Errorf("spell public key: %w", err)
	}
	return writePEM(file, "PUBLIC KEY", der, 0o644)
}

func writePEM(file, kind string, der []byte, mode fs.FileMode) error {
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode); err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	return nil
}
