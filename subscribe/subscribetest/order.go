package subscribetest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"settled/events"
	"settled/subscribe"
)

// Order is an order of which settled tells. Built twice, an event is the same event, with
// the same id.
type Order struct {
	Merchant string    // default: shop3
	OrderID  string    // must be there
	Total    int64     // in fen; default: 1999
	At       time.Time // when it was paid; default: now
	Metadata map[string]string
}

// Prepared is payment.prepared, for an app.
func (o Order) Prepared() subscribe.Event {
	o = o.complete()
	return o.event(events.PaymentPrepared, "", events.Prepared{
		Payment: o.payment("prepared"), PrepayID: "wx" + o.number("prepay")[:32],
		Client: map[string]string{"appid": "wxd678efh567hg6787", "partnerid": "1900007291", "prepayid": "wx" + o.number("prepay")[:32]},
	})
}

// Completed is payment.completed: the customer has paid.
func (o Order) Completed() subscribe.Event {
	o = o.complete()
	return o.event(events.PaymentCompleted, "", events.Completed{
		Payment: o.payment("completed"), TransactionID: "4200" + o.number("transaction")[:24], PaidAt: o.At.Format(time.RFC3339),
		Payer: events.Payer{OpenID: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}, BankType: "CMC", Source: "notify",
	})
}

// CompletedLate is payment.completed of an order that was closed before its money came.
func (o Order) CompletedLate() subscribe.Event {
	event := o.Completed()
	body := event.Body.(events.Completed)
	body.Late, body.Source = true, "query"
	return o.complete().event(events.PaymentCompleted, "", body)
}

// Closed is payment.closed: nobody paid in time.
func (o Order) Closed() subscribe.Event {
	o = o.complete()
	return o.event(events.PaymentClosed, "", events.Closed{Payment: o.payment("closed"), Reason: "expired"})
}

// Failed is payment.failed: WeChat refused it for good.
func (o Order) Failed(code, message string) subscribe.Event {
	o = o.complete()
	return o.event(events.PaymentFailed, "", events.Failed{Payment: o.payment("failed"), Error: events.Error{Code: code, Message: message}})
}

// Rejected is payment.rejected: the request broke rules.
func (o Order) Rejected(problems ...events.Problem) subscribe.Event {
	o = o.complete()
	return o.event(events.PaymentRejected, fmt.Sprint(problems), events.Rejected{Merchant: o.Merchant, OrderID: o.OrderID, Problems: problems})
}

// Flagged is payment.flagged: something a person must look at.
func (o Order) Flagged(reason, detail string) subscribe.Event {
	o = o.complete()
	return o.event(events.PaymentFlagged, reason+detail, events.Flagged{Payment: o.payment("completed"), Reason: reason, Detail: detail})
}

// RefundAccepted is refund.accepted: WeChat works on it.
func (o Order) RefundAccepted(refundID string, fen int64) subscribe.Event {
	o = o.complete()
	return o.event(events.RefundAccepted, refundID, events.AcceptedRefund{
		Refund: o.refund(refundID, fen, "accepted"), WechatRefundID: "5030" + o.number(refundID)[:24],
	})
}

// RefundCompleted is refund.completed: the customer has the money.
func (o Order) RefundCompleted(refundID string, fen int64) subscribe.Event {
	o = o.complete()
	return o.event(events.RefundCompleted, refundID, events.CompletedRefund{
		Refund: o.refund(refundID, fen, "completed"), WechatRefundID: "5030" + o.number(refundID)[:24],
		RefundedAt: o.At.Add(time.Minute).Format(time.RFC3339), Account: "支付用户零钱",
	})
}

// RefundFailed is refund.failed; docs/messages.md has the codes.
func (o Order) RefundFailed(refundID string, fen int64, code, message string) subscribe.Event {
	o = o.complete()
	return o.event(events.RefundFailed, refundID, events.FailedRefund{
		Refund: o.refund(refundID, fen, "failed"), Error: events.Error{Code: code, Message: message},
	})
}

func (o Order) complete() Order {
	if o.Merchant == "" {
		o.Merchant = "shop3"
	}
	if o.Total == 0 {
		o.Total = 1999
	}
	if o.At.IsZero() {
		o.At = time.Now() //nolint:forbidigo // effects are remembered by the database's clock, which no test winds
	}
	return o
}

func (o Order) payment(status string) events.Payment {
	return events.Payment{
		PaymentID: o.uuid("payment"), Merchant: o.Merchant, OrderID: o.OrderID, Status: status, TradeType: "APP",
		Amount: events.Amount{Total: o.Total, Currency: "CNY"}, Description: "One pot of tea & 一壶茶",
		ExpiresAt: o.At.Add(30 * time.Minute).Format(time.RFC3339), Metadata: o.Metadata,
	}
}

func (o Order) refund(refundID string, fen int64, status string) events.Refund {
	return events.Refund{
		PaymentID: o.uuid("payment"), Merchant: o.Merchant, OrderID: o.OrderID, RefundID: refundID, Status: status,
		Amount: events.RefundAmount{Refund: fen, Total: o.Total, Currency: "CNY"}, Reason: "The tea was cold",
	}
}

// event writes the event and reads it as it would come, so that what a test is given is
// what the wire gives. which tells two events of one type and one order apart.
func (o Order) event(eventType, which string, body any) subscribe.Event {
	data, err := json.Marshal(body)
	if err != nil {
		panic(err) // the bodies hold text and numbers
	}
	envelope := events.Envelope{
		ID: o.uuid(eventType + which), Type: eventType, Merchant: o.Merchant, OrderID: o.OrderID, Time: o.At, Data: data,
	}
	event, err := subscribe.Read(eventType, envelope.Header(), data)
	if err != nil {
		panic(err) // an order without an id
	}
	return event
}

// number is made of the order, the same every time.
func (o Order) number(of string) string {
	hash := sha256.Sum256([]byte(o.Merchant + " " + o.OrderID + " " + of))
	return hex.EncodeToString(hash[:])
}

func (o Order) uuid(of string) string {
	n := o.number(of)
	return n[:8] + "-" + n[8:12] + "-5" + n[13:16] + "-8" + n[17:20] + "-" + n[20:32]
}
