package simulator

import (
	"net/http"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"
)

// v3Call is what is true of one of the API's calls before it is done.
type v3Call struct {
	method string
	path   []v3Rule
	query  []v3Rule
	body   []v3Rule  // nil for a call without a body
	trade  TradeType // of a call that places an order
}

// The calls (documents of the same names).
var (
	v3Query        = v3Call{method: http.MethodGet, path: []v3Rule{v3OutTradeNo}, query: []v3Rule{v3MchID}}
	v3QueryID      = v3Call{method: http.MethodGet, path: []v3Rule{v3TransactionID}, query: []v3Rule{v3MchID}}
	v3Close        = v3Call{method: http.MethodPost, path: []v3Rule{v3OutTradeNo}, body: []v3Rule{v3MchID}}
	v3RefundCall   = v3Call{method: http.MethodPost, body: v3Refund}
	v3RefundQuery  = v3Call{method: http.MethodGet, path: []v3Rule{v3OutRefundNo}}
	v3Certificates = v3Call{method: http.MethodGet}
)

// v3Prepays are the calls that place an order, by the last part of their path.
var v3Prepays = map[string]v3Call{
	"app":    {method: http.MethodPost, body: v3Order(v3Scene), trade: APP},
	"jsapi":  {method: http.MethodPost, body: v3Order(v3Scene, v3Payer), trade: JSAPI},
	"native": {method: http.MethodPost, body: v3Order(v3Scene), trade: Native},
	"h5":     {method: http.MethodPost, body: v3Order(v3BrowserScene), trade: MWEB},
}

// Values that several calls have.
var (
	v3MchID         = v3Rule{name: "mchid", is: "1 to 32 characters", fits: chars(1, 32)}
	v3TransactionID = v3Rule{name: "transaction_id", is: "1 to 32 characters", fits: chars(1, 32)}
	v3OutTradeNo    = v3Rule{name: "out_trade_no", is: "6 to 32 letters, digits or _-|*", fits: matches(isOrderNumber)}
	v3OutRefundNo   = v3Rule{name: "out_refund_no", is: "1 to 64 letters, digits or _-|*@", fits: matches(isRefundNumber)}
	v3Currency      = v3Rule{name: "currency", is: "CNY", fits: oneOf("CNY")}
	v3NotifyURL     = v3Rule{name: "notify_url", is: "an absolute URL of at most 255 bytes without a query, https unless its host is private", fits: notifyURL(255)}
	v3Payer         = v3Rule{name: "payer", kind: v3Inner, members: []v3Rule{
		{name: "openid", is: "1 to 128 characters", fits: chars(1, 128)},
	}}
)

// v3Order are the values of an order, with those of its trade type behind. How long a text may
// be is told in bytes by some pages and in characters by others; a merchant who keeps to bytes
// is on the safe side, and so description and attach are measured in bytes.
func v3Order(ofTrade ...v3Rule) []v3Rule {
	return slices.Concat([]v3Rule{
		{name: "appid", is: "1 to 32 characters", fits: chars(1, 32)},
		v3MchID,
		{name: "description", is: "1 to 127 bytes", fits: bytesOf(1, 127)},
		v3OutTradeNo,
		{name: "time_expire", optional: true, is: "a time written yyyy-MM-ddTHH:mm:ss+HH:mm", fits: isV3Time},
		{name: "attach", optional: true, is: "at most 128 bytes", fits: bytesOf(0, 128)},
		v3NotifyURL,
		{name: "goods_tag", optional: true, is: "at most 32 characters", fits: chars(0, 32)},
		{name: "support_fapiao", optional: true, kind: v3Truth},
		{name: "limit_pay", optional: true, kind: v3List, items: &v3Rule{is: "no_credit", fits: oneOf("no_credit")}},
		{name: "amount", kind: v3Inner, members: []v3Rule{
			{name: "total", kind: v3Number, is: "a whole number of fen, 1 or more", fits: fen(1)},
			optional(v3Currency),
		}},
		v3Goods,
		{name: "settle_info", optional: true, kind: v3Inner, members: []v3Rule{{name: "profit_sharing", optional: true, kind: v3Truth}}},
	}, ofTrade)
}

// v3Goods is what the goods are.
var v3Goods = v3Rule{name: "detail", optional: true, kind: v3Inner, members: []v3Rule{
	{name: "cost_price", optional: true, kind: v3Number, is: "a whole number of fen", fits: fen(0)},
	{name: "invoice_id", optional: true, is: "1 to 32 characters", fits: chars(1, 32)},
	{name: "goods_detail", optional: true, kind: v3List, items: &v3Rule{kind: v3Inner, members: []v3Rule{
		{name: "merchant_goods_id", is: "1 to 32 characters", fits: chars(1, 32)},
		{name: "wechatpay_goods_id", optional: true, is: "1 to 32 characters", fits: chars(1, 32)},
		{name: "goods_name", optional: true, is: "1 to 256 characters", fits: chars(1, 256)},
		{name: "quantity", kind: v3Number, is: "a whole number, 1 or more", fits: fen(1)},
		{name: "unit_price", kind: v3Number, is: "a whole number of fen", fits: fen(0)},
	}}},
}}

// v3Scene is where the customer pays; payments in a browser have to tell more of it.
var (
	v3Scene        = v3Rule{name: "scene_info", optional: true, kind: v3Inner, members: v3Place}
	v3BrowserScene = v3Rule{name: "scene_info", kind: v3Inner, members: append(slices.Clone(v3Place), v3Browser)}

	v3Place = []v3Rule{
		{name: "payer_client_ip", is: "an IP address", fits: isIP},
		{name: "device_id", optional: true, is: "1 to 32 characters", fits: chars(1, 32)},
		{name: "store_info", optional: true, kind: v3Inner, members: []v3Rule{
			{name: "id", is: "1 to 32 characters", fits: chars(1, 32)},
			{name: "name", optional: true, is: "1 to 256 characters", fits: chars(1, 256)},
			{name: "area_code", optional: true, is: "1 to 32 characters", fits: chars(1, 32)},
			{name: "address", optional: true, is: "1 to 512 characters", fits: chars(1, 512)},
		}},
	}
	v3Browser = v3Rule{name: "h5_info", kind: v3Inner, members: []v3Rule{
		{name: "type", is: "iOS, Android or Wap", fits: oneOf("iOS", "Android", "Wap")},
		{name: "app_name", optional: true, is: "1 to 64 characters", fits: chars(1, 64)},
		{name: "app_url", optional: true, is: "1 to 128 characters", fits: chars(1, 128)},
		{name: "bundle_id", optional: true, is: "1 to 128 characters", fits: chars(1, 128)},
		{name: "package_name", optional: true, is: "1 to 128 characters", fits: chars(1, 128)},
	}}
)

// v3Refund are the values of a refund.
var v3Refund = []v3Rule{
	optional(v3TransactionID),
	optional(v3OutTradeNo),
	v3OutRefundNo,
	{name: "reason", optional: true, is: "1 to 80 bytes", fits: bytesOf(1, 80)},
	optional(v3NotifyURL),
	{name: "funds_account", optional: true, is: "AVAILABLE or UNSETTLED", fits: oneOf("AVAILABLE", "UNSETTLED")},
	{name: "amount", kind: v3Inner, members: []v3Rule{
		{name: "refund", kind: v3Number, is: "a whole number of fen, 1 or more", fits: fen(1)},
		{name: "total", kind: v3Number, is: "a whole number of fen, 1 or more", fits: fen(1)},
		v3Currency,
		{name: "from", optional: true, kind: v3List, items: &v3Rule{kind: v3Inner, members: []v3Rule{
			{name: "account", is: "AVAILABLE or UNAVAILABLE", fits: oneOf("AVAILABLE", "UNAVAILABLE")},
			{name: "amount", kind: v3Number, is: "a whole number of fen, 1 or more", fits: fen(1)},
		}}},
	}},
	{name: "goods_detail", optional: true, kind: v3List, items: &v3Rule{kind: v3Inner, members: []v3Rule{
		{name: "merchant_goods_id", is: "1 to 32 characters", fits: chars(1, 32)},
		{name: "wechatpay_goods_id", optional: true, is: "1 to 32 characters", fits: chars(1, 32)},
		{name: "goods_name", optional: true, is: "1 to 256 characters", fits: chars(1, 256)},
		{name: "unit_price", kind: v3Number, is: "a whole number of fen", fits: fen(0)},
		{name: "refund_amount", kind: v3Number, is: "a whole number of fen", fits: fen(0)},
		{name: "refund_quantity", kind: v3Number, is: "a whole number, 1 or more", fits: fen(1)},
	}}},
}

func optional(rule v3Rule) v3Rule {
	rule.optional = true
	return rule
}

func chars(least, most int) func(string) bool {
	return func(value string) bool {
		n := utf8.RuneCountInString(value)
		return n >= least && n <= most
	}
}

func bytesOf(least, most int) func(string) bool {
	return func(value string) bool { return len(value) >= least && len(value) <= most }
}

var v3TimeShape = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$`)

// isV3Time takes the one form that the document shows: seconds, and a zone.
func isV3Time(value string) bool {
	_, err := time.Parse(time.RFC3339, value)
	return err == nil && v3TimeShape.MatchString(value)
}

// parseV3Time reads a time that was checked; zero if it is not there.
func parseV3Time(value string) time.Time {
	at, _ := time.Parse(time.RFC3339, value)
	return at
}
