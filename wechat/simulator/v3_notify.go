package simulator

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"time"
)

// v3Event is a notify's body (document, "payment notify").
type v3Event struct {
	ID           string   `json:"id"`
	CreateTime   string   `json:"create_time"`
	ResourceType string   `json:"resource_type"`
	EventType    string   `json:"event_type"`
	Summary      string   `json:"summary"`
	Resource     v3Sealed `json:"resource"`
}

// v3News is what a notify tells, before it is sealed.
type v3News struct {
	event, summary string
	original       string // transaction or refund
	about          string // WeChat's number of it
	at             time.Time
	told           any
}

// notify spells a notify of a payment. It tells of the payment even if the order has been
// refunded by the time it is sent.
func (v *v3) notify(ctx context.Context, o *order, told lies) (*http.Request, error) {
	paid, _ := o.paid()
	transaction := tellV3(o, Paid)
	if told.amount {
		transaction.Amount.Total++
		transaction.Amount.PayerTotal++
	}
	if told.partner {
		transaction.MchID = spoil(transaction.MchID)
	}
	return v.event(ctx, o.account, o.terms.notifyURL, told, v3News{
		event: "TRANSACTION.SUCCESS", summary: "支付成功", original: "transaction",
		about: paid.transactionID, at: paid.at, told: transaction,
	})
}

// v3RefundEvents are the events of how a refund ends.
var v3RefundEvents = map[RefundState]struct{ event, summary string }{
	RefundSucceeded: {"REFUND.SUCCESS", "退款成功"},
	RefundClosed:    {"REFUND.CLOSED", "退款关闭"},
	RefundAbnormal:  {"REFUND.ABNORMAL", "退款异常"},
}

// v3RefundTold is what a refund's notify hides (document, "refund notify"). Its status has
// another name than in an answer, and its amount no currency.
type v3RefundTold struct {
	MchID               string           `json:"mchid"`
	TransactionID       string           `json:"transaction_id"`
	OutTradeNo          string           `json:"out_trade_no"`
	RefundID            string           `json:"refund_id"`
	OutRefundNo         string           `json:"out_refund_no"`
	RefundStatus        string           `json:"refund_status"`
	SuccessTime         string           `json:"success_time,omitempty"`
	UserReceivedAccount string           `json:"user_received_account"`
	Amount              v3NotifiedAmount `json:"amount"`
}

// v3NotifiedAmount is in fen.
type v3NotifiedAmount struct {
	Total       int64 `json:"total"`
	Refund      int64 `json:"refund"`
	PayerTotal  int64 `json:"payer_total"`
	PayerRefund int64 `json:"payer_refund"`
}

func (v *v3) notifyRefund(ctx context.Context, r *refund, told lies) (*http.Request, error) {
	state, endedAt := r.stands()
	known := r.tellV3()
	hidden := v3RefundTold{
		MchID:               r.order.account.MchID,
		TransactionID:       known.TransactionID,
		OutTradeNo:          known.OutTradeNo,
		RefundID:            known.RefundID,
		OutRefundNo:         known.OutRefundNo,
		RefundStatus:        known.Status,
		SuccessTime:         known.SuccessTime,
		UserReceivedAccount: known.UserReceivedAccount,
		Amount:              v3NotifiedAmount{known.Amount.Total, known.Amount.Refund, known.Amount.PayerTotal, known.Amount.PayerRefund},
	}
	if told.amount {
		hidden.Amount.Refund++
		hidden.Amount.PayerRefund++
	}
	if told.partner {
		hidden.MchID = spoil(hidden.MchID)
	}
	return v.event(ctx, r.order.account, r.terms.notifyURL, told, v3News{
		event: v3RefundEvents[state].event, summary: v3RefundEvents[state].summary, original: "refund",
		about: r.id, at: endedAt, told: hidden,
	})
}

// event seals and signs a notify. The nonces are others in each sending; id and create_time
// stay, as far as merchants have seen.
func (v *v3) event(ctx context.Context, a *account, target string, told lies, n v3News) (*http.Request, error) {
	plain, err := spellV3(n.told)
	if err != nil {
		return nil, err
	}
	sealed, err := v.seal(a, n.original, plain)
	if err != nil {
		return nil, err
	}
	sealed.OriginalType = n.original
	body, err := spellV3(v3Event{
		ID: v3EventID(n.event, n.about), CreateTime: v3Time(n.at), ResourceType: "encrypt-resource",
		EventType: n.event, Summary: n.summary, Resource: sealed,
	})
	if err != nil {
		return nil, err
	}
	headers, err := v.signature(v.keys[a].forNotify(), body)
	if err != nil {
		return nil, err
	}
	switch {
	case told.probe:
		headers["Wechatpay-Signature"] = v.probe()
	case told.signature:
		headers["Wechatpay-Signature"] = spoilV3(headers["Wechatpay-Signature"])
	}
	return v3Notify(ctx, target, headers, body)
}

// v3EventID names an event, in the shape of the published one.
func v3EventID(event, about string) string {
	sum := sha256.Sum256([]byte(event + " " + about))
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

func v3Notify(ctx context.Context, target string, headers map[string]string, body []byte) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "Mozilla/4.0")
	request.Header.Set("Accept", "*/*")
	request.Header.Set("Pragma", "no-cache")
	return request, nil
}
