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

// The ways in which a signature does not verify. Each of them is an ErrUnverified.
var (
	// ErrUnverified: nothing in these bytes may be believed.
	ErrUnverified = errors.New("signature does not verify")
	// ErrUnknownSerial: WeChat names a key that is not on the keyring. There may be a newer
	// platform certificate.
	ErrUnknownSerial = fmt.Errorf("%w: unknown serial", ErrUnverified)
	// ErrProbe: WeChat signs wrongly on purpose now and then, to see who does not look. It
	// is a failure like any other, but no reason for alarm: the right one follows, or is
	// asked for again.
	ErrProbe = fmt.Errorf("%w: a probe", ErrUnverified)
)

// The headers that carry a signature.
const (
	headerTimestamp = "Wechatpay-Timestamp"
	headerNonce     = "Wechatpay-Nonce"
	headerSignature = "Wechatpay-Signature"
	headerSerial    = "Wechatpay-Serial"
	headerType      = "Wechatpay-Signature-Type" // optional
)

// probe is how the signature of a probe begins (APIv3 document, signature probes).
const probe = "WECHATPAY/SIGNTEST/"

// maxAge is how far a signature's time may be from ours, in seconds and in either
// direction (APIv3 document, verification of signatures).
const maxAge = 300

// signature is what the headers of an answer or a notify say about its body.
type signature struct {
	timestamp, nonce, serial string
	raw                      []byte
}

// Verify checks the signature of an answer or a notify over its raw bytes, as they came,
// and returns the id of the key that verified. at is when it came. Names of headers may be
// in any case; one that stands twice is refused. It fails with ErrUnverified.
func (k Keyring) Verify(header map[string][]string, body []byte, at time.Time) (keyID string, err error) {
	signed, err := readSignature(header, at)
	if err != nil {
		return "", err
	}
	key, known := k.keys[plainID(signed.serial)]
	switch {
	case !known || key.Public == nil:
		return "", fmt.Errorf("%w %.64q", ErrUnknownSerial, signed.serial)
	case !key.Lives(at):
		return "", fmt.Errorf("%w: certificate %s is not valid now", ErrUnverified, key.ID)
	}
	sum := sha256.Sum256(message(signed.timestamp, signed.nonce, string(body)))
	if rsa.VerifyPKCS1v15(key.Public, crypto.SHA256, sum[:], signed.raw) != nil {
		return "", fmt.Errorf("%w with key %s", ErrUnverified, key.ID)
	}
	return key.ID, nil
}

// readSignature reads the headers. Whatever can be refused without a key is refused here:
// only what could have been signed asks for a key that is not there.
func readSignature(header map[string][]string, at time.Time) (signature, error) {
	given, err := readHeaders(header, headerTimestamp, headerNonce, headerSignature, headerSerial, headerType)
	if err != nil {
		return signature{}, err
	}
	for _, name := range []string{headerTimestamp, headerNonce, headerSignature, headerSerial} {
		if given[name] == "" {
			return signature{}, fmt.Errorf("%w: %s is missing", ErrUnverified, name)
		}
	}
	if scheme := given[headerType]; scheme != "" && scheme != Scheme {
		return signature{}, fmt.Errorf("%w: %s %.32q", ErrUnverified, headerType, scheme)
	}
	if err := checkAge(given[headerTimestamp], at); err != nil {
		return signature{}, err
	}
	if strings.ContainsAny(given[headerNonce], "\r\n") { // could shift what is signed
		return signature{}, fmt.Errorf("%w: %s has two lines", ErrUnverified, headerNonce)
	}
	if strings.HasPrefix(given[headerSignature], probe) {
		return signature{}, ErrProbe
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(given[headerSignature])
	if err != nil {
		return signature{}, fmt.Errorf("%w: %s is not base64", ErrUnverified, headerSignature)
	}
	return signature{
		timestamp: given[headerTimestamp], nonce: given[headerNonce], serial: given[headerSerial], raw: raw,
	}, nil
}

func checkAge(timestamp string, at time.Time) error {
	seconds, err := strconv.ParseUint(timestamp, 10, 40)
	if err != nil {
		return fmt.Errorf("%w: %s %.32q", ErrUnverified, headerTimestamp, timestamp)
	}
	if age := at.Unix() - int64(seconds); age > maxAge || age < -maxAge {
		return fmt.Errorf("%w: it is %d s old", ErrUnverified, age)
	}
	return nil
}

// readHeaders picks headers by name. Of two values nobody knows which one is meant.
func readHeaders(header map[string][]string, names ...string) (map[string]string, error) {
	found := map[string]string{}
	for given, values := range header {
		for _, name := range names {
			if !strings.EqualFold(given, name) || len(values) == 0 {
				continue
			}
			if _, twice := found[name]; twice || len(values) > 1 {
				return nil, fmt.Errorf("%w: %s stands twice", ErrUnverified, name)
			}
			found[name] = values[0]
		}
	}
	return found, nil
}
