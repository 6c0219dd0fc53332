// Command shop is an order system that takes payments through settled. It places orders,
// hands what came back to its customers' phones, and gives some of the money back. What it
// sends to the customers is not its business: that is the fulfilment's, in the next folder.
//
//	NATS_URL=nats://127.0.0.1:4222 MERCHANT=shop3 WECHAT=http://127.0.0.1:9090 go run ./examples/shop
//
// WECHAT is the simulator, where this program plays its customers as well. Run it twice with
// the same SHOP: nobody pays twice, and nobody is refunded twice.
package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"

	"settled/events"
	"settled/order"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "shop:", err)
		os.Exit(1)
	}
}

// shop is the order system.
type shop struct {
	merchant string
	wechat   string // where its customers pay
	client   *order.Client
}

func run(ctx context.Context) error {
	orders, err := strconv.Atoi(cmp.Or(os.Getenv("ORDERS"), "20"))
	if err != nil {
		return err
	}
	nc, err := nats.Connect(cmp.Or(os.Getenv("NATS_URL"), nats.DefaultURL), nats.MaxReconnects(-1))
	if err != nil {
		return err
	}
	defer nc.Close()
	client, err := order.New(nc, order.Config{})
	if err != nil {
		return err
	}
	s := shop{merchant: cmp.Or(os.Getenv("MERCHANT"), "shop3"), wechat: os.Getenv("WECHAT"), client: client}
	errs := make([]error, orders)
	var customers sync.WaitGroup
	for n := range orders {
		customers.Go(func() { errs[n] = s.sell(ctx, fmt.Sprintf("%s-%04d", cmp.Or(os.Getenv("SHOP"), "tea"), n), n) })
	}
	customers.Wait()
	return errors.Join(errs...)
}

// sell takes one order from its customer. Every step is safe to repeat: a shop that
// crashes anywhere in here begins again at the top.
func (s shop) sell(ctx context.Context, orderID string, n int) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	total := int64(1000 + n)
	prepared, err := s.client.Pay(ctx, events.PaymentRequest{
		Merchant: s.merchant, OrderID: orderID, Amount: events.Amount{Total: total}, Description: "One pot of tea",
		Metadata: map[string]string{"cart": strconv.Itoa(n)}, // comes back in every event
	})
	var rejected *order.RejectedError
	switch {
	case errors.Is(err, order.ErrPaid): // before a crash, or by another process
	case errors.As(err, &rejected):
		return fmt.Errorf("a bug of ours: %w", err)
	case err != nil:
		return err
	default:
		// The app hands prepared.Client to WeChat's SDK as it is, and the customer pays.
		if err := s.phone(ctx, prepared.Client); err != nil {
			return err
		}
		// The app says that its customer is back. Whether it was paid, payment.completed says.
		if err := s.client.Returned(ctx, s.merchant, orderID); err != nil {
			return err
		}
	}
	if n%10 == 0 { // the tea was cold
		// The number is made of the order, so that a repeat has the same one.
		_, err := s.client.Refund(ctx, events.RefundRequest{
			Merchant: s.merchant, OrderID: orderID, RefundID: orderID + "-R1",
			Amount: events.RefundAmount{Refund: 500, Total: total}, Reason: "The tea was cold",
		})
		if err != nil {
			return err
		}
	}
	fmt.Println("sold", orderID)
	return nil
}

// phone is the customer's.
func (s shop) phone(ctx context.Context, client map[string]string) error {
	body, err := json.Marshal(client)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.wechat+"/simulator/pay", bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("WeChat's app says %s", response.Status)
	}
	return nil
}
