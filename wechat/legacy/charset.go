package legacy

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// The values of input_charset: the charset of a package's or notify's values, and of the
// bytes that its MD5 covers. GBK is meant where there is none.
const (
	GBK  = "GBK"
	UTF8 = "UTF-8"
)

// encode writes text in a charset. It fails on a charset that WeChat does not know and on
// text that the charset can't hold.
func encode(text, charset string) (string, error) {
	switch strings.ToUpper(charset) {
	case UTF8:
		return text, nil
	case GBK, "":
		raw, err := simplifiedchinese.GBK.NewEncoder().String(text)
		if err != nil {
			return "", fmt.Errorf("write in GBK: %w", err)
		}
		return raw, nil
	default:
		return "", fmt.Errorf("no input_charset %.16q", charset)
	}
}

// decode reads raw bytes for people. What can't be read becomes U+FFFD: no signature
// depends on it.
func decode(raw, charset string) string {
	if !strings.EqualFold(charset, UTF8) {
		if text, err := simplifiedchinese.GBK.NewDecoder().String(raw); err == nil {
			return text
		}
	}
	return strings.ToValidUTF8(raw, string(utf8.RuneError))
}

// cut shortens text to at most most bytes, at the boundary of a character.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}
