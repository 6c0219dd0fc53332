package v3

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"fmt"
)

// ErrUndecipherable: this key does not open these bytes. Either it is another APIv3 key
// that they were encrypted with, or somebody has changed them.
var ErrUndecipherable = errors.New("can't be decrypted")

// algorithm is the only one that APIv3 encrypts with.
const algorithm = "AEAD_AES_256_GCM"

// sealed is something that WeChat has encrypted with the APIv3 key.
type sealed struct {
	algorithm, nonce, associatedData, ciphertext string
}

func readSealed(o object) sealed {
	return sealed{
		algorithm: o.required("algorithm"), nonce: o.required("nonce"),
		associatedData: o.text("associated_data"), ciphertext: o.required("ciphertext"),
	}
}

func (s sealed) open(apiV3Key string) ([]byte, error) {
	if s.algorithm != algorithm {
		return nil, fmt.Errorf("%w: algorithm %.32q", ErrUnreadable, s.algorithm)
	}
	return Decrypt(apiV3Key, s.nonce, s.associatedData, s.ciphertext)
}

// Decrypt opens base64 of AES-GCM with its tag at the end (APIv3 document, decryption of
// notifies and certificates). key has any size that AES knows; real APIv3 keys have 32
// bytes. It fails with ErrUnreadable if the bytes can't be such a text, and with
// ErrUndecipherable.
func Decrypt(key, nonce, associatedData, ciphertext string) ([]byte, error) {
	block, err := aes.NewCipher([]byte(key))
	if err != nil {
		return nil, fmt.Errorf("%w: the key has no size of AES", ErrUndecipherable)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUndecipherable, err)
	}
	if len(nonce) != gcm.NonceSize() {
		return nil, fmt.Errorf("%w: a nonce of %d bytes", ErrUnreadable, len(nonce))
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(ciphertext)
	if err != nil || len(raw) < gcm.Overhead() {
		return nil, fmt.Errorf("%w: ciphertext is no base64 of at least %d bytes", ErrUnreadable, gcm.Overhead())
	}
	plain, err := gcm.Open(nil, []byte(nonce), raw, []byte(associatedData))
	if err != nil {
		return nil, ErrUndecipherable
	}
	return plain, nil
}
