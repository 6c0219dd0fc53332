package ingress

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"settled"
	"settled/events"
)

// maxNotify is the largest notify, in bytes.
const maxNotify = 256 << 10

// notify is POST /notify/{merchant} and POST /notify/{merchant}/refund. What a notify tells
// of stands in it, whichever address WeChat was given for it. WeChat hears success only for what is committed; the
// repeat of an old notify is committed already, and hears success again.
func (in *Ingress) notify(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("merchant")
	merchant, ok := in.cfg.Merchants[name]
	if !ok {
		return &problem{Status: http.StatusNotFound, Detail: "There is no such merchant."}
	}
	ctx, cancel := context.WithTimeout(r.Context(), in.cfg.Patience)
	defer cancel()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxNotify))
	if err != nil {
		return readFailure(err)
	}
	said := settled.Busy // verifying costs most: who is turned away is so before
	line := in.line(name)
	if in.crowd.enter(notifies, name) {
		defer in.crowd.leave(notifies, name)
		said = in.take(ctx, r, &line, merchant, body)
	}
	in.answerNotify(w, line, merchant, said)
	return nil
}

// notifyLater is what WeChat hears of a notify that nobody has a hand for.
func (in *Ingress) notifyLater(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("merchant")
	if merchant, ok := in.cfg.Merchants[name]; ok {
		line := in.line(name)
		in.answerNotify(w, line, merchant, settled.Busy)
		return
	}
	write(w, busy())
}

// answerNotify answers in the words of the merchant's protocol.
func (in *Ingress) answerNotify(w http.ResponseWriter, line settled.Entry, merchant Merchant, said settled.Acknowledgement) {
	in.cfg.Metrics.Notified(line.Merchant, string(said))
	in.journal(line, said)
	answer := merchant.Notifies.Answer(said)
	if answer.ContentType != "" {
		w.Header().Set("Content-Type", answer.ContentType)
	}
	w.WriteHeader(answer.Status)
	_, _ = w.Write(answer.Body) // WeChat repeats what it did not hear
}

// take verifies a notify, publishes it and waits until it is safe to say so. What a verified
// one tells of comes into its line of the journal.
func (in *Ingress) take(ctx context.Context, r *http.Request, line *settled.Entry, merchant Merchant, body []byte) settled.Acknowledgement {
	name := line.Merchant
	n := settled.Notify{
		Method: r.Method, Query: r.URL.RawQuery, Header: kept(r.Header), Body: body, ReceivedAt: in.cfg.Now(),
	}
	source := sourceOf(r.RemoteAddr)
	news, err := in.verify(ctx, merchant, name, source, n)
	if ctx.Err() != nil {
		return settled.Busy
	}
	if err != nil {
		in.suspicion.note(source)
		in.suspicion.said.Do(func() {
			in.cfg.Log.WarnContext(ctx, "notify not verified", "merchant", name, "error", err)
		})
		return settled.Unverified
	}
	kind, orderID := subjectOf(news)
	line.Name, line.OrderID, line.RequestID = kind, orderID, r.Header.Get("Request-Id")
	err = in.forward(ctx, r, name, kind, orderID, n)
	in.crowd.waited(notifies, name, ctx.Err() != nil)
	if err != nil {
		if !errors.Is(err, context.Canceled) {
			in.cfg.Log.WarnContext(ctx, "notify not committed", "merchant", name, "order_id", orderID, "error", err)
		}
		return settled.Busy
	}
	if in.cfg.Acknowledged != nil && !in.cfg.Stored { // what is only stored may be committed much later
		in.cfg.Acknowledged(acknowledged(name, news, in.cfg.Now()))
	}
	return settled.Success
}

// acknowledged is what a notify that WeChat hears success for has said.
func acknowledged(merchant string, news settled.News, now time.Time) settled.Acknowledged {
	a := settled.Acknowledged{Merchant: merchant, At: now}
	switch {
	case news.Trade != nil:
		a.OrderID, a.TransactionID, a.Final = news.Trade.OrderID, news.Trade.TransactionID, news.Trade.Paid
	case news.Repayment != nil:
		a.OrderID, a.RefundID = news.Repayment.OrderID, news.Repayment.RefundID
		a.Final = !news.Repayment.Unproven && news.Repayment.State == settled.RepaymentSucceeded
	}
	return a
}

// subjectOf is what kind of notify this is, and the order that it tells of, empty if it
// tells of none.
func subjectOf(news settled.News) (kind, orderID string) {
	switch {
	case news.Trade != nil:
		return events.NotifyPayment, news.Trade.OrderID
	case news.Repayment != nil:
		return events.NotifyRefund, news.Repayment.OrderID
	}
	return events.NotifyPayment, ""
}

// verify verifies a notify as soon as there is a place for it, and reads it. Whether one
// verifies for which ctx was too short is not known.
func (in *Ingress) verify(ctx context.Context, merchant Merchant, name string, source netip.Addr, n settled.Notify) (settled.News, error) {
	leave, err := in.suspicion.enter(ctx, name, source)
	if err != nil {
		return settled.News{}, err
	}
	defer leave()
	return merchant.Notifies.Notify(ctx, n)
}

// forward publishes a verified notify; it returns nil when the stream has it or, unless
// that is enough, when a worker has committed what it means.
func (in *Ingress) forward(ctx context.Context, r *http.Request, merchant, kind, orderID string, n settled.Notify) error {
	data, err := json.Marshal(events.Notify{
		Merchant: merchant, Kind: kind, ReceivedAt: n.ReceivedAt.UTC().Format(time.RFC3339Nano),
		Method: n.Method, Query: n.Query, Headers: n.Header, Body: n.Body,
	})
	if err != nil {
		return fmt.Errorf("write %s: %w", events.NotifyReceived, err)
	}
	subject, replies, done := in.cfg.Bus.Expect()
	defer done()
	err = in.publish(ctx, r, events.Envelope{
		Type: events.NotifyReceived, Merchant: merchant, OrderID: orderID, ReplyTo: subject, Data: data,
	})
	if err != nil || in.cfg.Stored {
		return err
	}
	select {
	case reply := <-replies:
		if reply.Kind != events.ReplyCommitted {
			return fmt.Errorf("wait for the commit: a worker says %q", reply.Kind)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the commit: %w", ctx.Err())
	}
}

// kept are the headers that a protocol may need to verify a notify; anything else, such as
// what a proxy in front adds, is nobody's business further in.
func kept(header http.Header) map[string][]string {
	headers := map[string][]string{}
	for name, values := range header {
		if strings.HasPrefix(name, "Wechatpay-") || name == "Content-Type" || name == "Request-Id" {
			headers[name] = values
		}
	}
	return headers
}
