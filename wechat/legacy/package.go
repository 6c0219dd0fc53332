package legacy

import (
	"fmt"
	"net/url"
	"strings"
)

// Package writes the string called package: the parameters sorted by byte, empty values
// left out, every value percent-encoded, and behind them sign, the MD5 over the values
// before they were encoded. Values come in UTF-8 and leave in the charset that
// input_charset names.
//
// WeChat checks the SHA1 over this string exactly as it was sent, so it must be sent as it
// is returned.
func Package(parameters map[string]string, partnerKey string) (string, error) {
	raw := make(map[string]string, len(parameters))
	encoded := make(map[string]string, len(parameters))
	for name, value := range parameters {
		if name == "sign" || value == "" {
			continue
		}
		written, err := encode(value, parameters["input_charset"])
		if err != nil {
			return "", fmt.Errorf("package: %s: %w", name, err)
		}
		raw[name], encoded[name] = written, percentEncode(written)
	}
	return join(encoded) + "&sign=" + SignMD5(raw, partnerKey), nil
}

// percentEncode escapes all but the unreserved characters of RFC 3986, in uppercase hex. A
// space is %20: the document rules out the plus sign of HTML forms.
func percentEncode(raw string) string {
	return strings.ReplaceAll(url.QueryEscape(raw), "+", "%20")
}
