package ingress

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"settled"
	"settled/events"
)

// requestRefund is POST /v1/refunds.
func (in *Ingress) requestRefund(w http.ResponseWriter, r *http.Request) error {
	caller, body, err := in.read(w, r)
	if err != nil {
		return err
	}
	request, err := events.ParseRefundRequest(body, in.protocols)
	if err := caller.judge(request.Merchant, err); err != nil {
		return err
	}
	return in.answer(w, r, submission{
		eventType: events.RefundRequested, merchant: request.Merchant, orderID: request.OrderID, refundID: request.RefundID, body: body,
		location: location("refunds", request.Merchant, request.RefundID), lookUp: in.refundLookUp(request),
	})
}

// refundLookUp reads what became of a request for a refund.
func (in *Ingress) refundLookUp(request events.RefundRequest) func(context.Context, *outcome) {
	return func(ctx context.Context, o *outcome) {
		r, err := in.cfg.Ledger.Refund(ctx, request.Merchant, request.RefundID)
		if err != nil || r.Fingerprint != request.Fingerprint() {
			return // with other content the worker will say that this is a conflict
		}
		o.recorded = &accepted{
			PaymentID: r.PaymentID, Merchant: r.Merchant, OrderID: r.OrderID, RefundID: r.RefundID, Status: string(r.Status),
		}
		if news, err := in.cfg.Ledger.RefundNews(ctx, r.ID); err == nil {
			o.ended, o.data = news.Type, news.Data
		}
	}
}

// showRefund is GET /v1/refunds/{merchant}/{refund_id}.
func (in *Ingress) showRefund(w http.ResponseWriter, r *http.Request) error {
	caller, err := in.gate.enter(r)
	if err != nil {
		return err
	}
	merchant := r.PathValue("merchant")
	if err := caller.speaksFor(merchant); err != nil {
		return err
	}
	refund, err := in.cfg.Ledger.Refund(r.Context(), merchant, r.PathValue("refund_id"))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, refundStateOf(refund))
	return nil
}

// refundState is a refund as GET shows it.
type refundState struct {
	events.Refund
	WechatRefundID string        `json:"wechat_refund_id,omitempty"`
	RefundedAt     string        `json:"refunded_at,omitempty"`
	Account        string        `json:"account,omitempty"`
	Error          *events.Error `json:"error,omitempty"`
	CreatedAt      string        `json:"created_at"`
	UpdatedAt      string        `json:"updated_at"`
}

func refundStateOf(r settled.Refund) refundState {
	s := refundState{
		Refund: events.Refund{
			PaymentID: r.PaymentID, Merchant: r.Merchant, OrderID: r.OrderID, RefundID: r.RefundID, Status: string(r.Status),
			Amount: events.RefundAmount{Refund: int64(r.Amount), Total: int64(r.Total), Currency: r.Currency}, Reason: r.Reason,
		},
		WechatRefundID: r.WechatRefundID, Account: r.Account, CreatedAt: stamp(r.CreatedAt), UpdatedAt: stamp(r.UpdatedAt),
	}
	if !r.RefundedAt.IsZero() {
		s.RefundedAt = stamp(r.RefundedAt)
	}
	if r.Status == settled.RefundFailed {
		s.Error = &events.Error{Code: r.Failure.Code, Message: r.Failure.Message}
	}
	return s
}

// refusals are the statuses of what kept a refund from WeChat; what WeChat itself says is
// 422, as for payments.
var refusals = map[string]int{
	events.CodeInvalid:        http.StatusBadRequest,
	events.CodeUnknownOrder:   http.StatusNotFound,
	events.CodeConflict:       http.StatusConflict,
	events.CodeNotPaid:        http.StatusConflict,
	events.CodeExceedsPayment: http.StatusConflict,
	events.CodeTotalMismatch:  http.StatusConflict,
}

// refusedRefund is refund.failed or refund.rejected as a problem.
func refusedRefund(data []byte) error {
	var body struct {
		Error    events.Error    `json:"error"`
		Problems events.Problems `json:"problems"`
	}
	if err := json.Unmarshal(data, &body); err != nil {
		return fmt.Errorf("read refund failure: %w", err)
	}
	status, ours := refusals[body.Error.Code]
	if !ours {
		status = http.StatusUnprocessableEntity
	}
	return &problem{Status: status, Detail: "The refund was refused: " + body.Error.Message, Failure: &body.Error, Problems: body.Problems}
}
