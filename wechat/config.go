package wechat

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"strings"
)

// maxNotifyURL is the documents' limit of notify_url, in characters.
const maxNotifyURL = 255

// refundPath is what is put behind the NotifyURL for notifies of refunds.
const refundPath = "/refund"

// requirement is a field that a merchant can't do without.
type requirement struct {
	field string
	met   bool
}

// plainURL reports whether text is an absolute URL of host and path alone.
func plainURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" &&
		u.User == nil && !strings.ContainsAny(text, "?#")
}

// checkNotifyURL checks the address that APIv2 and APIv3 have: refundPath comes behind it.
func checkNotifyURL(text string) error {
	if most := maxNotifyURL - len(refundPath); !plainURL(text) || len(text) > most {
		return fmt.Errorf("NotifyURL is not a plain http or https URL of at most %d characters", most)
	}
	return nil
}

// drawNonce returns 32 random hex digits, all that WeChat's nonces have room for.
func drawNonce(random io.Reader) (string, error) {
	drawn := make([]byte, 16)
	if _, err := io.ReadFull(random, drawn); err != nil {
		return "", fmt.Errorf("draw a nonce: %w", err)
	}
	return hex.EncodeToString(drawn), nil
}
