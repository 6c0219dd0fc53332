package v2

import (
	"bytes"
	"crypto/aes"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"fmt"
)

// Decrypt opens base64 of AES-256-ECB with PKCS#7 padding, as req_info is closed. The key
// has 32 bytes. It fails with ErrUnreadable if the bytes are no whole blocks, and with
// ErrUnverified if the key did not close them.
func Decrypt(closed string, key []byte) ([]byte, error) {
	text, err := base64.StdEncoding.DecodeString(closed)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	if len(text) == 0 || len(text)%aes.BlockSize != 0 {
		return nil, fmt.Errorf("%w: %d bytes are no whole blocks", ErrUnreadable, len(text))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("decrypt: %w", err)
	}
	for at := 0; at < len(text); at += aes.BlockSize {
		block.Decrypt(text[at:at+aes.BlockSize], text[at:at+aes.BlockSize])
	}
	return unpad(text)
}

// unpad takes off PKCS#7 padding: n bytes of the value n, from 1 to a whole block.
func unpad(text []byte) ([]byte, error) {
	last := text[len(text)-1]
	whole := len(text) - int(last)
	if last == 0 || last > aes.BlockSize || !bytes.Equal(text[whole:], bytes.Repeat([]byte{last}, int(last))) {
		return nil, fmt.Errorf("%w: padding", ErrUnverified)
	}
	return text[:whole], nil
}

// infoKey closes req_info: the MD5 of the API key in lowercase hex, read as 32 characters
// (APIv2 document, refund notification).
func (c Credentials) infoKey() []byte {
	sum := md5.Sum([]byte(c.APIKey))
	return []byte(hex.EncodeToString(sum[:]))
}
