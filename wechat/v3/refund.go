package v3

import (
	"cmp"
	"fmt"
	"time"
)

// maxReason is how much of a reason is sent, in bytes: the document allows 80 characters
// and does not say of which kind.
const maxReason = 80

// Refund is money that a customer is to get back.
type Refund struct {
	OrderID   string // out_trade_no
	RefundID  string // out_refund_no: the same number refunds once
	Amount    int64  // fen to give back
	Total     int64  // fen that the order was for
	Reason    string // what the customer reads; cut to 80 bytes, may be empty
	NotifyURL string // empty: the one that is set on the merchant platform
}

type refundRequest struct {
	OrderID   string       `json:"out_trade_no"`
	RefundID  string       `json:"out_refund_no"`
	Reason    string       `json:"reason,omitempty"`
	NotifyURL string       `json:"notify_url,omitempty"`
	Amount    refundAmount `json:"amount"`
}

type refundAmount struct {
	Refund   int64  `json:"refund"`
	Total    int64  `json:"total"`
	Currency string `json:"currency"`
}

// RefundRequest writes the body of refund. It names neither merchant nor app: whose order it
// is follows from who signs.
func (c Credentials) RefundRequest(r Refund) ([]byte, error) {
	return writeBody(refundRequest{
		OrderID: r.OrderID, RefundID: r.RefundID, Reason: cutBytes(r.Reason, maxReason), NotifyURL: r.NotifyURL,
		Amount: refundAmount{Refund: r.Amount, Total: r.Total, Currency: currency},
	})
}

// RepaymentState is where a refund stands, in WeChat's words.
type RepaymentState string

// The states of a refund.
const (
	RepaymentSucceeded  RepaymentState = "SUCCESS"
	RepaymentProcessing RepaymentState = "PROCESSING"
	RepaymentClosed     RepaymentState = "CLOSED"   // WeChat gave it up: another number may try again
	RepaymentAbnormal   RepaymentState = "ABNORMAL" // it could not be paid out: the merchant must say where to
)

// Repayment is what WeChat says about a refund, in a notify and in the answers to refund and
// to its query alike.
type Repayment struct {
	State          RepaymentState
	MchID          string // only a notify tells
	OrderID        string // out_trade_no
	TransactionID  string
	RefundID       string    // out_refund_no
	WechatRefundID string    // refund_id
	Amount         int64     // fen: amount.refund; zero if WeChat does not say, which it must once it has paid
	Total          int64     // fen: amount.total; the same
	Currency       string    // empty in a notify
	RefundedAt     time.Time // zero if it was not given back, or WeChat does not say when
	Account        string    // user_received_account: where the money went
}

// ReadRepayment reads a verified answer to refund or to its query, or the decrypted
// resource of a REFUND notify: there the state stands in refund_status instead of status.
// It fails with ErrUnreadable.
func ReadRepayment(body []byte) (Repayment, error) {
	told, err := readObject(body)
	if err != nil {
		return Repayment{}, err
	}
	if told.has("status") && told.has("refund_status") {
		return Repayment{}, fmt.Errorf("%w: it has two states", ErrUnreadable)
	}
	r := Repayment{
		State: RepaymentState(cmp.Or(told.text("status"), told.text("refund_status"))), MchID: told.text("mchid"),
		OrderID: told.text("out_trade_no"), TransactionID: told.text("transaction_id"),
		RefundID: told.required("out_refund_no"), WechatRefundID: told.required("refund_id"),
		Account: told.text("user_received_account"),
	}
	switch r.State {
	case RepaymentSucceeded:
		if told.text("success_time") != "" {
			r.RefundedAt = told.time("success_time")
		}
	case RepaymentProcessing, RepaymentClosed, RepaymentAbnormal:
	default:
		return Repayment{}, fmt.Errorf("%w: status %.32q", ErrUnreadable, r.State)
	}
	r.readAmount(told.object("amount"))
	if told.err() != nil {
		return Repayment{}, told.err()
	}
	return r, nil
}

func (r *Repayment) readAmount(amount object) {
	paid := r.State == RepaymentSucceeded
	if paid || amount.has("refund") {
		r.Amount = amount.fen("refund")
	}
	if paid || amount.has("total") {
		r.Total = amount.fen("total")
	}
	r.Currency = amount.text("currency")
}

// cutBytes shortens text to at most most bytes, at the boundary of a character.
func cutBytes(text string, most int) string {
	for at, character := range text {
		if at+len(string(character)) > most {
			return text[:at]
		}
	}
	return text
}
