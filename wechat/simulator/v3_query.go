package simulator

// v3Transaction is what WeChat tells of an order, in an answer to a query and in a notify
// alike.
type v3Transaction struct {
	AppID          string   `json:"appid"`
	MchID          string   `json:"mchid"`
	OutTradeNo     string   `json:"out_trade_no"`
	TransactionID  string   `json:"transaction_id,omitempty"`
	TradeType      string   `json:"trade_type,omitempty"`
	TradeState     string   `json:"trade_state"`
	TradeStateDesc string   `json:"trade_state_desc"`
	BankType       string   `json:"bank_type,omitempty"`
	Attach         string   `json:"attach"`
	SuccessTime    string   `json:"success_time,omitempty"`
	Payer          *v3Paid  `json:"payer,omitempty"`
	Amount         v3Amount `json:"amount"`
	SceneInfo      v3Device `json:"scene_info,omitzero"`
	Promotions     []string `json:"promotion_detail"` // none is ever given here
}

type (
	v3Paid struct {
		OpenID string `json:"openid"`
	}
	v3Amount struct {
		Total         int64  `json:"total"` // fen
		PayerTotal    int64  `json:"payer_total,omitempty"`
		Currency      string `json:"currency"`
		PayerCurrency string `json:"payer_currency,omitempty"`
	}
	v3Device struct {
		DeviceID string `json:"device_id"`
	}
)

// queryNumber tells of an order by the merchant's number.
func (v *v3) queryNumber(r v3Request) (any, error) {
	return v.query(v.s.book.find(r.account, r.path["out_trade_no"]))
}

// queryID tells of an order by WeChat's number, which only one that was paid has.
func (v *v3) queryID(r v3Request) (any, error) {
	return v.query(v.s.book.findTransaction(r.account, r.path["transaction_id"]))
}

func (v *v3) query(o *order) (any, error) {
	if o == nil {
		return nil, refuseV3(v3NoOrder, "")
	}
	return tellV3(o, o.state(v.s.cfg.Now())), nil
}

// v3TradeStates are the states in the document's words. An order whose time has passed is
// closed days later, and is not paid until then.
var v3TradeStates = map[State]struct{ state, words string }{
	Unpaid:   {"NOTPAY", "订单未支付"},
	Expired:  {"NOTPAY", "订单未支付"},
	Paid:     {"SUCCESS", "支付成功"},
	Closed:   {"CLOSED", "订单已关闭"},
	Refunded: {"REFUND", "订单发生过退款"},
}

// tellV3 tells of an order in a state. Of one that was not paid the documents leave open
// what is told; it is what is known without a payment.
func tellV3(o *order, state State) v3Transaction {
	told := v3Transaction{
		AppID:          o.account.AppID,
		MchID:          o.account.MchID,
		OutTradeNo:     o.number,
		TradeState:     v3TradeStates[state].state,
		TradeStateDesc: v3TradeStates[state].words,
		Attach:         o.terms.attach,
		Amount:         v3Amount{Total: o.terms.total, Currency: "CNY"},
		SceneInfo:      v3Device{o.terms.deviceInfo},
		Promotions:     []string{},
	}
	if paid, ok := o.paid(); ok {
		told.TransactionID = paid.transactionID
		told.TradeType = string(o.terms.trade)
		told.BankType = paid.bankType
		told.SuccessTime = v3Time(paid.at)
		told.Payer = &v3Paid{paid.openID}
		told.Amount.PayerTotal, told.Amount.PayerCurrency = o.terms.total, "CNY"
	}
	return told
}
