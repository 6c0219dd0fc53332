// Package order is for order systems: it asks settled for a payment over NATS and waits for
// what the customer pays with, says that a customer is back, and asks for a refund.
//
//	client, err := order.New(nc, order.Config{})
//	prepared, err := client.Pay(ctx, events.PaymentRequest{
//		Merchant: "shop3", OrderID: "20261123-000017", Amount: events.Amount{Total: 1999}, Description: "One pot of tea",
//	})
//
// Every call is safe to repeat, also after it failed and from another machine: an order is
// paid once and a refund_id refunds once, however often either is asked for. What the
// client waits for is a courtesy of the worker's; what happened is told on the stream, to
// package subscribe. Goods are sent on payment.completed alone, and never because of an
// answer of this package.
//
// The package knows the wire alone. It must not know the domain, nor settled's database.
package order
