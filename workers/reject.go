package workers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"settled"
	"settled/events"
)

// reject tells that a request was wrong. Nothing is recorded and nothing is sent to
// WeChat; the same wrong request sent again is the same event again.
func (w *Workers) reject(ctx context.Context, m events.Message, r events.PaymentRequest, why events.Rejected) error {
	why.Merchant, why.OrderID = r.Merchant, r.OrderID
	data, err := json.Marshal(why)
	if err != nil {
		return fmt.Errorf("write rejection: %w", err)
	}
	content := sha256.Sum256(m.Data)
	return w.refuse(ctx, m, settled.Event{
		ID:   settled.EventID(events.PaymentRejected, hex.EncodeToString(content[:]), string(data)),
		Type: events.PaymentRejected, Merchant: r.Merchant, OrderID: r.OrderID, At: w.cfg.Now(), Data: data,
	})
}

// refuse tells the event that answers a wrong request, or tells it once more.
func (w *Workers) refuse(ctx context.Context, m events.Message, event settled.Event) error {
	told, err := w.cfg.Ledger.Tell(ctx, event)
	if err != nil {
		return err
	}
	if !told {
		if err := w.cfg.Ledger.Repeat(ctx, event.ID); err != nil {
			return err
		}
	}
	w.cfg.Metrics.Rejected(w.known(event.Merchant))
	w.reply(ctx, m, event.Type, event.Data)
	return nil
}

// UnknownMerchant is what metrics call a merchant that is not in the configuration, or not
// named at all: what anybody may write into a request is no label.
const UnknownMerchant = "unknown"

func (w *Workers) known(merchant string) string {
	if _, ok := w.cfg.Merchants[merchant]; ok {
		return merchant
	}
	return UnknownMerchant
}

// reply tells whoever waits for the message what has been committed. It is a courtesy: a
// reply that gets lost changes nothing, and who waits can read the payment.
func (w *Workers) reply(ctx context.Context, m events.Message, kind string, body any) {
	to := m.Value(events.HeaderReply)
	if to == "" {
		return
	}
	data, ok := body.([]byte)
	if !ok {
		var err error
		if data, err = json.Marshal(body); err != nil {
			w.cfg.Log.ErrorContext(ctx, "reply not written", "kind", kind, "error", err)
			return
		}
	}
	if err := w.cfg.Bus.Reply(to, events.Reply{Kind: kind, Data: data}); err != nil {
		w.cfg.Log.WarnContext(ctx, "reply not sent", "kind", kind, "error", err)
	}
}
