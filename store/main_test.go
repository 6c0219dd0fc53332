package store_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"

	"settled"
	"settled/store"
	"settled/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// price is what the payments are for.
var price = settled.Money{Total: 1999, Currency: settled.CNY}

// request is a payment as a worker records it.
func request(orderID string) settled.Payment {
	return settled.Payment{
		ID: uuid.NewString(), Merchant: "classic", OrderID: orderID, Status: settled.StatusRequested,
		TradeType: settled.APP, Amount: price,
		Description: `Tea & 茶, "hot" \ {1,2}`, ClientIP: "203.0.113.7", Attach: "a=b&c",
		Metadata: map[string]string{"cart": "77", "快": "é"}, Fingerprint: "f1",
		PrepayRequest: []byte(`{"package":"a=%20&b={\"x\"}"}`),
		ExpiresAt:     time.Now().Add(time.Hour).Truncate(time.Microsecond).UTC(),
		DueAt:         time.Now().Add(time.Minute),
	}
}

// moveOf is a move of p by fact with an event that tells of it.
func moveOf(p settled.Payment, fact settled.Fact) settled.Move {
	to, _ := settled.Next(p.Status, fact)
	m := settled.Move{
		PaymentID: p.ID, Fact: fact, From: p.Status, To: to,
		Event: settled.Event{
			ID: settled.EventID("payment."+string(to), p.ID), Type: "payment." + string(to), PaymentID: p.ID,
			Merchant: p.Merchant, OrderID: p.OrderID, At: time.Now(), Data: []byte(`{"n": 1.50}`),
		},
	}
	switch fact {
	case settled.FactPrepared:
		m.Prepared = settled.Prepared{PrepayID: "wx1", Client: map[string]string{"sign": "s&s"}}
		m.DueAt = time.Now().Add(time.Minute)
	case settled.FactRenewed:
		m.Prepared, m.DueAt = settled.Prepared{PrepayID: "wx2"}, time.Now().Add(time.Minute)
		m.Event.ID = settled.EventID("payment.renewed", p.ID)
	case settled.FactPaid:
		m.Paid = settled.Trade{Paid: true, TransactionID: "1900000109201306060282555397", PaidAt: time.Now(), OpenID: "o1", BankType: "CMB"}
		m.Source, m.Late = settled.FromNotify, !p.Status.Open()
		m.Event.Data = completedBody(p.Amount, m)
	case settled.FactClosed:
		m.CloseReason = settled.Expired
	case settled.FactRefused:
		m.Failure = settled.Failure{Code: "48001", Message: "api unauthorized"}
	}
	return m
}

// completedBody is what payment.completed says, as far as a row has it.
func completedBody(amount settled.Money, m settled.Move) []byte {
	return fmt.Appendf(nil, `{"n": 1.50, "amount": {"total": %d, "currency": %q}, "transaction_id": %q, "paid_at": %q, "source": %q, "late": %t}`,
		amount.Total, amount.Currency, m.Paid.TransactionID, wireTime(m.Paid.PaidAt), m.Source, m.Late)
}

// wireTime is a time as events tell it.
func wireTime(at time.Time) string { return at.In(settled.China).Format(time.RFC3339) }

func record(t *testing.T, s *store.Store, p settled.Payment) settled.Payment {
	t.Helper()
	recorded, err := s.Record(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return recorded.Payment
}
