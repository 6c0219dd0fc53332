package simulator

import (
	"cmp"
	"fmt"
)

// refund accepts a refund. The same number again finds the refund there is, if it asks for
// the same amount of the same order.
func (v *v3) refund(r v3Request) (any, error) {
	o, err := v.findOrder(r)
	if err != nil {
		return nil, err
	}
	number := r.object.text("out_refund_no")
	paid, ok := o.paid()
	switch {
	case v.s.book.findRefund(o.account, number) != nil: // whether it is the same is seen there
	case r.object.fen("amount", "total") != o.terms.total:
		return nil, refuseV3(v3InvalidRequest, "amount.total is not the order's")
	case ok && v.s.cfg.Now().After(paid.at.AddDate(1, 0, 0)):
		return nil, refuseV3(v3InvalidRequest, "the order was paid more than a year ago")
	}
	accepted, err := v.s.refund(v, o, number, v3RefundTerms(r.object), v.s.refundID)
	if err != nil {
		return nil, refuseV3(v3InvalidRequest, err.Error())
	}
	return accepted.tellV3(), nil
}

// findOrder finds the order that is to be refunded: a call names it in one way or the other.
func (v *v3) findOrder(r v3Request) (*order, error) {
	transaction, number := r.object.text("transaction_id"), r.object.text("out_trade_no")
	var o *order
	switch {
	case transaction == "" && number == "":
		return nil, refuseValue("body", "/transaction_id", "", "or /out_trade_no must be there")
	case transaction == "":
		o = v.s.book.find(r.account, number)
	default:
		o = v.s.book.findTransaction(r.account, transaction)
	}
	switch {
	case o == nil:
		return nil, refuseV3(v3NoResource, "there is no such order")
	case number != "" && number != o.number:
		return nil, refuseV3(v3InvalidRequest, "transaction_id and out_trade_no are of two orders")
	}
	return o, nil
}

func v3RefundTerms(body v3Object) refundTerms {
	return refundTerms{
		content:   fmt.Sprintf("%d of %d", body.fen("amount", "refund"), body.fen("amount", "total")),
		amount:    body.fen("amount", "refund"),
		reason:    body.text("reason"),
		account:   body.text("funds_account"),
		notifyURL: body.text("notify_url"),
	}
}

// queryRefund tells of a refund.
func (v *v3) queryRefund(r v3Request) (any, error) {
	refund := v.s.book.findRefund(r.account, r.path["out_refund_no"])
	if refund == nil {
		return nil, refuseV3(v3NoResource, "there is no such refund")
	}
	return refund.tellV3(), nil
}

// v3RefundStates are the states in the document's words.
var v3RefundStates = map[RefundState]string{
	RefundProcessing: "PROCESSING",
	RefundSucceeded:  "SUCCESS",
	RefundClosed:     "CLOSED",
	RefundAbnormal:   "ABNORMAL",
}

// v3Refunded is what WeChat tells of a refund in an answer.
type v3Refunded struct {
	RefundID            string         `json:"refund_id"`
	OutRefundNo         string         `json:"out_refund_no"`
	TransactionID       string         `json:"transaction_id"`
	OutTradeNo          string         `json:"out_trade_no"`
	Channel             string         `json:"channel"`
	UserReceivedAccount string         `json:"user_received_account"`
	SuccessTime         string         `json:"success_time,omitempty"`
	CreateTime          string         `json:"create_time"`
	Status              string         `json:"status"`
	FundsAccount        string         `json:"funds_account"`
	Amount              v3RefundAmount `json:"amount"`
	Promotions          []string       `json:"promotion_detail"` // none is ever given here
}

// v3RefundAmount is in fen.
type v3RefundAmount struct {
	Total            int64  `json:"total"`
	Refund           int64  `json:"refund"`
	PayerTotal       int64  `json:"payer_total"`
	PayerRefund      int64  `json:"payer_refund"`
	SettlementRefund int64  `json:"settlement_refund"`
	SettlementTotal  int64  `json:"settlement_total"`
	DiscountRefund   int64  `json:"discount_refund"`
	Currency         string `json:"currency"`
}

func (r *refund) tellV3() v3Refunded {
	paid, _ := r.order.paid()
	state, endedAt := r.stands()
	told := v3Refunded{
		RefundID:            r.id,
		OutRefundNo:         r.number,
		TransactionID:       paid.transactionID,
		OutTradeNo:          r.order.number,
		Channel:             "ORIGINAL",
		UserReceivedAccount: customersPurse,
		CreateTime:          v3Time(r.acceptedAt),
		Status:              v3RefundStates[state],
		FundsAccount:        cmp.Or(r.terms.account, "UNSETTLED"),
		Amount: v3RefundAmount{
			Total: r.order.terms.total, PayerTotal: r.order.terms.total, SettlementTotal: r.order.terms.total,
			Refund: r.terms.amount, PayerRefund: r.terms.amount, SettlementRefund: r.terms.amount,
			Currency: "CNY",
		},
		Promotions: []string{},
	}
	if state == RefundSucceeded {
		told.SuccessTime = v3Time(endedAt)
	}
	return told
}
