package v2

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// TradeType is the way a customer pays, in WeChat's own words.
type TradeType string

// The trade types.
const (
	APP    TradeType = "APP"    // in the shop's own app
	JSAPI  TradeType = "JSAPI"  // on a page or in a mini program inside WeChat
	NATIVE TradeType = "NATIVE" // by a QR code
	MWEB   TradeType = "MWEB"   // on a page in the phone's browser, which APIv3 calls H5
)

// The limits of the unified order document, in bytes.
const (
	maxBody      = 127
	maxAttach    = 127
	maxProductID = 32
)

// minLife is the least distance of time_expire from time_start.
const minLife = time.Minute

// Order is what a customer is asked to pay for.
type Order struct {
	TradeType   TradeType
	OrderID     string // out_trade_no: 6 to 32 letters, digits and _-|*, unique for the merchant
	Description string // body: what the customer reads; cut to 127 bytes
	TotalFee    int64  // fen
	Attach      string // comes back in the notify; sent if it has at most 127 bytes
	ClientIP    string // of the customer, IPv4 or IPv6
	OpenID      string // JSAPI alone: of the customer, in the eyes of the appid
	NotifyURL   string // absolute, without a query
	Start       time.Time
	Expire      time.Time // zero for either: WeChat's own limit
}

// fields spells the order as unifiedorder does.
func (o Order) fields() (map[string]string, error) {
	fields := map[string]string{
		"attach":           o.attach(),
		"body":             cut(writable(o.Description), maxBody),
		"fee_type":         currencyCNY,
		"notify_url":       o.NotifyURL,
		"out_trade_no":     o.OrderID,
		"spbill_create_ip": o.clientIP(),
		"time_expire":      writeTime(o.expire()),
		"time_start":       writeTime(o.Start),
		"total_fee":        strconv.FormatInt(o.TotalFee, 10),
		"trade_type":       string(o.TradeType),
	}
	var err error
	switch o.TradeType {
	case JSAPI:
		fields["openid"] = o.OpenID
	case NATIVE:
		fields["product_id"] = cut(o.OrderID, maxProductID)
	case MWEB:
		fields["scene_info"], err = o.sceneInfo()
	case APP:
	default:
		err = fmt.Errorf("no trade_type %.16q", o.TradeType)
	}
	return fields, err
}

// attach is sent only if it comes back as it went: it is short, and holds nothing that XML
// has no room for and no line end, which every reader of XML may write in another way.
func (o Order) attach() string {
	if len(o.Attach) > maxAttach || strings.ContainsAny(o.Attach, "\r\n") || writable(o.Attach) != o.Attach {
		return ""
	}
	return o.Attach
}

func (o Order) clientIP() string {
	if address, err := netip.ParseAddr(o.ClientIP); err != nil || address.Zone() != "" {
		return "127.0.0.1"
	}
	return o.ClientIP
}

// expire keeps the distance that WeChat demands.
func (o Order) expire() time.Time {
	if earliest := o.Start.Add(minLife); !o.Expire.IsZero() && !o.Start.IsZero() && o.Expire.Before(earliest) {
		return earliest
	}
	return o.Expire
}

// scene is scene_info of MWEB.
type scene struct {
	H5 struct {
		Type    string `json:"type"`
		WapURL  string `json:"wap_url"`
		WapName string `json:"wap_name"`
	} `json:"h5_info"`
}

// sceneInfo names the shop's page by where it listens to notifies: that is the only
// address of the shop that everyone here knows.
func (o Order) sceneInfo() (string, error) {
	page, err := url.Parse(o.NotifyURL)
	if err != nil || page.Host == "" {
		return "", fmt.Errorf("scene_info: notify_url %.64q has no host", o.NotifyURL)
	}
	var s scene
	s.H5.Type, s.H5.WapURL, s.H5.WapName = "Wap", page.Scheme+"://"+page.Host, page.Host
	var written bytes.Buffer
	encoder := json.NewEncoder(&written)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(s); err != nil {
		return "", fmt.Errorf("scene_info: %w", err)
	}
	return strings.TrimSpace(written.String()), nil
}

// writeTime writes yyyyMMddHHmmss in GMT+8, nothing for the zero time.
func writeTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(beijing).Format(compact)
}
