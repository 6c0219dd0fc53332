package main

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// keyFolder is where the simulator keeps the private keys that it made, so that they are the
// same the next time; "" for nowhere.
type keyFolder string

// The files of a merchant's folder: the private half that WeChat signs with, the public half
// that the merchant is given, and the key of a merchant that came without one.
const (
	wechatPrivateFile   = "wechatpay_public_key.key"
	wechatPublicFile    = "wechatpay_public_key.pem"
	merchantPrivateFile = "apiclient_key.pem"
)

// wechat is the key that WeChat signs with for a merchant. Its public half is written to the
// file that the merchant's configuration names, unless there is one already: that one must
// be its half, because the merchant would verify nothing with any other.
func (f keyFolder) wechat(merchant, configured string) (*rsa.PrivateKey, error) {
	given, err := readPublicKey(documentedV3.WechatKeyID, configured) // a file has no id
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, misused("merchants.%s.public_key: %w", merchant, err)
	}
	if given.Public != nil && !f.has(merchant, wechatPrivateFile) {
		return nil, misused("merchants.%s.public_key: %s is there, but not the private key that belongs to it: "+
			"start with --keys and the folder of the run that wrote the file, or move the file away and have another written", merchant, configured)
	}
	key, err := f.private(merchant, wechatPrivateFile)
	if err != nil {
		return nil, err
	}
	if given.Public != nil && !given.Public.Equal(&key.PublicKey) {
		return nil, misused("merchants.%s.public_key: %s does not belong to %s: copy %s over it, or move it away and have it written",
			merchant, configured, f.path(merchant, wechatPrivateFile), f.path(merchant, wechatPublicFile))
	}
	if f != "" {
		if err := writePublicKey(f.path(merchant, wechatPublicFile), &key.PublicKey); err != nil {
			return nil, err
		}
	}
	if given.Public == nil && configured != "" {
		return key, writePublicKey(configured, &key.PublicKey)
	}
	return key, nil
}

// private reads a private key of the folder, making it if it is not there.
func (f keyFolder) private(merchant, file string) (*rsa.PrivateKey, error) {
	if f.has(merchant, file) {
		return readPrivateKey(f.path(merchant, file))
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("make a key of merchant %s: %w", merchant, err)
	}
	if f == "" {
		return key, nil
	}
	if err := os.MkdirAll(filepath.Join(string(f), merchant), 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of merchant %s: %w", merchant, err)
	}
	return key, writePrivateKey(f.path(merchant, file), key)
}

func (f keyFolder) path(merchant, file string) string {
	return filepath.Join(string(f), merchant, file)
}

func (f keyFolder) has(merchant, file string) bool {
	if f == "" {
		return false
	}
	_, err := os.Stat(f.path(merchant, file))
	return err == nil
}
