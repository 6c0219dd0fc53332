package simulator

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	stdbase64 "encoding/base64"
	"strings"
)

// v3Scheme names the only way to sign, in Authorization and in Wechatpay-Signature-Type.
const v3Scheme = "WECHATPAY2-SHA256-RSA2048"

// v3Algorithm names the only way to encrypt.
const v3Algorithm = "AEAD_AES_256_GCM"

// v3Message is what is signed (document, "signature"): lines, each of which has an end, the
// last one too.
func v3Message(lines ...string) string { return strings.Join(lines, "\n") + "\n" }

// signV3 signs with RSA, PKCS #1 v1.5 and SHA-256, and spells the result in base64.
func signV3(key *rsa.PrivateKey, message string) (string, error) {
	digest := sha256.Sum256([]byte(message))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	if err != nil {
		return "", err
	}
	return stdbase64.StdEncoding.EncodeToString(signature), nil
}

// verifyV3 reports whether a signature is the key's.
func verifyV3(key *rsa.PublicKey, message, signature string) bool {
	given, err := stdbase64.StdEncoding.Strict().DecodeString(signature)
	if err != nil {
		return false
	}
	digest := sha256.Sum256([]byte(message))
	return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], given) == nil
}

// encryptV3 encrypts with AES-256 in Galois counter mode (document, "decrypting notifies and
// certificates"), the tag behind, and spells the result in base64. The key has 32 bytes, the
// nonce twelve.
func encryptV3(key, nonce, associated string, plain []byte) (string, error) {
	block, err := aes.NewCipher([]byte(key))
	if err != nil {
		return "", err
	}
	sealer, err := cipher.NewGCM(block)
	if err != nil {
		return "", err
	}
	sealed := sealer.Seal(nil, []byte(nonce), plain, []byte(associated))
	return stdbase64.StdEncoding.EncodeToString(sealed), nil
}

// spoilV3 makes a signature wrong that stays base64.
func spoilV3(signature string) string {
	if signature[0] == 'A' {
		return "B" + signature[1:]
	}
	return "A" + signature[1:]
}
