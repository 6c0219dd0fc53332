package workers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"settled"
	"settled/events"
)

// behind is how long a notify waits for the request of its order, which may still be on
// its way: one pause for each delivery, then the order is unknown.
var behind = []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}

// finalize is the pool that takes WeChat's notifies and completes what they pay.
func (w *Workers) finalize(ctx context.Context) error {
	return w.consume(ctx, "finalize", events.NotifyReceived, w.notified)
}

// notified takes one notify. Ingress has verified it; it is verified again, because the
// bus is no proof of where a message comes from. Whoever waits for it (ingress, and behind
// it WeChat) is told after the commit.
func (w *Workers) notified(ctx context.Context, m events.Message) error {
	var n events.Notify
	if err := json.Unmarshal(m.Data, &n); err != nil {
		return events.Park(fmt.Errorf("read notify: %w", err))
	}
	merchant, ok := w.cfg.Merchants[n.Merchant]
	if !ok {
		return events.Park(fmt.Errorf("notify of a merchant that is not configured: %.64q", n.Merchant))
	}
	news, err := merchant.Gateway.Notify(ctx, settled.Notify{
		Method: n.Method, Query: n.Query, Header: n.Headers, Body: n.Body, ReceivedAt: received(n, m),
	})
	switch {
	case err != nil && ctx.Err() != nil:
		return fmt.Errorf("read notify of %s: %w", n.Merchant, ctx.Err()) // it may verify, given the time
	case err != nil:
		return events.Park(fmt.Errorf("read notify of %s: %w", n.Merchant, err))
	}
	if err := w.hear(ctx, m, n.Merchant, news); err != nil {
		return err
	}
	w.reply(ctx, m, events.ReplyCommitted, struct{}{})
	return nil
}

// received is when a notify came in: however long it waited in the stream, its signature
// is as fresh as it was then.
func received(n events.Notify, m events.Message) time.Time {
	at, err := time.Parse(time.RFC3339Nano, n.ReceivedAt)
	if err != nil {
		return m.At
	}
	return at
}

// hear does what a verified notify means, whatever it tells of.
func (w *Workers) hear(ctx context.Context, m events.Message, merchant string, news settled.News) error {
	switch {
	case news.Trade != nil:
		return w.believe(ctx, m, merchant, *news.Trade)
	case news.Repayment != nil:
		return w.believeRefund(ctx, m, merchant, *news.Repayment)
	default:
		return w.ignore(ctx, m, merchant, news)
	}
}

// ignore notes a notify about something else that WeChat sells, so that WeChat can be told
// that it was heard.
func (w *Workers) ignore(ctx context.Context, m events.Message, merchant string, news settled.News) error {
	data, err := json.Marshal(map[string]string{"type": clip(news.Type, 64)})
	if err != nil {
		return fmt.Errorf("write %s: %w", settled.EventNotifyIgnored, err)
	}
	w.cfg.Log.WarnContext(ctx, "notify ignored", "merchant", merchant, "type", clip(news.Type, 64))
	_, err = w.cfg.Ledger.Tell(ctx, settled.Event{
		ID: settled.EventID(settled.EventNotifyIgnored, m.ID), Type: settled.EventNotifyIgnored, Merchant: merchant,
		At: w.cfg.Now(), Data: data, Private: true,
	})
	return err
}

// believe does what a verified notify means.
func (w *Workers) believe(ctx context.Context, m events.Message, merchant string, t settled.Trade) error {
	p, err := w.cfg.Ledger.Payment(ctx, merchant, t.OrderID)
	switch {
	case errors.Is(err, settled.ErrNotFound):
		return w.unknownOrder(ctx, m, merchant, t)
	case err != nil:
		return err
	case !t.Paid:
		return w.hint(ctx, p) // a notify that tells of no payment is a hint to ask
	default:
		return w.complete(ctx, p, t, settled.FromNotify)
	}
}

// unknownOrder waits a while for the order to appear, then flags it.
func (w *Workers) unknownOrder(ctx context.Context, m events.Message, merchant string, t settled.Trade) error {
	unknown := settled.Payment{Merchant: merchant, OrderID: t.OrderID}
	const reason = settled.UnknownOrder
	detail := fmt.Sprintf("WeChat says that transaction %s of %d fen paid this order", t.TransactionID, t.Amount.Total)
	return w.flagUnknown(ctx, m, unknown, reason, detail, t.TransactionID)
}

// flagUnknown waits a while for what a notify tells of to appear, then flags that it is
// not there.
func (w *Workers) flagUnknown(ctx context.Context, m events.Message, p settled.Payment, reason settled.FlagReason, detail, number string) error {
	event, err := w.event(p, events.PaymentFlagged, events.FlaggedOrder{
		Merchant: p.Merchant, OrderID: p.OrderID, Reason: string(reason), Detail: detail,
	}, string(reason), number)
	if err != nil {
		return err
	}
	if m.Attempt <= len(behind) {
		if told, err := w.cfg.Ledger.Told(ctx, event.ID); err != nil || told {
			return err
		}
		return events.Later(fmt.Errorf("%s of %s/%s: %w", reason, p.Merchant, p.OrderID, settled.ErrNotFound), behind[m.Attempt-1])
	}
	return w.tellFlag(ctx, event, reason)
}
