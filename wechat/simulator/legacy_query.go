package simulator

import (
	"cmp"
	"strconv"
)

// legacyQueryFields are orderquery's (document, "orderquery"): no noncestr, no traceid.
var legacyQueryFields = []legacyField{
	{name: "appid", missing: legacyAppIDMissing},
	{name: "package"},
	{name: "timestamp", kind: legacySeconds},
	{name: "app_signature"},
	{name: "sign_method"},
}

type legacyQueried struct {
	Code    legacyCode      `json:"errcode"`
	Message string          `json:"errmsg"`
	Order   legacyOrderInfo `json:"order_info"`
}

// legacyOrderInfo is as in the document's sample: ret_code a number, all else strings,
// and what there is nothing to say about empty.
type legacyOrderInfo struct {
	RetCode       legacyCode `json:"ret_code"`
	RetMsg        string     `json:"ret_msg"`
	InputCharset  string     `json:"input_charset"`
	TradeState    string     `json:"trade_state"`
	TradeMode     string     `json:"trade_mode"`
	Partner       string     `json:"partner"`
	BankType      string     `json:"bank_type"`
	BankBillNo    string     `json:"bank_billno"`
	TotalFee      string     `json:"total_fee"`
	FeeType       string     `json:"fee_type"`
	TransactionID string     `json:"transaction_id"`
	OutTradeNo    string     `json:"out_trade_no"`
	IsSplit       string     `json:"is_split"`
	IsRefund      string     `json:"is_refund"`
	Attach        string     `json:"attach"`
	TimeEnd       string     `json:"time_end"`
	TransportFee  string     `json:"transport_fee"`
	ProductFee    string     `json:"product_fee"`
	Discount      string     `json:"discount"`
	RMBTotalFee   string     `json:"rmb_total_fee"`
}

// orderquery tells of an order. Its package is not percent-encoded.
func (l *legacy) orderquery(a *legacyAccount, call legacyCall) (any, error) {
	values, err := call.fields.values(legacyQueryFields)
	if err != nil {
		return nil, err
	}
	if err := checkLegacySignature(a.Merchant, values); err != nil {
		return nil, err
	}
	p, err := openLegacyPackage(values["package"], func(raw string) (string, error) { return raw, nil })
	if err != nil {
		return nil, err
	}
	if err := p.check(a.Merchant, legacyQueryRules); err != nil {
		return nil, err
	}
	info := legacyOrderInfo{RetCode: legacyNoTrade, RetMsg: "trade does not exist"}
	if o := l.s.book.find(a.account, p["out_trade_no"]); o != nil {
		info = legacyOrder(o)
	}
	return legacyQueried{Message: "ok", Order: info}, nil
}

// legacyOrder is what there is to say of an order. How WeChat answered for one that is
// not paid was never published; "0" is paid and anything else is not, so it is "1" here,
// with everything left empty that only a payment brings.
func legacyOrder(o *order) legacyOrderInfo {
	attach, _ := decodeCharset(o.terms.attach, o.terms.charset)
	product, transport := legacyFees(o.terms)
	info := legacyOrderInfo{
		InputCharset: o.terms.charset,
		TradeState:   "1",
		TradeMode:    "1",
		Partner:      o.account.PartnerID,
		TotalFee:     strconv.FormatInt(o.terms.total, 10),
		FeeType:      "1",
		OutTradeNo:   o.number,
		IsSplit:      "false",
		IsRefund:     "false",
		Attach:       attach,
		TransportFee: transport,
		ProductFee:   product,
		Discount:     "0",
	}
	if paid, ok := o.paid(); ok {
		info.TradeState = "0"
		info.BankType = paid.bankType
		info.BankBillNo = paid.bankBillNo
		info.TransactionID = paid.transactionID
		info.TimeEnd = paid.at.In(beijing).Format(compactTime)
	}
	return info
}

// legacyFees are an order's parts; what was not named is all goods and no transport.
func legacyFees(t terms) (product, transport string) {
	if t.productFee == "" && t.transportFee == "" {
		return strconv.FormatInt(t.total, 10), "0"
	}
	return cmp.Or(t.productFee, "0"), cmp.Or(t.transportFee, "0")
}
