package simulator

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// v3Authorization is the header of that name (document, "signature"): who calls, and that
// nobody else could have.
type v3Authorization struct {
	mchID, nonce, timestamp, serial, signature string
}

// v3Skew is how far the clocks of the two sides may be apart.
const v3Skew = 5 * time.Minute

var v3Pair = regexp.MustCompile(`^([a-z_]+)="([^"]*)"$`)

// readAuthorization takes the header apart. The five parts may come in any order.
func readAuthorization(header http.Header) (v3Authorization, error) {
	var a v3Authorization
	value := header.Get("Authorization")
	if value == "" {
		return a, refuseSign("Http头Authorization不存在: the header Authorization is missing")
	}
	scheme, rest, _ := strings.Cut(value, " ")
	if scheme != v3Scheme {
		return a, refuseSign("Http头Authorization认证类型不正确: the scheme must be " + v3Scheme)
	}
	parts := map[string]*string{
		"mchid": &a.mchID, "nonce_str": &a.nonce, "timestamp": &a.timestamp, "serial_no": &a.serial, "signature": &a.signature,
	}
	for text := range strings.SplitSeq(rest, ",") {
		pair := v3Pair.FindStringSubmatch(strings.TrimSpace(text))
		if pair == nil {
			return a, refuseFormat("a part is not written name=\"value\"")
		}
		into, known := parts[pair[1]]
		if !known {
			return a, refuseFormat(pair[1] + " does not belong there, or stands there twice")
		}
		*into = pair[2]
		delete(parts, pair[1])
	}
	for _, name := range []string{"mchid", "nonce_str", "timestamp", "serial_no", "signature"} {
		if _, missing := parts[name]; missing {
			return a, refuseFormat(name + " is missing")
		}
	}
	return a, nil
}

// checkAuthorization checks what the header says, once the merchant is known.
func (v *v3) checkAuthorization(r v3Request) error {
	a := r.authorization
	seconds, err := strconv.ParseInt(a.timestamp, 10, 64)
	switch {
	case a.nonce == "" || len(a.nonce) > 32:
		return refuseFormat("nonce_str must have 1 to 32 bytes")
	case err != nil || !isSeconds(a.timestamp):
		return refuseFormat("timestamp must be Unix time in seconds")
	case v.s.cfg.Now().Sub(time.Unix(seconds, 0)).Abs() > v3Skew:
		return refuseSign("Http头Authorization中的timestamp与发起请求的时间不得超过5分钟: the time here is " + v.seconds())
	case r.account == nil:
		return refuseSign("商户号不存在: the mchid in the header Authorization is nobody's")
	case a.serial != r.account.CertificateSerial:
		return refuseSign("商户证书序列号有误: serial_no must be that of the merchant's API certificate, in uppercase hex")
	}
	head := v3Message(r.method, r.target, a.timestamp, a.nonce)
	if message := head + string(r.body) + "\n"; !verifyV3(r.account.PublicKey, message, a.signature) {
		return refuseSignature(r, head, len(message))
	}
	return nil
}

// refuseSignature tells the merchant what it should have signed, but for the body.
func refuseSignature(r v3Request, head string, length int) *v3Refusal {
	refusal := refuseSign("错误的签名，验签失败")
	refusal.detail = map[string]any{
		"field": "signature", "location": "authorization", "issue": "sign not match",
		"sign_information": map[string]any{
			"method": r.method, "url": r.target, "truncated_sign_message": head, "sign_message_length": length,
		},
	}
	return refusal
}

func refuseFormat(hint string) *v3Refusal {
	return refuseSign("Http头Authorization值格式错误: " + hint)
}

func refuseSign(message string) *v3Refusal {
	return &v3Refusal{code: v3BadSignature, message: message}
}
