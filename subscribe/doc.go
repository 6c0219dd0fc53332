// Package subscribe is for services that act on what settled tells: that ship goods once
// they are paid, or book a refund. It reads the stream SETTLED_OUT through a durable
// consumer, hands every event to a function of yours, typed, and acknowledges it once
// that function has committed.
//
//	err := subscribe.Run(ctx, nc, subscribe.Config{
//		Name:  "fulfilment",
//		Types: []string{events.PaymentCompleted},
//		Park:  func(ctx context.Context, p subscribe.Parked) error { return tellSomebody(p) },
//	}, func(ctx context.Context, event subscribe.Event) error {
//		return subscribe.Once(ctx, db, event, func(ctx context.Context, tx *sql.Tx) error {
//			return ship(ctx, tx, event.Body.(events.Completed).OrderID)
//		})
//	})
//
// A stream delivers at least once: after a crash, or a lost acknowledgement, an event comes
// again. Once makes one effect of it all the same, by a row that is written in the very
// transaction of the effect. The SQL is PostgreSQL's, over database/sql with any driver.
//
// The package knows the wire alone. It must not know the domain, settled's own database or
// its processes: it runs in programs of others.
package subscribe
