package shop

import (
	"time"

	"settled"
)

// Completed has the size of the event that tells of a payment.
const Completed = `{"payment_id":"00000000-0000-0000-0000-000000000000","merchant":"shop3","order_id":"bench000000000001","status":"completed",` +
	`"trade_type":"APP","amount":{"total":1001,"currency":"CNY"},"description":"One pot of tea","expires_at":"2026-11-23T12:30:00+08:00",` +
	`"metadata":{"cart":"77"},"transaction_id":"4200000000000000000000000001","paid_at":"2026-11-23T12:00:00+08:00",` +
	`"payer":{"openid":"oUpF8u0000000000000000000001"},"bank_type":"CMC","source":"notify","late":false}`

// Completion completes a payment that stands prepared.
func Completion(id string) settled.Move {
	now := time.Now()
	return settled.Move{
		PaymentID: id, From: settled.StatusPrepared, Fact: settled.FactPaid, To: settled.StatusCompleted, Source: settled.FromNotify,
		Paid: settled.Trade{Paid: true, TransactionID: "4200000000000000000000000001", PaidAt: now, OpenID: "oUpF8u0000000000000000000001", BankType: "CMC"},
		Event: settled.Event{
			ID: settled.EventID("payment.completed", id), Type: "payment.completed", PaymentID: id, At: now, Data: []byte(Completed),
		},
	}
}
