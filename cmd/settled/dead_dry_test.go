package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"settled"
	"settled/cmd/settled/config"
	"settled/events"
	"settled/events/bus"
	"settled/store"
	"settled/store/storetest"
	"settled/wechat"
)

// reader is a gateway that reads every notify as the same news.
type reader struct {
	settled.Gateway
	news settled.News
}

func (r *reader) Notify(context.Context, settled.Notify) (settled.News, error) { return r.news, nil }

// refunded is a payment of 1999 fen that was paid, with a refund R1 of 500 fen that WeChat
// has accepted.
func refunded(t *testing.T, s *store.Store, merchant, orderID string) settled.Refund {
	t.Helper()
	now := time.Now()
	recorded, err := s.Record(t.Context(), settled.Payment{
		ID: uuid.NewString(), Merchant: merchant, OrderID: orderID, TradeType: settled.APP,
		Amount: settled.Money{Total: 1999, Currency: settled.CNY}, ExpiresAt: now.Add(time.Hour), DueAt: now.Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	p := recorded.Payment
	event := func(eventType string) settled.Event {
		return settled.Event{
			ID: settled.EventID(eventType, p.ID), Type: eventType, PaymentID: p.ID, Merchant: merchant, OrderID: orderID,
			At: now, Data: []byte(`{}`), RequestID: "wechat-said-" + eventType,
		}
	}
	if _, err := s.Move(t.Context(), settled.Move{
		PaymentID: p.ID, Fact: settled.FactPaid, From: p.Status, To: settled.StatusCompleted,
		Paid: settled.Trade{TransactionID: "42", PaidAt: now}, Source: settled.FromQuery, Event: event(events.PaymentCompleted),
	}); err != nil {
		t.Fatal(err)
	}
	return giveBack(t, s, p, event(events.RefundAccepted))
}

func giveBack(t *testing.T, s *store.Store, p settled.Payment, accepted settled.Event) settled.Refund {
	t.Helper()
	request, err := events.ParseRefundRequest(refundLetter(p.Merchant, p.OrderID, "R1", 500), map[string]string{p.Merchant: "v3"})
	if err != nil {
		t.Fatal(err)
	}
	recorded, err := s.RecordRefund(t.Context(), settled.Refund{
		ID: uuid.NewString(), PaymentID: p.ID, Merchant: p.Merchant, OrderID: p.OrderID, RefundID: "R1", Amount: 500,
		Total: 1999, Currency: settled.CNY, Fingerprint: request.Fingerprint(), Request: []byte("{}"),
		DueAt: time.Now().Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	accepted.RefundID = recorded.Refund.ID
	if _, err := s.MoveRefund(t.Context(), settled.RefundMove{
		ID: recorded.Refund.ID, PaymentID: p.ID, Fact: settled.RefundFactAccepted, From: settled.RefundRequested,
		To: settled.RefundAccepted, WechatRefundID: "5000000001", Held: true, DueAt: time.Now().Add(time.Hour), Event: accepted,
	}); err != nil {
		t.Fatal(err)
	}
	return recorded.Refund
}

func refundLetter(merchant, orderID, refundID string, amount int) []byte {
	return fmt.Appendf(nil, `{"merchant": %q, "order_id": %q, "refund_id": %q, "amount": {"refund": %d, "total": 1999}}`,
		merchant, orderID, refundID, amount)
}

func TestADryReplaySaysWhatARefundRequestWouldDo(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	refunded(t, s, "shop3", "order001")
	p := &process{store: s, cfg: &config.Config{Merchants: map[string]config.Merchant{"shop3": {Protocol: "v3"}}}}
	for want, data := range map[string][]byte{
		"would become a dead letter again":                                           []byte(`{"merchant`),
		"would fail: amount.refund: must not be more than total":                     refundLetter("shop3", "order001", "R2", 2000),
		"would record the refund and ask WeChat for it":                              refundLetter("shop3", "order001", "R2", 500),
		"would be rejected: the refund was requested before with other content":      refundLetter("shop3", "order001", "R1", 501),
		"would move nothing, and tell again what came of it: the refund is accepted": refundLetter("shop3", "order001", "R1", 500),
	} {
		if got := p.wouldChange(t.Context(), bus.DeadLetter{Subject: events.RefundRequested, Data: data}); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", data, got, want)
		}
	}
}

// notifyWould is what a dry replay says of a dead notify of shop3 that tells news.
func notifyWould(t *testing.T, s *store.Store, news settled.News) string {
	t.Helper()
	data, err := json.Marshal(events.Notify{Merchant: "shop3"})
	if err != nil {
		t.Fatal(err)
	}
	p := &process{store: s, merchants: map[string]*wechat.Switch{"shop3": wechat.NewSwitch(&reader{news: news})}}
	return p.wouldChange(t.Context(), bus.DeadLetter{Subject: events.NotifyReceived, Data: data})
}

func TestADryReplaySaysWhatARefundNotifyWouldDo(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	refunded(t, s, "shop3", "order001")
	for want, news := range map[string]settled.News{
		"would be flagged: unknown_refund":                                    {Repayment: &settled.Repayment{RefundID: "R9"}},
		"would be flagged: amount_mismatch":                                   {Repayment: &settled.Repayment{RefundID: "R1", Amount: 501}},
		"would ask WeChat about refund R1, which is accepted":                 {Repayment: &settled.Repayment{RefundID: "R1", Amount: 501, Unproven: true}},
		"would tell refund R1, which is accepted, that it is succeeded":       {Repayment: &settled.Repayment{RefundID: "R1", State: settled.RepaymentSucceeded}},
		`would be noted and change nothing: it tells of "PAYSCORE.USER_PAID"`: {Type: "PAYSCORE.USER_PAID"},
	} {
		if got := notifyWould(t, s, news); !strings.HasPrefix(got, want) {
			t.Errorf("%+v: %q, want %q", news, got, want)
		}
	}
}

func TestADryReplaySaysWhatAPaymentNotifyWouldDo(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	refunded(t, s, "shop3", "order001")
	paid := settled.Trade{OrderID: "order001", TransactionID: "42", Paid: true, Amount: settled.Money{Total: 1999, Currency: settled.CNY}}
	unknown, other := paid, paid
	unknown.OrderID, other.Amount.Total = "order009", 1000
	for want, trade := range map[string]settled.Trade{
		"would change nothing: the payment is completed":         paid,
		"would be flagged: unknown_order":                        unknown,
		"would be flagged: amount_mismatch":                      other,
		"would ask WeChat about the payment, which is completed": {OrderID: "order001"}, // WeChat names no currency then
	} {
		if got := notifyWould(t, s, settled.News{Trade: &trade}); !strings.HasPrefix(got, want) {
			t.Errorf("%+v: %q, want %q", trade, got, want)
		}
	}
}

// Whoever asks WeChat about a refund needs WeChat's own number, and names the answer.
func TestShowTellsOfRefundsAndOfWeChatsAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	s := storetest.Open(t, w.postgres)
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	refunded(t, s, "classic", "shown0001")
	got := settledRuns(t.Context(), "show", "--config", w.file, "classic", "shown0001")
	for _, want := range []string{"refund R1", "accepted of 5.00 CNY, 5000000001", "wechat-said-refund.accepted", "wechat-said-payment.completed"} {
		if !strings.Contains(got.out, want) {
			t.Errorf("show does not say %q:\n%s%s", want, got.out, got.err)
		}
	}
	got = settledRuns(t.Context(), "show", "--config", w.file, "--json", "classic", "shown0001")
	var shown struct {
		Payment struct{ Refunding int }
		Refunds []struct {
			RefundID       string `json:"refund_id"`
			Status         string
			Amount         int
			WechatRefundID string `json:"wechat_refund_id"`
			Held           bool
		}
		History []struct {
			Type      string
			RequestID string `json:"request_id"`
		}
	}
	if err := json.Unmarshal([]byte(got.out), &shown); err != nil {
		t.Fatalf("%v\n%s%s", err, got.out, got.err)
	}
	if len(shown.Refunds) != 1 || len(shown.History) != 4 || shown.Payment.Refunding != 500 {
		t.Fatalf("shown %+v", shown)
	}
	if r := shown.Refunds[0]; r.RefundID != "R1" || r.Status != "accepted" || r.Amount != 500 || r.WechatRefundID != "5000000001" || !r.Held {
		t.Errorf("refund %+v", r)
	}
	if last := shown.History[3]; last.Type != events.RefundAccepted || last.RequestID != "wechat-said-refund.accepted" {
		t.Errorf("the last row %+v", last)
	}
}
