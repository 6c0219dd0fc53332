package legacy

import (
	"net/netip"
	"strconv"
	"time"
)

// The limits of package, in bytes.
const (
	maxBody   = 128
	maxAttach = 127
)

// Order is what a customer is asked to pay for.
type Order struct {
	OrderID     string // out_trade_no: up to 32 letters and digits, unique for the merchant
	Description string // body: what the customer reads; cut to 128 bytes
	TotalFee    int64  // fen
	Attach      string // comes back in the notify; see attach
	ClientIP    string // of the customer's phone
	NotifyURL   string // absolute, without a query of its own
	Start       time.Time
	Expire      time.Time // zero for either: WeChat's own limit
	TraceID     string    // traceid of genprepay: names the customer or the order in WeChat's traces; may be empty
}

// parameters spells the order as package does.
func (o Order) parameters(partnerID string) map[string]string {
	return map[string]string{
		"attach":           o.attach(),
		"bank_type":        "WX",
		"body":             cut(o.Description, maxBody),
		"fee_type":         feeTypeCNY,
		"input_charset":    UTF8,
		"notify_url":       o.NotifyURL,
		"out_trade_no":     o.OrderID,
		"partner":          partnerID,
		"spbill_create_ip": o.clientIP(),
		"time_expire":      writeTime(o.Expire),
		"time_start":       writeTime(o.Start),
		"total_fee":        strconv.FormatInt(o.TotalFee, 10),
	}
}

// attach is sent only if it is short and plain ASCII. The document leaves open in which
// charset the notify's signature covers anything else, and a notify that does not verify
// costs more than an attach that stays at home.
func (o Order) attach() string {
	if len(o.Attach) > maxAttach {
		return ""
	}
	for _, character := range []byte(o.Attach) {
		if character < ' ' || character > '~' {
			return ""
		}
	}
	return o.Attach
}

// clientIP is IPv4, the only kind that spbill_create_ip has room for.
func (o Order) clientIP() string {
	address, err := netip.ParseAddr(o.ClientIP)
	if address = address.Unmap(); err != nil || !address.Is4() {
		return "127.0.0.1"
	}
	return address.String()
}

// writeTime writes yyyyMMddHHmmss in GMT+8, nothing for the zero time.
func writeTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(beijing).Format(compact)
}
