package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"settled"
	"settled/events"
	"settled/events/bus"
)

// wouldChange says what a replay of the letter would lead to, as things stand now.
func (p *process) wouldChange(ctx context.Context, letter bus.DeadLetter) string {
	if letter.Cut() {
		return "would be refused: the letter has only the beginning of the message"
	}
	var change string
	var err error
	switch letter.Subject {
	case events.PaymentRequested:
		change, err = p.requestWould(ctx, letter.Data)
	case events.NotifyReceived:
		change, err = p.notifyWould(ctx, letter.Data)
	case events.PaymentReturned:
		change, err = p.returnWould(ctx, letter.Data)
	case events.RefundRequested:
		change, err = p.refundWould(ctx, letter.Data)
	default:
		return "would be refused: no worker reads this subject"
	}
	if err != nil {
		return fmt.Sprintf("would become a dead letter again: %v", err)
	}
	return change
}

func (p *process) requestWould(ctx context.Context, data []byte) (string, error) {
	request, err := events.ParsePaymentRequest(data, protocolsOf(p.cfg))
	var problems events.Problems
	if errors.As(err, &problems) {
		return fmt.Sprintf("would be rejected: %v", problems), nil
	}
	if err != nil {
		return "", err
	}
	known, err := p.store.Payment(ctx, request.Merchant, request.OrderID)
	switch {
	case errors.Is(err, settled.ErrNotFound) && !request.ExpiresAt.IsZero() && !request.ExpiresAt.After(p.store.Now()):
		return "would be rejected: expires_at is over", nil
	case errors.Is(err, settled.ErrNotFound):
		return "would record the payment and ask WeChat for a prepay id", nil
	case err != nil:
		return "", err
	case known.Fingerprint != request.Fingerprint():
		return "would be rejected: the order was requested before with other content", nil
	}
	return fmt.Sprintf("would move nothing, and tell again what came of it: the payment is %s", known.Status), nil
}

func (p *process) notifyWould(ctx context.Context, data []byte) (string, error) {
	merchant, notify, err := notifyOf(data)
	if err != nil {
		return "", err
	}
	gateway, ok := p.merchants[merchant]
	if !ok {
		return "", fmt.Errorf("merchant %q is not configured", merchant)
	}
	news, err := gateway.Notify(ctx, notify)
	switch {
	case err != nil:
		return "", err
	case news.Trade != nil:
		return p.tradeWould(ctx, merchant, *news.Trade)
	case news.Repayment != nil:
		return p.repaymentWould(ctx, merchant, *news.Repayment)
	default:
		return fmt.Sprintf("would be noted and change nothing: it tells of %.64q", news.Type), nil
	}
}

// notifyOf reads notify.received.
func notifyOf(data []byte) (merchant string, notify settled.Notify, err error) {
	var n events.Notify
	if err := json.Unmarshal(data, &n); err != nil {
		return "", settled.Notify{}, err
	}
	notify = settled.Notify{Method: n.Method, Query: n.Query, Header: n.Headers, Body: n.Body}
	if at, err := time.Parse(time.RFC3339Nano, n.ReceivedAt); err == nil {
		notify.ReceivedAt = at
	}
	return n.Merchant, notify, nil
}

func (p *process) tradeWould(ctx context.Context, merchant string, trade settled.Trade) (string, error) {
	known, err := p.store.Payment(ctx, merchant, trade.OrderID)
	if errors.Is(err, settled.ErrNotFound) {
		return "would be flagged: unknown_order", nil
	}
	if err != nil {
		return "", err
	}
	if !trade.Paid {
		return fmt.Sprintf("would ask WeChat about the payment, which is %s", known.Status), nil
	}
	if reason, detail := settled.Disagreement(known, trade); reason != "" {
		return fmt.Sprintf("would be flagged: %s: %s", reason, detail), nil
	}
	if to, moved := settled.Next(known.Status, settled.FactPaid); moved {
		return fmt.Sprintf("would move payment %s from %s to %s", known.ID, known.Status, to), nil
	}
	return fmt.Sprintf("would change nothing: the payment is %s", known.Status), nil
}

func (p *process) repaymentWould(ctx context.Context, merchant string, t settled.Repayment) (string, error) {
	known, err := p.store.Refund(ctx, merchant, t.RefundID)
	if errors.Is(err, settled.ErrNotFound) {
		return "would be flagged: unknown_refund", nil
	}
	if err != nil {
		return "", err
	}
	if t.Unproven && known.Status != settled.RefundCompleted {
		return fmt.Sprintf("would ask WeChat about refund %s, which is %s", known.RefundID, known.Status), nil
	}
	if t.Unproven {
		return fmt.Sprintf("would change nothing: the refund is %s", known.Status), nil
	}
	if reason, detail := settled.RefundDisagreement(known, t); reason != "" {
		return fmt.Sprintf("would be flagged: %s: %s", reason, detail), nil
	}
	return fmt.Sprintf("would tell refund %s, which is %s, that it is %s", known.RefundID, known.Status, t.State), nil
}

func (p *process) refundWould(ctx context.Context, data []byte) (string, error) {
	request, err := events.ParseRefundRequest(data, protocolsOf(p.cfg))
	var problems events.Problems
	if errors.As(err, &problems) {
		return fmt.Sprintf("would fail: %v", problems), nil
	}
	if err != nil {
		return "", err
	}
	known, err := p.store.Refund(ctx, request.Merchant, request.RefundID)
	switch {
	case errors.Is(err, settled.ErrNotFound):
		return "would record the refund and ask WeChat for it, if the payment has that much left", nil
	case err != nil:
		return "", err
	case known.Fingerprint != request.Fingerprint():
		return "would be rejected: the refund was requested before with other content", nil
	}
	return fmt.Sprintf("would move nothing, and tell again what came of it: the refund is %s", known.Status), nil
}

func (p *process) returnWould(ctx context.Context, data []byte) (string, error) {
	r, err := events.ParseReturn(data)
	if err != nil {
		return "", err
	}
	var known settled.Payment
	if r.PaymentID != "" {
		known, err = p.store.PaymentByID(ctx, r.PaymentID)
	} else {
		known, err = p.store.Payment(ctx, r.Merchant, r.OrderID)
	}
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("would ask WeChat about the payment, which is %s", known.Status), nil
}
