package simulator

import (
	"crypto/aes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	stdbase64 "encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// signV2 is the signature of everything that either side says (document, "signature"): over
// the values as they are, empty ones and sign left out, keys in ASCII order, &key= and the
// API key behind. Uppercase hex.
func signV2(fields v2Fields, signType, apiKey string) string {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if name != "sign" && fields[name] != "" {
			text.WriteString(name + "=" + fields[name] + "&")
		}
	}
	text.WriteString("key=" + apiKey)
	if signType == HMACSHA256 {
		mac := hmac.New(sha256.New, []byte(apiKey))
		mac.Write([]byte(text.String()))
		return fmt.Sprintf("%X", mac.Sum(nil))
	}
	return fmt.Sprintf("%X", md5.Sum([]byte(text.String())))
}

// v2CipherKey is the key of req_info (document, "refund notify"): the MD5 of the API key in
// lowercase hex, as 32 characters.
func v2CipherKey(apiKey string) []byte { return fmt.Appendf(nil, "%x", md5.Sum([]byte(apiKey))) }

// encryptV2 encrypts with AES-256 in ECB mode, PKCS#7 padded (document, "refund notify"), and
// spells the result in base64. The key has 32 bytes.
func encryptV2(plain, key []byte) (string, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return "", err
	}
	size := block.BlockSize()
	missing := size - len(plain)%size
	text := slices.Concat(plain, slices.Repeat([]byte{byte(missing)}, missing))
	for part := range slices.Chunk(text, size) {
		block.Encrypt(part, part)
	}
	return stdbase64.StdEncoding.EncodeToString(text), nil
}
