package wechat

import (
	"context"

	"settled"
	"settled/wechat/v2"
)

// RefundRequest writes the body of refund.
func (g *V2) RefundRequest(p settled.Payment, r settled.Refund) ([]byte, error) {
	nonce, err := g.nonce()
	if err != nil {
		return nil, err
	}
	return g.credentials.RefundRequest(v2.Refund{
		OrderID: p.OrderID, RefundID: r.RefundID, RefundFee: int64(r.Amount), TotalFee: int64(r.Total),
		Reason: r.Reason, NotifyURL: g.notifyURL + refundPath,
	}, nonce)
}

// Refund sends r.Request as it is, and shows the merchant's certificate. That WeChat has
// accepted it does not say that the money is back.
func (g *V2) Refund(ctx context.Context, r settled.Refund) (settled.Repayment, error) {
	return g.repayment(ctx, r, v2Request{call: v2.RefundOrder, body: r.Request, about: ofRefund(r), class: patient}, g.credentials.ReadRefund, nil)
}

// QueryRefund asks for the refund by our number.
func (g *V2) QueryRefund(ctx context.Context, r settled.Refund) (settled.Repayment, error) {
	body, err := g.write(func(nonce string) ([]byte, error) { return g.credentials.RefundQueryRequest(r.RefundID, nonce) })
	if err != nil {
		return settled.Repayment{}, err
	}
	return g.repayment(ctx, r, v2Request{call: v2.RefundQuery, body: body, about: ofRefund(r), class: patient},
		func(body []byte) (v2.Repayment, error) { return g.credentials.ReadRefundQuery(r.RefundID, body) },
		func() settled.Repayment {
			return settled.Repayment{State: settled.RepaymentAbsent, OrderID: r.OrderID, RefundID: r.RefundID}
		},
	)
}

func (g *V2) repayment(
	ctx context.Context, r settled.Refund, sent v2Request,
	read func(body []byte) (v2.Repayment, error), nothing func() settled.Repayment,
) (settled.Repayment, error) {
	repayment, requestID, err := askV2(ctx, g.line, sent, reading[settled.Repayment]{
		read: func(body []byte) (settled.Repayment, error) {
			told, err := read(body)
			switch {
			case err != nil:
				return settled.Repayment{}, err
			case told.RefundID != r.RefundID:
				return settled.Repayment{}, otherNumber("refund", r.RefundID, told.RefundID)
			case told.OrderID != r.OrderID:
				return settled.Repayment{}, otherNumber("a refund of order", r.OrderID, told.OrderID)
			}
			return g.repaymentOf(told), nil
		},
		nothing: nothing,
	})
	if err != nil {
		return settled.Repayment{}, err
	}
	repayment.RequestID = requestID
	return repayment, nil
}

// v2RepaymentStates are ours for WeChat's.
var v2RepaymentStates = map[v2.RefundState]settled.RepaymentState{
	v2.RefundProcessing: settled.RepaymentProcessing, v2.RefundSuccess: settled.RepaymentSucceeded,
	v2.RefundClosed: settled.RepaymentClosed, v2.RefundChange: settled.RepaymentAbnormal,
}

func (g *V2) repaymentOf(told v2.Repayment) settled.Repayment {
	return settled.Repayment{
		State: v2RepaymentStates[told.State], OrderID: told.OrderID, RefundID: told.RefundID,
		TransactionID: told.TransactionID, WechatRefundID: told.WechatRefundID,
		Amount: settled.Fen(told.RefundFee), Total: settled.Fen(told.TotalFee), RefundedAt: told.RefundedAt, Account: told.Account,
		Foreign: g.foreign(told.MchID, told.AppID),
	}
}
