package simulator

import "strconv"

// orderquery tells of an order, by transaction_id before out_trade_no.
func (v *v2) orderquery(r v2Request) (v2Fields, error) {
	o, err := v.find(r, v2Unformed)
	if err != nil {
		return nil, err
	}
	if o == nil {
		return nil, refuseV2(v2NoOrder, "")
	}
	state := o.state(v.s.cfg.Now())
	told := v2Fields{
		"out_trade_no":     o.number,
		"attach":           o.terms.attach,
		"device_info":      o.terms.deviceInfo,
		"trade_state":      v2TradeStates[state].state,
		"trade_state_desc": v2TradeStates[state].words,
	}
	if paid, ok := o.paid(); ok {
		tellV2Payment(told, o, paid)
	}
	return told, nil
}

// v2TradeStates are the states in the document's words. An order whose time has passed is
// closed days later, and is not paid until then.
var v2TradeStates = map[State]struct{ state, words string }{
	Unpaid:   {"NOTPAY", "订单未支付"},
	Expired:  {"NOTPAY", "订单未支付"},
	Paid:     {"SUCCESS", "支付成功"},
	Closed:   {"CLOSED", "订单已关闭"},
	Refunded: {"REFUND", "订单发生过退款"},
}

// tellV2Payment adds what is known of a payment, to a query's answer and to a notify alike.
// The document promises it for trade_state SUCCESS alone; it is told of REFUND too, as
// merchants report.
func tellV2Payment(told v2Fields, o *order, paid payment) {
	total := strconv.FormatInt(o.terms.total, 10)
	told["openid"] = paid.openID
	told["is_subscribe"] = "N"
	told["trade_type"] = string(o.terms.trade)
	told["bank_type"] = paid.bankType
	told["total_fee"] = total
	told["fee_type"] = "CNY"
	told["cash_fee"] = total
	told["cash_fee_type"] = "CNY"
	told["transaction_id"] = paid.transactionID
	told["time_end"] = paid.at.In(beijing).Format(compactTime)
}

// find finds the order that a call is about, nil if there is none; lacking is the call's
// code for one that names no order.
func (v *v2) find(r v2Request, lacking v2Code) (*order, error) {
	switch {
	case r.fields["transaction_id"] != "":
		return v.s.book.findTransaction(r.account, r.fields["transaction_id"]), nil
	case r.fields["out_trade_no"] != "":
		return v.s.book.find(r.account, r.fields["out_trade_no"]), nil
	}
	return nil, refuseV2(lacking, "transaction_id or out_trade_no must be there")
}
