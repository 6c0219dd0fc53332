package v2

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// maxReason is the limit of refund_desc in the refund document, in bytes.
const maxReason = 80

// Refund is money to give back.
type Refund struct {
	OrderID   string // out_trade_no
	RefundID  string // out_refund_no: up to 64 letters, digits and _-|*@; the same number refunds once
	RefundFee int64  // fen to give back
	TotalFee  int64  // fen: what the order was for
	Reason    string // refund_desc: what the customer reads; cut to 80 bytes; may be empty
	NotifyURL string // absolute, without a query
}

// RefundRequest writes the body of refund. nonce is random and has at most 32 characters.
func (c Credentials) RefundRequest(r Refund, nonce string) ([]byte, error) {
	return c.request(map[string]string{
		"notify_url":      r.NotifyURL,
		"out_refund_no":   r.RefundID,
		"out_trade_no":    r.OrderID,
		"refund_desc":     cut(writable(r.Reason), maxReason),
		"refund_fee":      strconv.FormatInt(r.RefundFee, 10),
		"refund_fee_type": currencyCNY,
		"total_fee":       strconv.FormatInt(r.TotalFee, 10),
	}, nonce)
}

// RefundQueryRequest writes the body of refundquery, which asks what became of a refund.
// nonce is random and has at most 32 characters.
func (c Credentials) RefundQueryRequest(refundID, nonce string) ([]byte, error) {
	return c.request(map[string]string{"out_refund_no": refundID}, nonce)
}

// RefundState is where a refund stands, in WeChat's own words.
type RefundState string

// The states of a refund (APIv2 document, refund query).
const (
	RefundProcessing RefundState = "PROCESSING"
	RefundSuccess    RefundState = "SUCCESS"
	RefundClosed     RefundState = "REFUNDCLOSE" // the money stays with the shop
	RefundChange     RefundState = "CHANGE"      // it could not be paid out; the shop must say where to
)

// Repayment is what WeChat says about a refund. Whoever reads it compares whose it is with
// what was asked for.
type Repayment struct {
	State          RefundState
	AppID          string
	MchID          string
	OrderID        string    // out_trade_no
	RefundID       string    // out_refund_no
	TransactionID  string    // WeChat's own number of the payment
	WechatRefundID string    // refund_id
	RefundFee      int64     // fen
	TotalFee       int64     // fen: what the order was for
	RefundedAt     time.Time // zero if it was not given back, or WeChat does not say when
	Account        string    // refund_recv_accout (WeChat's spelling): where the money went, for people
}

// ReadRefund verifies and reads the answer to refund. A yes says that WeChat works on it
// and no more. It fails with *Error, ErrUnverified or ErrUnreadable.
func (c Credentials) ReadRefund(answer []byte) (Repayment, error) {
	fields, err := c.readAnswer(RefundOrder, answer)
	if err != nil {
		return Repayment{}, err
	}
	return readRepayment(fields, RefundProcessing, "")
}

// ReadRefundQuery verifies the answer to refundquery and reads what it says about a
// refund. It fails with *Error, ErrUnverified or ErrUnreadable.
func (c Credentials) ReadRefundQuery(refundID string, answer []byte) (Repayment, error) {
	fields, err := c.readAnswer(RefundQuery, answer)
	if err != nil {
		return Repayment{}, err
	}
	index, err := indexOf(refundID, fields)
	if err != nil {
		return Repayment{}, err
	}
	r, err := readRepayment(fields, RefundState(fields["refund_status"+index]), index)
	if err != nil {
		return Repayment{}, err
	}
	return r.ended(fields["refund_recv_accout"+index], fields["refund_success_time"+index])
}

// indexOf finds a refund among those that an answer lists as out_refund_no_0,
// out_refund_no_1 and so on, and returns how the names of its fields end.
func indexOf(refundID string, fields map[string]string) (string, error) {
	found := ""
	for name, value := range fields {
		index, listed := strings.CutPrefix(name, "out_refund_no_")
		if !listed || value != refundID {
			continue
		}
		if found != "" {
			return "", fmt.Errorf("%w: refund %.64q is listed twice", ErrUnreadable, refundID)
		}
		found = "_" + index
	}
	if found == "" {
		return "", fmt.Errorf("%w: refund %.64q is not listed", ErrUnreadable, refundID)
	}
	return found, nil
}

// readRepayment reads the fields that every message about a refund has in common. Those of
// the refund itself end with index.
func readRepayment(fields map[string]string, state RefundState, index string) (Repayment, error) {
	r := Repayment{
		State: state, AppID: fields["appid"], MchID: fields["mch_id"], OrderID: fields["out_trade_no"],
		RefundID: fields["out_refund_no"+index], TransactionID: fields["transaction_id"],
		WechatRefundID: fields["refund_id"+index],
	}
	switch state {
	case RefundProcessing, RefundSuccess, RefundClosed, RefundChange:
	default:
		return Repayment{}, fmt.Errorf("%w: refund_status %.32q", ErrUnreadable, state)
	}
	if r.OrderID == "" || r.RefundID == "" || r.WechatRefundID == "" {
		return Repayment{}, fmt.Errorf("%w: no out_trade_no, out_refund_no or refund_id", ErrUnreadable)
	}
	var err error
	if r.RefundFee, err = readFen("refund_fee", fields["refund_fee"+index]); err != nil {
		return Repayment{}, err
	}
	if r.TotalFee, err = readFen("total_fee", fields["total_fee"]); err != nil {
		return Repayment{}, err
	}
	return r, nil
}

// ended adds where and when the money arrived. WeChat may leave out either.
func (r Repayment) ended(account, at string) (Repayment, error) {
	r.Account = account
	if r.State != RefundSuccess || at == "" {
		return r, nil
	}
	refundedAt, err := readTime("success_time", time.DateTime, at)
	if err != nil {
		return Repayment{}, err
	}
	r.RefundedAt = refundedAt
	return r, nil
}
