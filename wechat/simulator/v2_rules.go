package simulator

import (
	"encoding/json"
	"time"
)

// v2Rule is what the documents say of one element.
type v2Rule struct {
	name     string
	optional bool
	is       string // what the value must be, in words
	fits     func(value string) bool
}

// v2Call is what is true of one of the API's calls before it is done.
type v2Call struct {
	rules            []v2Rule
	missing, invalid v2Code // the call's codes for an element that is not there, and for a wrong one
}

// v2Common are the elements of every call, signed and sent.
var v2Common = []v2Rule{
	{name: "appid", is: "at most 32 bytes", fits: atMost(32)},
	{name: "mch_id", is: "at most 32 bytes", fits: atMost(32)},
	{name: "nonce_str", is: "at most 32 bytes", fits: atMost(32)},
	{name: "sign", is: "at most 64 bytes", fits: atMost(64)},
	{name: "sign_type", optional: true, is: "MD5 or HMAC-SHA256", fits: oneOf(MD5, HMACSHA256)},
}

const v2IsNotifyURL = "an absolute URL of at most 256 bytes without a query, https unless its host is private"

// v2Unifiedorder is the call that places an order (document, "unified order"). A body's 128
// are bytes here; pages differ, and a merchant who keeps to bytes is on the safe side.
var v2Unifiedorder = v2Call{missing: v2Lacking, invalid: v2InvalidRequest, rules: []v2Rule{
	{name: "device_info", optional: true, is: "at most 32 bytes", fits: atMost(32)},
	{name: "body", is: "at most 128 bytes", fits: atMost(128)},
	{name: "detail", optional: true, is: "JSON of at most 6000 bytes", fits: isJSON(6000)},
	{name: "attach", optional: true, is: "at most 127 bytes", fits: atMost(127)},
	{name: "out_trade_no", is: "6 to 32 letters, digits or _-|*", fits: matches(isOrderNumber)},
	{name: "fee_type", optional: true, is: "CNY", fits: oneOf("CNY")},
	{name: "total_fee", is: "a whole number of fen, 1 or more", fits: fen(1)},
	{name: "spbill_create_ip", is: "an IP address", fits: isIP},
	{name: "time_start", optional: true, is: "a time written yyyyMMddHHmmss", fits: isCompactTime},
	{name: "time_expire", optional: true, is: "a time written yyyyMMddHHmmss", fits: isCompactTime},
	{name: "goods_tag", optional: true, is: "at most 32 bytes", fits: atMost(32)},
	{name: "notify_url", is: v2IsNotifyURL, fits: notifyURL(256)},
	{name: "trade_type", is: "JSAPI, NATIVE, APP or MWEB", fits: oneOf("JSAPI", "NATIVE", "APP", "MWEB")},
	{name: "product_id", optional: true, is: "at most 32 bytes", fits: atMost(32)},
	{name: "limit_pay", optional: true, is: "no_credit", fits: oneOf("no_credit")},
	{name: "openid", optional: true, is: "at most 128 bytes", fits: atMost(128)},
	{name: "receipt", optional: true, is: "Y", fits: oneOf("Y")},
	{name: "profit_sharing", optional: true, is: "Y or N", fits: oneOf("Y", "N")},
	{name: "scene_info", optional: true, is: "JSON of at most 256 bytes", fits: isJSON(256)},
}}

// v2Orderquery asks for an order (document, "query order").
var v2Orderquery = v2Call{missing: v2Unformed, invalid: v2Unformed, rules: []v2Rule{
	{name: "transaction_id", optional: true, is: "at most 32 bytes", fits: atMost(32)},
	{name: "out_trade_no", optional: true, is: "6 to 32 letters, digits or _-|*", fits: matches(isOrderNumber)},
}}

// v2Closeorder closes an order (document, "close order").
var v2Closeorder = v2Call{missing: v2Unformed, invalid: v2Unformed, rules: []v2Rule{
	{name: "out_trade_no", is: "6 to 32 letters, digits or _-|*", fits: matches(isOrderNumber)},
}}

// v2RefundCall asks for a refund (document, "request refund").
var v2RefundCall = v2Call{missing: v2InvalidParameter, invalid: v2InvalidParameter, rules: []v2Rule{
	{name: "transaction_id", optional: true, is: "at most 32 bytes", fits: atMost(32)},
	{name: "out_trade_no", optional: true, is: "6 to 32 letters, digits or _-|*", fits: matches(isOrderNumber)},
	{name: "out_refund_no", is: "1 to 64 letters, digits or _-|*@", fits: matches(isRefundNumber)},
	{name: "total_fee", is: "a whole number of fen, 1 or more", fits: fen(1)},
	{name: "refund_fee", is: "a whole number of fen, 1 or more", fits: fen(1)},
	{name: "refund_fee_type", optional: true, is: "CNY", fits: oneOf("CNY")},
	{name: "refund_desc", optional: true, is: "at most 80 bytes", fits: atMost(80)},
	{
		name: "refund_account", optional: true, is: "REFUND_SOURCE_UNSETTLED_FUNDS or REFUND_SOURCE_RECHARGE_FUNDS",
		fits: oneOf("REFUND_SOURCE_UNSETTLED_FUNDS", "REFUND_SOURCE_RECHARGE_FUNDS"),
	},
	{name: "notify_url", optional: true, is: v2IsNotifyURL, fits: notifyURL(256)},
}}

// v2Refundquery asks for refunds (document, "query refund").
var v2Refundquery = v2Call{missing: v2InvalidParameter, invalid: v2InvalidParameter, rules: []v2Rule{
	{name: "transaction_id", optional: true, is: "at most 32 bytes", fits: atMost(32)},
	{name: "out_trade_no", optional: true, is: "6 to 32 letters, digits or _-|*", fits: matches(isOrderNumber)},
	{name: "out_refund_no", optional: true, is: "1 to 64 letters, digits or _-|*@", fits: matches(isRefundNumber)},
	{name: "refund_id", optional: true, is: "at most 32 bytes", fits: atMost(32)},
	{name: "offset", optional: true, is: "a whole number", fits: fen(0)},
}}

func isJSON(most int) func(string) bool {
	return func(value string) bool { return len(value) <= most && json.Valid([]byte(value)) }
}

// parseCompactTime reads a time that was checked; zero if it is not there.
func parseCompactTime(value string) time.Time {
	at, _ := time.ParseInLocation(compactTime, value, beijing)
	if value == "" {
		return time.Time{}
	}
	return at
}
