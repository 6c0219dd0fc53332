package events

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
)

// maxReason is the limit of a refund's reason (APIv3 document, refund request).
const maxReason = 80

// refundID is the alphabet and length of a refund id, WeChat's out_refund_no.
var refundID = regexp.MustCompile(`^[0-9A-Za-z_\-|*@]{1,64}$`)

// RefundAmount is the money of a refund on the wire: both in fen, Total what the payment
// was for.
type RefundAmount struct {
	Refund   int64  `json:"refund"`
	Total    int64  `json:"total"`
	Currency string `json:"currency"`
}

// RefundRequest is the body of refund.requested, defaults filled in.
type RefundRequest struct {
	Merchant string
	OrderID  string
	RefundID string
	Amount   RefundAmount
	Reason   string
}

// ParseRefundRequest reads refund.requested and checks every rule that does not depend on
// the payment; protocols tells the protocol of each configured merchant. It fails with
// ErrMalformed or Problems; with Problems the request holds what could be read.
func ParseRefundRequest(data []byte, protocols map[string]string) (RefundRequest, error) {
	var problems Problems
	if len(data) > MaxBody {
		problems.add("", fmt.Sprintf("must have at most %d bytes, has %d", MaxBody, len(data)))
		return RefundRequest{}, problems
	}
	o, err := readObject(data, &problems)
	if err != nil {
		return RefundRequest{}, err
	}
	request := RefundRequest{
		Merchant: o.text("merchant", 1, maxName),
		OrderID:  o.orderID(),
		RefundID: o.refundID(),
		Amount:   o.refundAmount(),
		Reason:   o.text("reason", 0, maxReason),
	}
	o.end()
	if _, ok := protocols[request.Merchant]; !ok && request.Merchant != "" {
		problems.add("merchant", "is not configured")
	}
	return request, problems.err()
}

func (o object) refundID() string {
	id := o.text("refund_id", 1, MaxBody)
	if id != "" && !refundID.MatchString(id) {
		o.problem("refund_id", "must be 1 to 64 of 0-9 A-Z a-z _ - | * @")
	}
	return id
}

func (o object) refundAmount() RefundAmount {
	inner, ok := o.object("amount", true)
	if !ok {
		return RefundAmount{}
	}
	amount := RefundAmount{
		Refund: inner.integer("refund", 1, maxTotal), Total: inner.integer("total", 1, maxTotal),
		Currency: inner.currency(),
	}
	if amount.Total > 0 && amount.Refund > amount.Total {
		inner.problem("refund", "must not be more than total")
	}
	inner.end()
	return amount
}

// Fingerprint identifies the request's content, as PaymentRequest.Fingerprint does.
func (r RefundRequest) Fingerprint() string {
	hash := sha256.New()
	for _, part := range []string{
		"refund 1", r.Merchant, r.OrderID, r.RefundID,
		fmt.Sprint(r.Amount.Refund), fmt.Sprint(r.Amount.Total), r.Amount.Currency, r.Reason,
	} {
		fmt.Fprintf(hash, "%d:%s,", len(part), part) // the length keeps neighbours apart
	}
	return hex.EncodeToString(hash.Sum(nil))
}

// Refund is "the refund" in every event that tells of one.
type Refund struct {
	PaymentID string       `json:"payment_id,omitempty"`
	Merchant  string       `json:"merchant"`
	OrderID   string       `json:"order_id"`
	RefundID  string       `json:"refund_id"`
	Status    string       `json:"status"`
	Amount    RefundAmount `json:"amount"`
	Reason    string       `json:"reason,omitempty"`
}

// AcceptedRefund is the body of refund.accepted: WeChat works on it.
type AcceptedRefund struct {
	Refund
	WechatRefundID string `json:"wechat_refund_id"`
}

// CompletedRefund is the body of refund.completed: the customer has the money.
type CompletedRefund struct {
	Refund
	WechatRefundID string `json:"wechat_refund_id"`
	RefundedAt     string `json:"refunded_at"` // RFC 3339
	Account        string `json:"account,omitempty"`
}

// FailedRefund is the body of refund.failed: the money is not on its way, and Error says
// what to do. Problems is there when the request itself was wrong.
type FailedRefund struct {
	Refund
	WechatRefundID string    `json:"wechat_refund_id,omitempty"`
	Error          Error     `json:"error"`
	Problems       []Problem `json:"problems,omitempty"`
}

// RejectedRefund is the body of refund.rejected: the number belongs to another refund,
// about which this says nothing.
type RejectedRefund struct {
	Merchant string `json:"merchant"`
	OrderID  string `json:"order_id"`
	RefundID string `json:"refund_id"`
	Error    Error  `json:"error"`
}

// The codes of refunds that never reached WeChat; every other code is WeChat's own.
const (
	CodeInvalid        = "invalid"         // the request breaks a rule; Problems says which
	CodeUnknownOrder   = "unknown_order"   // there is no such payment
	CodeNotPaid        = "not_paid"        // the payment is not completed
	CodeExceedsPayment = "exceeds_payment" // more would be given back than was paid
	CodeTotalMismatch  = "total_mismatch"  // amount.total is not what the payment was for
)
