package wechat

import (
	"context"

	"settled"
)

// noLegacyRefund is what a shop hears that wants to give money back over the legacy
// protocol: its refunds belonged to another gateway (Tenpay's), which is gone.
var noLegacyRefund = settled.Refusal{
	Code: "unsupported", Message: "the legacy protocol has no refunds: refund the payment on WeChat's merchant platform",
}

// RefundRequest refuses: the protocol has no refunds.
func (l *Legacy) RefundRequest(settled.Payment, settled.Refund) ([]byte, error) {
	refusal := noLegacyRefund
	return nil, &refusal
}

// Refund refuses: the protocol has no refunds.
func (l *Legacy) Refund(context.Context, settled.Refund) (settled.Repayment, error) {
	refusal := noLegacyRefund
	return settled.Repayment{}, &refusal
}

// QueryRefund refuses: the protocol has no refunds.
func (l *Legacy) QueryRefund(context.Context, settled.Refund) (settled.Repayment, error) {
	refusal := noLegacyRefund
	return settled.Repayment{}, &refusal
}
