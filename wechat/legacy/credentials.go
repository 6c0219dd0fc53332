package legacy

import "time"

// Credentials are what WeChat gave one merchant. The three keys are three different
// things, and none of them is ever sent but AppSecret, to the token calls alone.
type Credentials struct {
	AppID      string // wx and 16 hex digits; public
	AppSecret  string // for access tokens
	PaySignKey string // appkey, 128 characters: keys every SHA1
	PartnerID  string // merchant number, 10 digits; public
	PartnerKey string // keys every MD5
}

// Call is one of WeChat's calls, written as its path.
type Call string

// The calls of the protocol.
const (
	Token         Call = "/cgi-bin/token"        // GET
	StableToken   Call = "/cgi-bin/stable_token" // POST
	GenPrepay     Call = "/pay/genprepay"        // POST, as are the rest
	OrderQuery    Call = "/pay/orderquery"
	DeliverNotify Call = "/pay/delivernotify"
)

// beijing is the zone of every time that WeChat writes, compact how it writes them.
var beijing = time.FixedZone("GMT+8", 8*60*60)

const compact = "20060102150405"

// signMethod is the only sign_method there is.
const signMethod = "sha1"
