package wechat

import (
	"context"

	"settled"
	v3 "settled/wechat/v3"
)

// RefundRequest writes the body of refund.
func (g *V3) RefundRequest(p settled.Payment, r settled.Refund) ([]byte, error) {
	return g.credentials.RefundRequest(v3.Refund{
		OrderID: p.OrderID, RefundID: r.RefundID, Amount: int64(r.Amount), Total: int64(r.Total),
		Reason: r.Reason, NotifyURL: g.notifyURL + refundPath,
	})
}

// Refund sends r.Request as it is. That WeChat has accepted it does not say that the money
// is back.
func (g *V3) Refund(ctx context.Context, r settled.Refund) (settled.Repayment, error) {
	return g.repayment(ctx, r, v3Request{call: v3.CreateRefund, body: r.Request, about: ofRefund(r), class: patient}, nil)
}

// QueryRefund asks for the refund by our number.
func (g *V3) QueryRefund(ctx context.Context, r settled.Refund) (settled.Repayment, error) {
	return g.repayment(ctx, r, v3Request{call: v3.QueryRefund, number: r.RefundID, about: ofRefund(r), class: patient}, func() settled.Repayment {
		return settled.Repayment{State: settled.RepaymentAbsent, OrderID: r.OrderID, RefundID: r.RefundID}
	})
}

func (g *V3) repayment(ctx context.Context, r settled.Refund, sent v3Request, nothing func() settled.Repayment) (settled.Repayment, error) {
	repayment, requestID, err := callV3(ctx, g, sent, reading[settled.Repayment]{
		read: func(body []byte) (settled.Repayment, error) {
			read, err := v3.ReadRepayment(body)
			if err == nil && read.RefundID != r.RefundID {
				err = otherNumber("refund", r.RefundID, read.RefundID)
			}
			if err != nil {
				return settled.Repayment{}, err
			}
			return repaymentOfV3(read), nil
		},
		nothing: nothing,
	})
	if err != nil {
		return settled.Repayment{}, err
	}
	repayment.RequestID = requestID
	return repayment, nil
}

// repaymentStatesV3 are ours for WeChat's.
var repaymentStatesV3 = map[v3.RepaymentState]settled.RepaymentState{
	v3.RepaymentSucceeded: settled.RepaymentSucceeded, v3.RepaymentProcessing: settled.RepaymentProcessing,
	v3.RepaymentClosed: settled.RepaymentClosed, v3.RepaymentAbnormal: settled.RepaymentAbnormal,
}

func repaymentOfV3(told v3.Repayment) settled.Repayment {
	return settled.Repayment{
		State: repaymentStatesV3[told.State], OrderID: told.OrderID, RefundID: told.RefundID,
		TransactionID: told.TransactionID, WechatRefundID: told.WechatRefundID,
		Amount: settled.Fen(told.Amount), Total: settled.Fen(told.Total), RefundedAt: told.RefundedAt, Account: told.Account,
	}
}
