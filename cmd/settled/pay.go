package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"time"

	"github.com/google/uuid"

	"settled/cmd/settled/config"
	"settled/events"
	"settled/store"
)

var payCommand = command{
	name: "pay", args: "--config F --merchant M --order O --amount FEN [--trade-type T] [--openid O] [--wait 10s]",
	summary: "publishes a payment.requested and waits for the answer",
	example: "settled pay --config settled.yaml --merchant classic --order order0001 --amount 1999",
	set: func(flags *flag.FlagSet) func(context.Context, environment, []string) error {
		file := configFlag(flags)
		merchant := flags.String("merchant", "", "the merchant's `name` in the configuration")
		order := flags.String("order", "", "the order `id`")
		amount := flags.Int64("amount", 0, "the total in `fen`")
		tradeType := flags.String("trade-type", "APP", "APP, JSAPI, NATIVE or H5")
		openID := flags.String("openid", "", "the customer's `openid`, which JSAPI needs")
		description := flags.String("description", "settled pay", "what the customer reads")
		wait := flags.Duration("wait", 10*time.Second, "how long to wait for the answer")
		return func(ctx context.Context, e environment, words []string) error {
			if *wait <= 0 {
				return misused("--wait must be more than nothing")
			}
			cfg, err := loadKeyless(*file, words)
			if err != nil {
				return err
			}
			request := map[string]any{
				"merchant": *merchant, "order_id": *order, "amount": map[string]any{"total": *amount},
				"description": *description, "trade_type": *tradeType,
			}
			if *openID != "" {
				request["payer"] = map[string]string{"openid": *openID}
			}
			body, err := json.Marshal(request)
			if err != nil {
				return fmt.Errorf("write the request: %w", err)
			}
			parsed, err := events.ParsePaymentRequest(body, protocolsOf(cfg))
			if err != nil {
				return misuse{err}
			}
			s, err := store.Open(store.Config{URL: cfg.Postgres.URL.Reveal(), Log: e.log})
			if err != nil {
				return err
			}
			defer func() { _ = s.Close() }()
			ctx, cancel := context.WithTimeout(ctx, *wait)
			defer cancel()
			return submit(ctx, e, cfg, s, question{books: paymentBooks(parsed), request: events.Envelope{
				ID: uuid.NewString(), Type: events.PaymentRequested, Merchant: *merchant, OrderID: *order, Time: time.Now(), Data: body,
			}})
		}
	},
}

func protocolsOf(cfg *config.Config) map[string]string {
	protocols := map[string]string{}
	for name, m := range cfg.Merchants {
		protocols[name] = m.Protocol
	}
	return protocols
}
