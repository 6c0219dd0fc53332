package simulator

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// legacyPackage holds the values of a package, decoded: bytes in input_charset.
type legacyPackage map[string]string

// openLegacyPackage takes a package apart (document, "package"): pairs in ASCII order of
// their keys, none empty, none twice, sign behind them, every value decoded by decode.
func openLegacyPackage(text string, decode func(string) (string, error)) (legacyPackage, error) {
	values := legacyPackage{}
	var keys []string
	for pair := range strings.SplitSeq(text, "&") {
		key, encoded, found := strings.Cut(pair, "=")
		value, err := decode(encoded)
		_, twice := values[key]
		switch {
		case !found || key == "":
			return nil, refuse(legacyInvalid, "package must be made of key=value")
		case err != nil:
			return nil, refuse(legacyInvalid, fmt.Sprintf("package: %s: %v", key, err))
		case twice:
			return nil, refuse(legacyInvalid, fmt.Sprintf("package: %s stands twice", key))
		case value == "":
			return nil, refuse(legacyInvalid, fmt.Sprintf("package: %s is empty: leave it out", key))
		}
		values[key] = value
		keys = append(keys, key)
	}
	last := len(keys) - 1
	if keys[last] != "sign" || !slices.IsSorted(keys[:last]) {
		return nil, refuse(legacyInvalid, "package: the keys must be in ASCII order, sign behind them")
	}
	return values, nil
}

// check holds the values against the merchant and the rules.
func (p legacyPackage) check(m Merchant, rules []legacyRule) error {
	switch {
	case p["partner"] != m.PartnerID:
		return refuse(legacyBadPartner, "")
	case p["sign"] != legacyMD5(p, m.PartnerKey):
		return refuse(legacyBadSignature, "package: sign")
	}
	known := map[string]bool{"partner": true, "sign": true}
	for _, rule := range rules {
		known[rule.key] = true
		value, ok := p[rule.key]
		if !ok && !rule.optional {
			return refuse(legacyInvalid, fmt.Sprintf("package: %s is missing", rule.key))
		}
		if ok && !rule.fits(value) {
			return refuse(legacyInvalid, fmt.Sprintf("package: %s must be %s", rule.key, rule.is))
		}
	}
	for key := range p {
		if !known[key] {
			return refuse(legacyInvalid, fmt.Sprintf("package: %s does not belong here", key))
		}
	}
	return nil
}

// bare are the characters, besides letters and digits, that need no escape: those that
// encodeURIComponent leaves alone, and the slash that Python's quote does.
const bare = "-_.~!*'()/"

// unescape decodes percent-encoding. A plus is not a space, and neither stands bare.
func unescape(text string) (string, error) {
	for i := range len(text) {
		switch c := text[i]; {
		case c == '+':
			return "", errors.New("a space is %20 and a plus is %2B")
		case c != '%' && strings.IndexByte(letters+bare, c) < 0:
			return "", fmt.Errorf("%q must be percent-encoded", c)
		}
	}
	plain, err := url.PathUnescape(text)
	if err != nil {
		return "", errors.New("a percent sign needs two hex digits")
	}
	return plain, nil
}

// escape percent-encodes everything but letters, digits and what no one ever encodes.
func escape(text string) string {
	return strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
}
