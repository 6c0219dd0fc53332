package v2

import (
	"path"
	"time"
)

// Credentials are what WeChat gave one merchant, and how the two have agreed to sign.
type Credentials struct {
	AppID    string // of the app or the official account; public
	MchID    string // merchant number; public
	APIKey   string // 32 characters: keys every signature, and is never sent
	SignType SignType
}

// SignType is an algorithm that signs messages, in WeChat's own words.
type SignType string

// The two algorithms. What is neither of them signs as MD5, which is WeChat's default.
const (
	MD5        SignType = "MD5"
	HMACSHA256 SignType = "HMAC-SHA256"
)

// Call is one of WeChat's calls, written as its path. All of them are POST.
type Call string

// The calls of the protocol.
const (
	UnifiedOrder Call = "/pay/unifiedorder"
	OrderQuery   Call = "/pay/orderquery"
	CloseOrder   Call = "/pay/closeorder"
	RefundOrder  Call = "/secapi/pay/refund" // WeChat demands the merchant's client certificate
	RefundQuery  Call = "/pay/refundquery"
	DownloadBill Call = "/pay/downloadbill"
)

// Name is the call's own name, such as unifiedorder.
func (c Call) Name() string { return path.Base(string(c)) }

// beijing is the zone of every time that WeChat writes, compact how it writes most of them.
var beijing = time.FixedZone("GMT+8", 8*60*60)

const compact = "20060102150405"

// request adds to a call's own fields what every request holds, signs it and writes it.
func (c Credentials) request(own map[string]string, nonce string) ([]byte, error) {
	own["appid"], own["mch_id"], own["nonce_str"] = c.AppID, c.MchID, nonce
	own["sign_type"] = string(c.SignType)
	own["sign"] = c.sign(own)
	return writeXML(own)
}
