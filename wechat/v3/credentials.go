package v3

import (
	"crypto/rsa"
	"encoding/hex"
	"errors"
	"time"
)

// Credentials are what identifies one merchant to WeChat, and what proves it.
type Credentials struct {
	AppID             string          // wx and 16 letters and digits; public
	MchID             string          // merchant number; public
	APIV3Key          string          // 32 bytes: what WeChat encrypts for the merchant is encrypted with it
	PrivateKey        *rsa.PrivateKey // of the merchant's API certificate; signs every request
	CertificateSerial string          // of the merchant's API certificate, in hex; public
}

// apiV3KeySize is the size of an APIv3 key in bytes: AES-256.
const apiV3KeySize = 32

// Validate names everything that is missing or can't be right, and no value.
func (c Credentials) Validate() error {
	var problems []error
	for _, rule := range []struct {
		met   bool
		issue string
	}{
		{c.AppID != "", "the app id is missing"},
		{c.MchID != "", "the merchant number is missing"},
		{len(c.APIV3Key) == apiV3KeySize, "the APIv3 key does not have 32 bytes"},
		{c.PrivateKey != nil, "the private key is missing"},
		{isSerial(c.CertificateSerial), "the certificate serial is not hexadecimal"},
	} {
		if !rule.met {
			problems = append(problems, errors.New(rule.issue))
		}
	}
	return errors.Join(problems...)
}

// isSerial reports whether a text is a certificate serial; it may have an odd number of
// digits.
func isSerial(text string) bool {
	digits := text
	if len(digits)%2 == 1 {
		digits = "0" + digits
	}
	_, err := hex.DecodeString(digits)
	return err == nil && text != ""
}

// beijing is the zone of every time that is written to WeChat.
var beijing = time.FixedZone("GMT+8", 8*60*60)
