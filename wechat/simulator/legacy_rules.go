package simulator

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// legacyRule is what the document says of one key of package.
type legacyRule struct {
	key      string
	optional bool
	is       string // what the value must be, in words
	fits     func(value string) bool
}

// legacyOrderRules are the keys of genprepay's package besides partner and sign.
var legacyOrderRules = []legacyRule{
	{key: "bank_type", is: "WX", fits: oneOf("WX")},
	{key: "body", is: "at most 128 bytes", fits: atMost(128)},
	{key: "attach", optional: true, is: "at most 127 bytes", fits: atMost(127)}, // some copies say 128
	{key: "out_trade_no", is: "1 to 32 letters and digits", fits: matches(`^[0-9A-Za-z]{1,32}$`)},
	{key: "total_fee", is: "a whole number of fen, 1 or more", fits: fen(1)},
	{key: "fee_type", is: "1", fits: oneOf("1")},
	{key: "notify_url", is: "an absolute http or https URL of at most 255 bytes", fits: isNotifyURL},
	{key: "spbill_create_ip", is: "the user's IPv4 address", fits: isIPv4},
	{key: "time_start", optional: true, is: "a time written yyyyMMddHHmmss", fits: isCompactTime},
	{key: "time_expire", optional: true, is: "a time written yyyyMMddHHmmss", fits: isCompactTime},
	{key: "transport_fee", optional: true, is: "a whole number of fen", fits: fen(0)},
	{key: "product_fee", optional: true, is: "a whole number of fen", fits: fen(0)},
	{key: "goods_tag", optional: true, is: "text", fits: atMost(maxLegacyBody)}, // no length is documented
	{key: "input_charset", is: "GBK or UTF-8", fits: oneOf("GBK", "UTF-8")},
}

// legacyQueryRules are those of orderquery's.
var legacyQueryRules = []legacyRule{
	{key: "out_trade_no", is: "1 to 32 letters and digits", fits: matches(`^[0-9A-Za-z]{1,32}$`)},
}

// checkOrder is check and what the rules of single keys can't say.
func (p legacyPackage) checkOrder(m Merchant) error {
	if err := p.check(m, legacyOrderRules); err != nil {
		return err
	}
	for key, value := range p {
		if _, ok := decodeCharset(value, p["input_charset"]); !ok {
			return refuse(legacyInvalid, "package: "+key+" is not "+p["input_charset"])
		}
	}
	_, hasTransport := p["transport_fee"]
	_, hasProduct := p["product_fee"]
	if (hasTransport || hasProduct) && p.fen("transport_fee")+p.fen("product_fee") != p.fen("total_fee") {
		return refuse(legacyInvalid, "package: transport_fee and product_fee must add up to total_fee")
	}
	if start, expire := p["time_start"], p["time_expire"]; start != "" && expire != "" && start >= expire {
		return refuse(legacyInvalid, "package: time_expire must be after time_start")
	}
	return nil
}

// terms are what a checked package orders. Its sign stands for its content: two packages
// with the same one say the same, however they are encoded.
func (p legacyPackage) terms() terms {
	var expires time.Time
	if p["time_expire"] != "" {
		expires, _ = time.ParseInLocation(compactTime, p["time_expire"], beijing)
	}
	return terms{
		content:      p["sign"],
		total:        p.fen("total_fee"),
		productFee:   p["product_fee"],
		transportFee: p["transport_fee"],
		charset:      p["input_charset"],
		attach:       p["attach"],
		notifyURL:    p["notify_url"],
		expiresAt:    expires,
	}
}

// fen reads an amount that was checked; 0 if it is not there.
func (p legacyPackage) fen(key string) int64 {
	n, _ := strconv.ParseInt(p[key], 10, 64)
	return n
}

// decodeCharset makes UTF-8 of bytes in a package's charset; false if they are not in it.
func decodeCharset(raw, charset string) (string, bool) {
	if charset == "UTF-8" {
		return raw, utf8.ValidString(raw)
	}
	text, err := simplifiedchinese.GBK.NewDecoder().String(raw)
	return text, err == nil && !strings.ContainsRune(text, utf8.RuneError)
}

func isNotifyURL(value string) bool {
	u, err := url.Parse(value)
	return err == nil && len(value) <= 255 && u.Host != "" && !strings.Contains(value, "#") &&
		(u.Scheme == "http" || u.Scheme == "https")
}

func isIPv4(value string) bool {
	address, err := netip.ParseAddr(value)
	return err == nil && address.Is4()
}
