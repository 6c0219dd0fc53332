package v3

import (
	"cmp"
	"time"
)

// Trade is what WeChat says about an order, in a notify and in the answer to a query alike.
// What only a paid order has is not read of any other.
type Trade struct {
	Paid          bool   // trade_state SUCCESS or REFUND: what was given back had been paid
	Closed        bool   // trade_state CLOSED, REVOKED or PAYERROR: it can't be paid any more
	State         string // trade_state, in WeChat's words
	AppID         string
	MchID         string
	OrderID       string // out_trade_no
	TransactionID string // WeChat's own number
	Total         int64  // fen: amount.total, what the order was for; a customer with a coupon paid less
	Currency      string
	PaidAt        time.Time
	OpenID        string
	BankType      string
	Attach        string
}

// ReadTrade reads a verified answer to a query, or the decrypted resource of a
// TRANSACTION.SUCCESS. It fails with ErrUnreadable.
func ReadTrade(body []byte) (Trade, error) {
	told, err := readObject(body)
	if err != nil {
		return Trade{}, err
	}
	t := Trade{
		State: told.required("trade_state"), AppID: told.text("appid"), MchID: told.text("mchid"),
		OrderID: told.required("out_trade_no"),
	}
	switch t.State {
	case "SUCCESS", "REFUND":
		t.Paid = true
		t.readPaid(told)
	case "CLOSED", "REVOKED", "PAYERROR":
		t.Closed = true
	}
	if told.err() != nil {
		return Trade{}, told.err()
	}
	return t, nil
}

func (t *Trade) readPaid(told object) {
	amount := told.object("amount")
	t.TransactionID = told.required("transaction_id")
	t.Total, t.Currency = amount.fen("total"), cmp.Or(amount.text("currency"), currency)
	t.PaidAt = told.time("success_time")
	t.OpenID = told.object("payer").text("openid")
	t.BankType, t.Attach = told.text("bank_type"), told.text("attach")
}
