package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"settled/events"
	ours "settled/order"
	"settled/store/storetest"
	"settled/subscribe"
)

// A shop that stands on order and subscribe alone, beside a settled with a prefix.
func TestAShopBuiltOfOurPackages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{prefix: "kit."})
	w.serve()
	nc, err := nats.Connect(w.nats.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	client, err := ours.New(nc, ours.Config{Prefix: "kit."})
	if err != nil {
		t.Fatal(err)
	}
	parcels := w.fulfil(t, nc)
	tea := events.PaymentRequest{
		Merchant: "shop3", OrderID: "kit-0001", Amount: events.Amount{Total: 1999}, Description: "One pot of tea",
		ExpiresAt: time.Now().Add(time.Hour), Metadata: map[string]string{"cart": "77"},
	}
	prepared, err := client.Pay(t.Context(), tea)
	if err != nil || prepared.Client["sign"] == "" || prepared.Metadata["cart"] != "77" {
		t.Fatalf("prepared %+v, %v", prepared, err)
	}
	if again, err := client.Pay(t.Context(), tea); err != nil || again.PrepayID != prepared.PrepayID {
		t.Errorf("asked again: %+v, %v", again, err)
	}
	w.customerPays(fieldsOf(t, prepared))
	if err := client.Returned(t.Context(), "shop3", "kit-0001"); err != nil {
		t.Error(err)
	}
	w.expect(events.PaymentCompleted, "kit-0001")
	if _, err := client.Pay(t.Context(), tea); !errors.Is(err, ours.ErrPaid) {
		t.Errorf("asked again once it is paid: %v", err)
	}
	w.refundsAndErrors(t, client, tea)
	w.until("the parcel is there", func() bool { return parcels() == "kit-0001 1" })
}

func (w *world) refundsAndErrors(t *testing.T, client *ours.Client, tea events.PaymentRequest) {
	t.Helper()
	dearer := tea
	dearer.Amount.Total++
	if _, err := client.Pay(t.Context(), dearer); !errors.Is(err, ours.ErrConflict) {
		t.Errorf("the same order for another amount: %v", err)
	}
	var rejected *ours.RejectedError
	if _, err := client.Pay(t.Context(), events.PaymentRequest{Merchant: "nobody", OrderID: "kit-0002"}); !errors.As(err, &rejected) || len(rejected.Problems) < 3 {
		t.Errorf("a request that breaks rules: %v", err)
	}
	refund := events.RefundRequest{
		Merchant: "shop3", OrderID: tea.OrderID, RefundID: "kit-0001-R1", Amount: events.RefundAmount{Refund: 500, Total: 1999}, Reason: "It was cold",
	}
	for range 2 {
		if accepted, err := client.Refund(t.Context(), refund); err != nil || accepted.RefundID != refund.RefundID || accepted.WechatRefundID == "" {
			t.Errorf("refund: %+v, %v", accepted, err)
		}
	}
	other := refund
	other.Amount.Refund++
	if _, err := client.Refund(t.Context(), other); !errors.Is(err, ours.ErrConflict) {
		t.Errorf("the same number for another refund: %v", err)
	}
	other.RefundID, other.Amount.Refund = "kit-0001-R2", 1999
	var refused *ours.RefundError
	if _, err := client.Refund(t.Context(), other); !errors.As(err, &refused) || refused.FailedRefund.Error.Code != events.CodeExceedsPayment {
		t.Errorf("more than was paid: %v", err)
	}
	w.expect(events.RefundCompleted, tea.OrderID)
}

// fulfil sends a parcel for each order that is paid. What it returns says how many each
// order has.
func (w *world) fulfil(t *testing.T, nc *nats.Conn) (parcels func() string) {
	t.Helper()
	db := storetest.DB(t, storetest.URL(t))
	if err := (subscribe.Effects{DB: db}).Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), `create table parcels (order_id text not null)`); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	running.Go(func() {
		err := subscribe.Run(ctx, nc, subscribe.Config{
			Name: "fulfilment", Prefix: "kit.", Types: []string{events.PaymentCompleted},
			Park: func(_ context.Context, p subscribe.Parked) error { t.Errorf("parked: %v", p.Reason); return nil },
		}, func(ctx context.Context, e subscribe.Event) error {
			return subscribe.Once(ctx, db, e, func(ctx context.Context, tx *sql.Tx) error {
				_, err := tx.ExecContext(ctx, `insert into parcels (order_id) values ($1)`, e.OrderID)
				return err
			})
		})
		if err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); running.Wait() })
	return func() string {
		var order string
		var count int
		_ = db.QueryRowContext(t.Context(), `select order_id, count(*) from parcels group by order_id`).Scan(&order, &count)
		return fmt.Sprintf("%s %d", order, count)
	}
}

// fieldsOf is an event's body as any JSON reader sees it.
func fieldsOf(t *testing.T, body any) (fields map[string]any) {
	t.Helper()
	data, err := json.Marshal(body)
	if err == nil {
		err = json.Unmarshal(data, &fields)
	}
	if err != nil {
		t.Fatal(err)
	}
	return fields
}
