package v2

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ErrUnverified: a message does not prove that it comes from WeChat. Nothing in it may be
// believed.
var ErrUnverified = errors.New("signature does not verify")

// Sign signs the elements of a message: those with a value, without sign itself, sorted by
// the bytes of their names, as k=v&k=v with the API key behind them; MD5 or HMAC-SHA256 of
// that in uppercase hex. Values are what the message says, before any escape of XML (APIv2
// document, signature algorithm).
func Sign(fields map[string]string, apiKey string, by SignType) string {
	var signed strings.Builder
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if value := fields[name]; name != "sign" && value != "" {
			signed.WriteString(name + "=" + value + "&")
		}
	}
	signed.WriteString("key=" + apiKey)
	return strings.ToUpper(hex.EncodeToString(digest(signed.String(), apiKey, by)))
}

func digest(text, apiKey string, by SignType) []byte {
	if by == HMACSHA256 {
		mac := hmac.New(sha256.New, []byte(apiKey))
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
	sum := md5.Sum([]byte(text))
	return sum[:]
}

func (c Credentials) sign(fields map[string]string) string {
	return Sign(fields, c.APIKey, c.SignType)
}

// facts are the elements that something is decided by. None may hold an &: the signed text
// is plain k=v&k=v, and one element could pass for two, or two for one.
var facts = []string{
	"appid", "mch_id", "return_code", "result_code", "err_code", "trade_type", "trade_state",
	"out_trade_no", "transaction_id", "total_fee", "fee_type", "time_end", "prepay_id",
	"out_refund_no", "refund_id", "refund_fee", "sign_type",
}

// verify checks the signature over every element there is, known or not. It is made as the
// merchant has agreed with WeChat, whatever the message would like: otherwise whoever
// sends it could choose the weaker one.
func (c Credentials) verify(fields map[string]string) error {
	if by := fields["sign_type"]; by != "" && by != string(c.SignType) {
		return fmt.Errorf("%w: sign_type %.32q", ErrUnverified, by)
	}
	for _, name := range facts {
		if strings.Contains(fields[name], "&") {
			return fmt.Errorf("%w: & in %s", ErrUnreadable, name)
		}
	}
	given := []byte(strings.ToUpper(fields["sign"]))
	if subtle.ConstantTimeCompare(given, []byte(c.sign(fields))) != 1 {
		return fmt.Errorf("%w: sign", ErrUnverified)
	}
	return nil
}
