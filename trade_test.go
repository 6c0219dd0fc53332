package settled_test

import (
	"testing"

	"settled"
)

func TestDisagreement(t *testing.T) {
	t.Parallel()
	order := settled.Payment{Amount: settled.Money{Total: 1999, Currency: settled.CNY}}
	paid := order
	paid.Paid = settled.Trade{TransactionID: "A"}
	trade := func(change func(*settled.Trade)) settled.Trade {
		tr := settled.Trade{Paid: true, TransactionID: "A", Amount: order.Amount}
		change(&tr)
		return tr
	}
	for _, test := range []struct {
		name    string
		payment settled.Payment
		trade   settled.Trade
		want    settled.FlagReason
	}{
		{"it agrees", order, trade(func(*settled.Trade) {}), ""},
		{"the same transaction again", paid, trade(func(*settled.Trade) {}), ""},
		{"a fen too little", order, trade(func(tr *settled.Trade) { tr.Amount.Total-- }), settled.AmountMismatch},
		{"a fen too much", order, trade(func(tr *settled.Trade) { tr.Amount.Total++ }), settled.AmountMismatch},
		{"other money", order, trade(func(tr *settled.Trade) { tr.Amount.Currency = "USD" }), settled.CurrencyMismatch},
		{"somebody else's money", order, trade(func(tr *settled.Trade) { tr.Foreign = "partner 2" }), settled.MerchantMismatch},
		{"paid twice", paid, trade(func(tr *settled.Trade) { tr.TransactionID = "B" }), settled.SecondTransaction},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			reason, detail := settled.Disagreement(test.payment, test.trade)
			if reason != test.want || (reason == "") != (detail == "") {
				t.Errorf("Disagreement = %q, %q, want %q", reason, detail, test.want)
			}
		})
	}
}

func TestMoneyIsWrittenForPeople(t *testing.T) {
	t.Parallel()
	for total, want := range map[settled.Fen]string{
		0: "0.00 CNY", 1: "0.01 CNY", 1999: "19.99 CNY", -5: "-0.05 CNY", 100_000_000_000: "1000000000.00 CNY",
	} {
		if got := (settled.Money{Total: total, Currency: settled.CNY}).String(); got != want {
			t.Errorf("%d fen = %q, want %q", total, got, want)
		}
	}
}
