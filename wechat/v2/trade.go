package v2

import (
	"fmt"
	"strconv"
	"time"
)

// TradeState is where an order stands, in WeChat's own words.
type TradeState string

// The states of an order (APIv2 document, order query).
const (
	TradeSuccess    TradeState = "SUCCESS"
	TradeRefund     TradeState = "REFUND" // paid, and some of it is on its way back
	TradeNotPay     TradeState = "NOTPAY"
	TradeClosed     TradeState = "CLOSED"
	TradeRevoked    TradeState = "REVOKED"    // code payment alone
	TradeUserPaying TradeState = "USERPAYING" // code payment alone
	TradePayError   TradeState = "PAYERROR"   // the payment failed, for the bank's sake or another
	TradeAccept     TradeState = "ACCEPT"     // a deduction that has been taken, and not made yet
)

var tradeStates = []TradeState{
	TradeSuccess, TradeRefund, TradeNotPay, TradeClosed, TradeRevoked, TradeUserPaying, TradePayError, TradeAccept,
}

// Paid reports whether the customer's money has come in an order of this state.
func (s TradeState) Paid() bool { return s == TradeSuccess || s == TradeRefund }

// Over reports whether an order of this state was not paid and can't be any more.
func (s TradeState) Over() bool {
	return s == TradeClosed || s == TradeRevoked || s == TradePayError
}

// currencyCNY is what is meant by no fee_type.
const currencyCNY = "CNY"

// maxFeeType bounds what is repeated of a fee_type that nobody knows, in bytes.
const maxFeeType = 16

// Trade is what WeChat says about an order, in a notify and in the answer to orderquery
// alike. Of one that is not paid no more is there than State and whose it is. Whoever reads
// it compares that with what was asked for.
type Trade struct {
	State         TradeState // empty if a notify says that the payment failed
	AppID         string
	MchID         string
	OrderID       string // out_trade_no
	TransactionID string // WeChat's own number
	Total         int64  // fen: what the order was for, coupons included
	Currency      string // ISO 4217
	PaidAt        time.Time
	OpenID        string
	BankType      string
	Attach        string
}

// readTrade reads the fields that notify and orderquery have in common. What is paid has a
// transaction, an amount and a time; otherwise nobody may call it paid.
func readTrade(fields map[string]string, state TradeState) (Trade, error) {
	t := Trade{State: state, AppID: fields["appid"], MchID: fields["mch_id"], OrderID: fields["out_trade_no"]}
	if !state.Paid() {
		return t, nil
	}
	t.TransactionID, t.OpenID = fields["transaction_id"], fields["openid"]
	t.BankType, t.Attach = fields["bank_type"], fields["attach"]
	if t.OrderID == "" || t.TransactionID == "" {
		return Trade{}, fmt.Errorf("%w: paid without out_trade_no or transaction_id", ErrUnreadable)
	}
	if t.Currency = cut(fields["fee_type"], maxFeeType); t.Currency == "" {
		t.Currency = currencyCNY
	}
	var err error
	if t.Total, err = readFen("total_fee", fields["total_fee"]); err != nil {
		return Trade{}, err
	}
	if t.PaidAt, err = readTime("time_end", compact, fields["time_end"]); err != nil {
		return Trade{}, err
	}
	return t, nil
}

// readFen reads an amount: decimal digits and nothing else.
func readFen(name, text string) (int64, error) {
	fen, err := strconv.ParseUint(text, 10, 62)
	if err != nil {
		return 0, fmt.Errorf("%w: %s %.32q", ErrUnreadable, name, text)
	}
	return int64(fen), nil
}

// readTime reads a time of Beijing in a layout that it fills to the letter.
func readTime(name, layout, text string) (time.Time, error) {
	t, err := time.ParseInLocation(layout, text, beijing)
	if err != nil || len(text) != len(layout) || t.Year() < 2000 {
		return time.Time{}, fmt.Errorf("%w: %s %.32q", ErrUnreadable, name, text)
	}
	return t, nil
}
