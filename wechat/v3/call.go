package v3

import (
	"net/http"
	"net/url"
	"strings"
)

// Call is one of WeChat's calls, by our name for it.
type Call string

// The calls of the protocol.
const (
	PrepayAPP        Call = "prepay_app"
	PrepayJSAPI      Call = "prepay_jsapi"
	PrepayNative     Call = "prepay_native"
	PrepayH5         Call = "prepay_h5"
	Query            Call = "query"             // by out_trade_no
	QueryTransaction Call = "query_transaction" // by transaction_id
	Close            Call = "close"
	CreateRefund     Call = "refund"
	QueryRefund      Call = "refund_query"
	Certificates     Call = "certificates"
	TradeBill        Call = "tradebill"    // asks where the file lies
	BillFile         Call = "billdownload" // the file; its path is part of that answer
)

// route is where a call goes. The path may have places for a number and for the merchant.
type route struct{ method, path string }

var routes = map[Call]route{
	PrepayAPP:        {http.MethodPost, "/v3/pay/transactions/app"},
	PrepayJSAPI:      {http.MethodPost, "/v3/pay/transactions/jsapi"},
	PrepayNative:     {http.MethodPost, "/v3/pay/transactions/native"},
	PrepayH5:         {http.MethodPost, "/v3/pay/transactions/h5"},
	Query:            {http.MethodGet, "/v3/pay/transactions/out-trade-no/{number}?mchid={mchid}"},
	QueryTransaction: {http.MethodGet, "/v3/pay/transactions/id/{number}?mchid={mchid}"},
	Close:            {http.MethodPost, "/v3/pay/transactions/out-trade-no/{number}/close"},
	CreateRefund:     {http.MethodPost, "/v3/refund/domestic/refunds"},
	QueryRefund:      {http.MethodGet, "/v3/refund/domestic/refunds/{number}"},
	Certificates:     {http.MethodGet, "/v3/certificates"},
	TradeBill:        {http.MethodGet, "/v3/bill/tradebill"},
	BillFile:         {http.MethodGet, billFolder},
}

// Name is the call's name, such as prepay_app.
func (c Call) Name() string { return string(c) }

// Method is the call's HTTP method.
func (c Call) Method() string { return routes[c].method }

// Path is the call's path and query as they are sent, and as they are signed. number is
// what the call asks about: the out_trade_no, the transaction_id or the out_refund_no;
// prepay, refund and certificates have none. Those of bills are written by BillPath and read
// by ReadBillPlace.
func (c Credentials) Path(call Call, number string) string {
	return strings.NewReplacer("{number}", escape(number), "{mchid}", escape(c.MchID)).Replace(routes[call].path)
}

// escape percent-encodes all but the unreserved characters of RFC 3986: an order number may
// hold | and *, a refund number @ as well.
func escape(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }
