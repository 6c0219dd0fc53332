package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/google/uuid"

	"settled"
	"settled/events"
	"settled/store"
)

var refundCommand = command{
	name: "refund", args: "--config F --merchant M --order O --refund R --amount FEN [--reason R] [--wait 10s]",
	summary: "publishes a refund.requested and waits for the answer",
	example: "settled refund --config settled.yaml --merchant shop3 --order order0001 --refund order0001-R1 --amount 500",
	set: func(flags *flag.FlagSet) func(context.Context, environment, []string) error {
		file := configFlag(flags)
		merchant := flags.String("merchant", "", "the merchant's `name` in the configuration")
		order := flags.String("order", "", "the order `id`")
		refund := flags.String("refund", "", "the refund `id`: the same one refunds once, another one refunds again")
		amount := flags.Int64("amount", 0, "how much to give back, in `fen`")
		reason := flags.String("reason", "", "what the customer reads")
		wait := flags.Duration("wait", 10*time.Second, "how long to wait for the answer")
		return func(ctx context.Context, e environment, words []string) error {
			if *wait <= 0 {
				return misused("--wait must be more than nothing")
			}
			cfg, err := loadKeyless(*file, words)
			if err != nil {
				return err
			}
			s, err := store.Open(store.Config{URL: cfg.Postgres.URL.Reveal(), Log: e.log})
			if err != nil {
				return err
			}
			defer func() { _ = s.Close() }()
			ctx, cancel := context.WithTimeout(ctx, *wait)
			defer cancel()
			total, err := paidTotal(ctx, s, *merchant, *order)
			if err != nil {
				return err
			}
			body, err := json.Marshal(map[string]any{
				"merchant": *merchant, "order_id": *order, "refund_id": *refund, "reason": *reason,
				"amount": events.RefundAmount{Refund: *amount, Total: int64(total), Currency: settled.CNY},
			})
			if err != nil {
				return fmt.Errorf("write the request: %w", err)
			}
			parsed, err := events.ParseRefundRequest(body, protocolsOf(cfg))
			if err != nil {
				return misuse{err}
			}
			return submit(ctx, e, cfg, s, question{books: refundBooks(parsed), request: events.Envelope{
				ID: uuid.NewString(), Type: events.RefundRequested, Merchant: *merchant, OrderID: *order, Time: time.Now(), Data: body,
			}})
		}
	},
}

// paidTotal is what the order's payment was for, which every refund of it has to name.
func paidTotal(ctx context.Context, s *store.Store, merchant, order string) (settled.Fen, error) {
	p, err := s.Payment(ctx, merchant, order)
	if errors.Is(err, settled.ErrNotFound) {
		return 0, fmt.Errorf("there is no payment %s %s", merchant, order)
	}
	return p.Amount.Total, err
}
