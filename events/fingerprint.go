package events

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Fingerprint identifies the request's content: the same however the JSON was written and
// whether a default was left out or spelled out, another one for any other content.
func (r PaymentRequest) Fingerprint() string {
	expires := ""
	if !r.ExpiresAt.IsZero() {
		expires = r.ExpiresAt.UTC().Format(time.RFC3339Nano)
	}
	hash := sha256.New()
	write := func(parts ...string) {
		for _, part := range parts {
			fmt.Fprintf(hash, "%d:%s,", len(part), part) // the length keeps neighbours apart
		}
	}
	write("1", r.Merchant, r.OrderID, fmt.Sprint(r.Amount.Total), r.Amount.Currency, r.Description,
		r.TradeType, r.ClientIP, r.PayerOpenID, r.Attach, expires)
	for _, key := range slices.Sorted(maps.Keys(r.Metadata)) {
		write(key, r.Metadata[key])
	}
	return hex.EncodeToString(hash.Sum(nil))
}
