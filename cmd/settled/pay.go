package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/google/uuid"

	"settled/cmd/settled/config"
	"settled/events"
	"settled/events/bus"
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
			cfg, err := load(*file, words)
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
			if _, err := events.ParsePaymentRequest(body, protocolsOf(cfg)); err != nil {
				return misuse{err}
			}
			ctx, cancel := context.WithTimeout(ctx, *wait)
			defer cancel()
			return submit(ctx, e, cfg, events.Envelope{
				ID: uuid.NewString(), Type: events.PaymentRequested, Merchant: *merchant, OrderID: *order, Time: time.Now(), Data: body,
			})
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

// connect opens the bus for a command that is over in a moment.
func connect(ctx context.Context, e environment, cfg *config.Config) (*bus.Bus, error) {
	return bus.Connect(ctx, bus.Config{
		URL: cfg.NATS.URL.Reveal(), Credentials: cfg.NATS.Credentials, Inbox: cfg.NATS.InboxPrefix, Prefix: cfg.NATS.Prefix,
		Replicas: cfg.NATS.Replicas, MaxMessages: cfg.NATS.MaxMessages, Name: "settled", Log: e.log,
	})
}

// submit publishes a request and prints what came of it.
func submit(ctx context.Context, e environment, cfg *config.Config, request events.Envelope) (err error) {
	b, err := connect(ctx, e, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close(context.WithoutCancel(ctx))) }()
	if err := b.Ensure(ctx); err != nil {
		return err
	}
	subject, replies, done := b.Expect()
	defer done()
	request.ReplyTo = subject
	if err := b.Publish(ctx, request); err != nil {
		return err
	}
	for recorded := false; ; {
		select {
		case reply := <-replies:
			switch reply.Kind {
			case events.ReplyRecorded:
				recorded = true
				continue
			case events.PaymentRejected, events.PaymentFailed, events.RefundFailed, events.RefundRejected:
				fmt.Fprintf(e.out, "%s\n", reply.Data)
				return errors.New(reply.Kind)
			}
			fmt.Fprintf(e.out, "%s\n", reply.Data)
			return nil
		case <-ctx.Done():
			if recorded {
				return errors.New("the request is recorded, and WeChat has not answered yet; settled goes on asking")
			}
			return errors.New("no worker answered; the request is in the stream and will be worked on")
		}
	}
}
