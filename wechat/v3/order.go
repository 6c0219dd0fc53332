package v3

import (
	"net/netip"
	"time"
)

// The limits of a prepay request.
const (
	maxDescription = 127 // characters
	maxAttach      = 128 // bytes: the document counts characters and does not say of which kind
	minLife        = time.Minute
)

// currency is the only one that a domestic order may be in.
const currency = "CNY"

// Order is what a customer is asked to pay for.
type Order struct {
	OrderID     string // out_trade_no: 6 to 32 letters, digits and _-|*, unique for the merchant
	Description string // what the customer reads; cut to 127 characters
	Total       int64  // fen
	Attach      string // comes back in the notify; not sent if it has more than 128 bytes
	OpenID      string // of the customer, for the merchant's app; JSAPI only
	ClientIP    string // of the customer's device; empty if nobody knows it
	NotifyURL   string // absolute, https, without a query
	Created     time.Time
	Expire      time.Time // the last moment to pay; zero: WeChat's own limit
}

// attach is sent only if it is short: a notify without it costs less than an order that is
// refused.
func (o Order) attach() string {
	if len(o.Attach) > maxAttach {
		return ""
	}
	return o.Attach
}

// expire writes time_expire. WeChat moves what is less than a minute ahead, and a repeat
// that says something else than was meant would not be the same order.
func (o Order) expire() string {
	if o.Expire.IsZero() {
		return ""
	}
	if earliest := o.Created.Add(minLife); o.Expire.Before(earliest) {
		return earliest.Add(time.Second - 1).In(beijing).Format(time.RFC3339)
	}
	return o.Expire.In(beijing).Format(time.RFC3339)
}

// clientIP is empty for anything that is no address.
func (o Order) clientIP() string {
	address, err := netip.ParseAddr(o.ClientIP)
	if err != nil {
		return ""
	}
	return address.Unmap().WithZone("").String()
}

// cut shortens text to at most most characters.
func cut(text string, most int) string {
	for at := range text {
		if most--; most < 0 {
			return text[:at]
		}
	}
	return text
}
