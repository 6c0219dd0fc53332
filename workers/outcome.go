package workers

import (
	"encoding/json"
	"fmt"
	"time"

	"settled"
	"settled/events"
)

// wire is "the payment" as events tell it, standing at status.
func wire(p settled.Payment, status settled.Status) events.Payment {
	return events.Payment{
		PaymentID: p.ID, Merchant: p.Merchant, OrderID: p.OrderID, Status: string(status),
		TradeType:   string(p.TradeType),
		Amount:      events.Amount{Total: int64(p.Amount.Total), Currency: p.Amount.Currency},
		Description: p.Description, ExpiresAt: wireTime(p.ExpiresAt), Metadata: p.Metadata,
	}
}

// wireTime writes a time in the zone of WeChat and its shops.
func wireTime(t time.Time) string { return t.In(settled.China).Format(time.RFC3339) }

// event makes the event that tells of a payment. Its id follows from what it tells, so
// telling it again, here or on another machine, is the same event.
func (w *Workers) event(p settled.Payment, eventType string, body any, distinct ...string) (settled.Event, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return settled.Event{}, fmt.Errorf("write %s of payment %s: %w", eventType, p.ID, err)
	}
	name := append([]string{p.ID}, distinct...)
	if p.ID == "" {
		name = append([]string{p.Merchant, p.OrderID}, distinct...)
	}
	return settled.Event{
		ID: settled.EventID(eventType, name...), Type: eventType, PaymentID: p.ID,
		Merchant: p.Merchant, OrderID: p.OrderID, At: w.cfg.Now(), Data: data,
	}, nil
}

// told describes a move and the event that tells of it. requestID names WeChat's answer
// that brought the news, empty if a notify did.
func (w *Workers) told(m settled.Move, p settled.Payment, eventType string, body any, requestID string, distinct ...string) (settled.Move, error) {
	event, err := w.event(p, eventType, body, distinct...)
	event.RequestID = requestID
	m.PaymentID, m.Event = p.ID, event
	return m, err
}

// preparedMove is the move of a payment that WeChat gave a prepay id for.
func (w *Workers) preparedMove(p settled.Payment, prepared settled.Prepared) (settled.Move, error) {
	return w.told(
		settled.Move{Fact: settled.FactPrepared, Prepared: prepared, DueAt: w.firstQuery(p)},
		p, events.PaymentPrepared, preparedBody(p, prepared), prepared.RequestID)
}

// renewedMove is the move of a payment that WeChat gave another prepay id for. It is told
// as payment.prepared, and each prepay id is an event of its own.
func (w *Workers) renewedMove(p settled.Payment, prepared settled.Prepared) (settled.Move, error) {
	return w.told(
		settled.Move{Fact: settled.FactRenewed, Prepared: prepared, DueAt: w.firstQuery(p)},
		p, events.PaymentPrepared, preparedBody(p, prepared), prepared.RequestID,
		prepared.PrepayID, prepared.CodeURL, prepared.H5URL)
}

func preparedBody(p settled.Payment, prepared settled.Prepared) events.Prepared {
	return events.Prepared{
		Payment: wire(p, settled.StatusPrepared), PrepayID: prepared.PrepayID,
		Client: prepared.Client, CodeURL: prepared.CodeURL, H5URL: prepared.H5URL,
	}
}

// paidMove is the move of a payment that WeChat says was paid.
func (w *Workers) paidMove(p settled.Payment, t settled.Trade, source settled.Source) (settled.Move, error) {
	m := settled.Move{Fact: settled.FactPaid, Paid: t, Source: source, Late: !p.Status.Open()}
	if w.cfg.Merchants[p.Merchant].Gateway.Acknowledges() {
		m.DueAt = w.cfg.Now()
	}
	payer := t.OpenID
	if payer == "" {
		payer = p.PayerOpenID
	}
	return w.told(m, p, events.PaymentCompleted, events.Completed{
		Payment: wire(p, settled.StatusCompleted), TransactionID: t.TransactionID, PaidAt: wireTime(t.PaidAt),
		Payer: events.Payer{OpenID: payer}, BankType: t.BankType, Attach: p.Attach,
		Source: string(source), Late: m.Late,
	}, t.RequestID)
}

// closedMove is the move of a payment that can no longer be paid in time. Money may
// arrive all the same, so WeChat is asked a few times more.
func (w *Workers) closedMove(p settled.Payment, reason settled.CloseReason) (settled.Move, error) {
	return w.told(
		settled.Move{Fact: settled.FactClosed, CloseReason: reason, DueAt: w.cfg.Now().Add(jitter(aftercare[0]))},
		p, events.PaymentClosed,
		events.Closed{Payment: wire(p, settled.StatusClosed), Reason: string(reason)}, "")
}

// failedMove is the move of a payment that WeChat refused for good.
func (w *Workers) failedMove(p settled.Payment, r *settled.Refusal) (settled.Move, error) {
	return w.told(
		settled.Move{Fact: settled.FactRefused, Failure: settled.Failure{Code: r.Code, Message: r.Message}},
		p, events.PaymentFailed,
		events.Failed{Payment: wire(p, settled.StatusFailed), Error: events.Error{Code: r.Code, Message: r.Message}}, r.RequestID)
}
