// Command fulfilment sends a parcel for every order that is paid, exactly one, and books
// what is given back. It may be killed at any moment and run on many machines at once.
//
//	NATS_URL=nats://127.0.0.1:4222 DATABASE_URL=postgres://… go run ./examples/fulfilment
package main

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	_ "github.com/lib/pq" // any driver for PostgreSQL would do
	"github.com/nats-io/nats.go"

	"settled/events"
	"settled/subscribe"
)

// schema is what the service keeps; a real one has migrations. No constraint of it hides a parcel that is sent twice:
// that there is one is subscribe's work.
const schema = `
create table if not exists parcels (id bigserial primary key, order_id text not null, fen bigint not null);
create table if not exists returns (id bigserial primary key, order_id text not null, fen bigint not null);
create table if not exists parked (id bigserial primary key, subject text not null, body bytea not null, reason text not null)`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "fulfilment:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	db, err := sql.Open("postgres", os.Getenv("DATABASE_URL"))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return err
	}
	effects := subscribe.Effects{DB: db}
	if err := effects.Create(ctx); err != nil {
		return err
	}
	nc, err := nats.Connect(cmp.Or(os.Getenv("NATS_URL"), nats.DefaultURL), nats.MaxReconnects(-1))
	if err != nil {
		return err
	}
	defer nc.Close()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	go forget(ctx, effects, log)
	return subscribe.Run(ctx, nc, subscribe.Config{
		Name:  "fulfilment",
		Types: []string{events.PaymentCompleted, events.RefundCompleted},
		Log:   log,
		// What a killed process had in hand goes to another one after this; a slow handler keeps
		// its event all the same.
		AckWait: 10 * time.Second,
		// What can't be read is kept for a person to look at.
		Park: func(ctx context.Context, p subscribe.Parked) error {
			_, err := db.ExecContext(ctx, `insert into parked (subject, body, reason) values ($1, $2, $3)`, p.Subject, p.Data, p.Reason.Error())
			return err
		},
	}, func(ctx context.Context, event subscribe.Event) error {
		return effects.Once(ctx, event, func(ctx context.Context, tx *sql.Tx) error { return act(ctx, tx, event) })
	})
}

// act is the effect. All of it is in tx, so it happens whole, once, or not at all. What
// can't be in a transaction, such as a call to a carrier, is put into a table of its own
// here, and made from there under a number that the carrier knows repeats by.
func act(ctx context.Context, tx *sql.Tx, event subscribe.Event) error {
	var err error
	switch body := event.Body.(type) {
	case events.Completed:
		// A real shop holds body.Amount.Total against its own order first.
		_, err = tx.ExecContext(ctx, `insert into parcels (order_id, fen) values ($1, $2)`, body.OrderID, body.Amount.Total)
	case events.CompletedRefund:
		_, err = tx.ExecContext(ctx, `insert into returns (order_id, fen) values ($1, $2)`, body.OrderID, body.Amount.Refund)
	}
	return err
}

// forget keeps the table of effects small.
func forget(ctx context.Context, effects subscribe.Effects, log *slog.Logger) {
	for ctx.Err() == nil {
		if _, err := effects.Forget(ctx); err != nil {
			log.WarnContext(ctx, "effects not forgotten", "error", err)
		}
		select {
		case <-time.After(24 * time.Hour):
		case <-ctx.Done():
		}
	}
}
