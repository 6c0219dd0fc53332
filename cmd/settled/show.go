package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"settled"
	"settled/store"
)

var showCommand = command{
	name: "show", args: "--config F [--json] MERCHANT ORDER",
	summary: "shows one payment with its whole history",
	example: "settled show --config settled.yaml classic order0001",
	set: func(flags *flag.FlagSet) func(context.Context, environment, []string) error {
		file := configFlag(flags)
		asJSON := flags.Bool("json", false, "print JSON")
		return func(ctx context.Context, e environment, words []string) error {
			if len(words) != 2 {
				return misused("a merchant and an order are needed")
			}
			cfg, err := loadKeyless(*file, nil)
			if err != nil {
				return err
			}
			s, err := store.Open(store.Config{URL: cfg.Postgres.URL.Reveal(), Log: e.log})
			if err != nil {
				return err
			}
			defer func() { _ = s.Close() }()
			p, err := s.Payment(ctx, words[0], words[1])
			if errors.Is(err, settled.ErrNotFound) {
				return fmt.Errorf("there is no payment %s %s", words[0], words[1])
			}
			if err != nil {
				return err
			}
			story, err := readStory(ctx, s, p)
			if err != nil {
				return err
			}
			if *asJSON {
				return story.json(e.out)
			}
			return story.text(e.out)
		}
	},
}

// paymentStory is a payment with everything that happened to it.
type paymentStory struct {
	payment settled.Payment
	refunds []settled.Refund
	history []settled.Happening // before it: what was done to dead letters of the order
}

func readStory(ctx context.Context, ledger deadLedger, p settled.Payment) (paymentStory, error) {
	before, err := ledger.ToldOfOrder(ctx, []string{deadReplayed, deadDropped}, p.Merchant, p.OrderID)
	if err != nil {
		return paymentStory{}, err
	}
	history, err := ledger.History(ctx, p.ID)
	if err != nil {
		return paymentStory{}, err
	}
	refunds, err := ledger.Refunds(ctx, p.ID)
	return paymentStory{p, refunds, append(before, history...)}, err
}

// shownPayment is a payment as show prints it: everything but what only WeChat and the
// app should see.
type shownPayment struct {
	PaymentID     string            `json:"payment_id"`
	Merchant      string            `json:"merchant"`
	OrderID       string            `json:"order_id"`
	Status        settled.Status    `json:"status"`
	TradeType     settled.TradeType `json:"trade_type"`
	Amount        shownAmount       `json:"amount"`
	Description   string            `json:"description"`
	Metadata      map[string]string `json:"metadata,omitempty"`
	ExpiresAt     time.Time         `json:"expires_at"`
	PrepayID      string            `json:"prepay_id,omitempty"`
	TransactionID string            `json:"transaction_id,omitempty"`
	PaidAt        *time.Time        `json:"paid_at,omitempty"`
	Source        settled.Source    `json:"source,omitempty"`
	Late          bool              `json:"late,omitempty"`
	CloseReason   string            `json:"close_reason,omitempty"`
	FailureCode   string            `json:"failure_code,omitempty"`
	Failure       string            `json:"failure,omitempty"`
	DueAt         *time.Time        `json:"due_at,omitempty"`
	Attempts      int               `json:"attempts,omitempty"`
	Trouble       string            `json:"trouble,omitempty"`
	Acknowledged  *time.Time        `json:"acknowledged_at,omitempty"`
	Refunding     settled.Fen       `json:"refunding,omitempty"` // given back, or on its way
	CreatedAt     time.Time         `json:"created_at"`
	UpdatedAt     time.Time         `json:"updated_at"`
}

type shownAmount struct {
	Total    settled.Fen `json:"total"`
	Currency string      `json:"currency"`
}

// shownHappening is one row of the history.
type shownHappening struct {
	Version   int64           `json:"version"`
	At        time.Time       `json:"at"`
	Type      string          `json:"type"`
	ID        string          `json:"id"`
	From      settled.Status  `json:"from,omitempty"`
	To        settled.Status  `json:"to,omitempty"`
	Published string          `json:"published"`            // yes, no (not yet) or private
	RequestID string          `json:"request_id,omitempty"` // of WeChat's answer that brought it
	Data      json.RawMessage `json:"data"`
}

func shown(p settled.Payment) shownPayment {
	return shownPayment{
		PaymentID: p.ID, Merchant: p.Merchant, OrderID: p.OrderID, Status: p.Status, TradeType: p.TradeType,
		Amount: shownAmount(p.Amount), Description: p.Description, Metadata: p.Metadata, ExpiresAt: p.ExpiresAt,
		PrepayID: p.Prepared.PrepayID, TransactionID: p.Paid.TransactionID, PaidAt: there(p.Paid.PaidAt),
		Source: p.Source, Late: p.Late, CloseReason: string(p.CloseReason),
		FailureCode: p.Failure.Code, Failure: p.Failure.Message,
		DueAt: there(p.DueAt), Attempts: p.Attempts, Trouble: p.Trouble, Acknowledged: there(p.AcknowledgedAt), Refunding: p.Refunding,
		CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt,
	}
}

// shownRefund is a refund as show prints it.
type shownRefund struct {
	RefundID       string               `json:"refund_id"`
	Status         settled.RefundStatus `json:"status"`
	Amount         settled.Fen          `json:"amount"`
	Reason         string               `json:"reason,omitempty"`
	WechatRefundID string               `json:"wechat_refund_id,omitempty"`
	RefundedAt     *time.Time           `json:"refunded_at,omitempty"`
	Account        string               `json:"account,omitempty"`
	FailureCode    string               `json:"failure_code,omitempty"`
	Failure        string               `json:"failure,omitempty"`
	Held           bool                 `json:"held"` // it counts against what was paid
	DueAt          *time.Time           `json:"due_at,omitempty"`
	Attempts       int                  `json:"attempts,omitempty"`
	Trouble        string               `json:"trouble,omitempty"`
	CreatedAt      time.Time            `json:"created_at"`
	UpdatedAt      time.Time            `json:"updated_at"`
}

func shownRefunds(refunds []settled.Refund) []shownRefund {
	rows := make([]shownRefund, len(refunds))
	for i, r := range refunds {
		rows[i] = shownRefund{
			RefundID: r.RefundID, Status: r.Status, Amount: r.Amount, Reason: r.Reason, WechatRefundID: r.WechatRefundID,
			RefundedAt: there(r.RefundedAt), Account: r.Account, FailureCode: r.Failure.Code, Failure: r.Failure.Message,
			Held: r.Held, DueAt: there(r.DueAt), Attempts: r.Attempts, Trouble: r.Trouble,
			CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
		}
	}
	return rows
}

func there(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func shownHistory(history []settled.Happening) []shownHappening {
	rows := make([]shownHappening, len(history))
	for i, h := range history {
		published := "yes"
		switch {
		case h.Private:
			published = "private"
		case h.Queued:
			published = "no"
		}
		rows[i] = shownHappening{h.Version, h.At, h.Type, h.ID, h.From, h.To, published, h.RequestID, h.Data}
	}
	return rows
}

// shown is the story as --json prints it.
func (s paymentStory) shown() map[string]any {
	return map[string]any{"payment": shown(s.payment), "refunds": shownRefunds(s.refunds), "history": shownHistory(s.history)}
}

func (s paymentStory) json(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(s.shown())
}

func (s paymentStory) text(w io.Writer) error {
	p := s.payment
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(table, "%s\t%s\n", printable(name), printable(value))
		}
	}
	row("payment", p.ID)
	row("order", p.Merchant+" "+p.OrderID)
	row("status", string(p.Status))
	row("amount", p.Amount.String())
	row("description", p.Description)
	row("expires", clock(p.ExpiresAt))
	row("prepay id", p.Prepared.PrepayID)
	row("transaction", p.Paid.TransactionID)
	row("paid", clock(p.Paid.PaidAt))
	row("learned by", string(p.Source))
	row("closed because", string(p.CloseReason))
	row("failed because", strings.TrimSpace(p.Failure.Code+" "+p.Failure.Message))
	row("next look", clock(p.DueAt))
	row("trouble", p.Trouble)
	row("acknowledged", clock(p.AcknowledgedAt))
	for _, r := range s.refunds {
		row("refund "+r.RefundID, strings.TrimSpace(fmt.Sprintf("%s of %s, %s %s %s",
			r.Status, settled.Money{Total: r.Amount, Currency: r.Currency}, r.WechatRefundID, r.Failure.Code, r.Trouble)))
	}
	fmt.Fprint(table, "\n")
	for i, h := range shownHistory(s.history) {
		move := ""
		if h.To != "" {
			move = string(h.From) + " to " + string(h.To)
		}
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\tpublished: %s\t%s\n", h.Version, clock(h.At), h.Type, move, h.Published, printable(h.RequestID+inWords(s.history[i].Event)))
	}
	return table.Flush()
}

func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05.000 MST")
}
