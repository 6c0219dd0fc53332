package legacy

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// What WeChat hears in answer to a notify, as text/plain and to the letter. Whatever is
// not Success makes it send the notify again.
const (
	Success = "success"
	Fail    = "fail"
)

// ErrUnverified: a signature of the notify is wrong. Nothing in it may be believed.
var ErrUnverified = errors.New("signature does not verify")

// maxNotify bounds the query and the body of a notify, in bytes. Real ones have some
// hundreds.
const maxNotify = 64 << 10

// Notify is a verified notify: the order from its query, the customer from its body.
type Notify struct {
	Trade
	AppID  string
	OpenID string
}

// ReadNotify verifies and reads a notify from its raw query and body (APP payment
// document, notify). The MD5 in the query covers the order and the SHA1 in the body the
// customer; both must be right. It fails with ErrUnverified or ErrUnreadable.
func (c Credentials) ReadNotify(rawQuery string, body []byte) (Notify, error) {
	if len(rawQuery) > maxNotify || len(body) > maxNotify {
		return Notify{}, fmt.Errorf("%w: too long", ErrUnreadable)
	}
	query, err := readQuery(rawQuery)
	if err != nil {
		return Notify{}, err
	}
	if err := verifyQuery(query, c.PartnerKey); err != nil {
		return Notify{}, err
	}
	customer, err := readCustomer(body)
	if err != nil {
		return Notify{}, err
	}
	if err := customer.verify(c.PaySignKey); err != nil {
		return Notify{}, err
	}
	trade, err := readTrade(decodeQuery(query))
	if err != nil {
		return Notify{}, err
	}
	if trade.OrderID == "" {
		return Notify{}, fmt.Errorf("%w: no out_trade_no", ErrUnreadable)
	}
	return Notify{Trade: trade, AppID: customer["appid"], OpenID: customer["openid"]}, nil
}

// readQuery decodes a query into the bytes that were signed, in whatever charset they
// are. A name that stands twice is refused: two readers could believe different ones.
func readQuery(raw string) (map[string]string, error) {
	query := map[string]string{}
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, err := readPair(pair)
		if err != nil {
			return nil, err
		}
		if _, twice := query[name]; twice {
			return nil, fmt.Errorf("%w: %.32q stands twice", ErrUnreadable, name)
		}
		query[name] = value
	}
	return query, nil
}

func readPair(pair string) (name, value string, err error) {
	encodedName, encodedValue, _ := strings.Cut(pair, "=")
	if name, err = url.QueryUnescape(encodedName); err != nil {
		return "", "", unreadable(err)
	}
	if value, err = url.QueryUnescape(encodedValue); err != nil {
		return "", "", unreadable(err)
	}
	if strings.ContainsRune(value, 0) {
		return "", "", fmt.Errorf("%w: U+0000 in %.32q", ErrUnreadable, name)
	}
	return name, value, nil
}

// verifyQuery checks the MD5. Only what the shop or the customer wrote may hold an &: the
// signed text is plain k=v&k=v, and one parameter could pass for two, or two for one.
func verifyQuery(query map[string]string, partnerKey string) error {
	if signType := query["sign_type"]; signType != "" && !strings.EqualFold(signType, "MD5") {
		return fmt.Errorf("%w: sign_type %.32q", ErrUnverified, signType)
	}
	for name, value := range query {
		if name != "attach" && name != "buyer_alias" && strings.Contains(value, "&") {
			return fmt.Errorf("%w: & in %.32q", ErrUnreadable, name)
		}
	}
	if !equal(strings.ToUpper(query["sign"]), SignMD5(query, partnerKey)) {
		return fmt.Errorf("%w: sign", ErrUnverified)
	}
	return nil
}

// decodeQuery reads the verified values for people, in UTF-8.
func decodeQuery(query map[string]string) map[string]string {
	decoded := make(map[string]string, len(query))
	for name, value := range query {
		decoded[name] = decode(value, query["input_charset"])
	}
	return decoded
}

// equal compares signatures in constant time.
func equal(given, right string) bool {
	return subtle.ConstantTimeCompare([]byte(given), []byte(right)) == 1
}
