package ingress

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"settled"
	"settled/events"
)

const (
	longestWait = 10 * time.Second
	// recheck is how often PostgreSQL is read while a reply is waited for: replies are a
	// courtesy and may get lost.
	recheck = 500 * time.Millisecond
)

// outcome is what has become of a request so far.
type outcome struct {
	recorded *accepted // PostgreSQL has it; nil: only the stream has it
	ended    string    // the type of the event that answers it; empty: none yet
	data     []byte    // that event's body
}

// submission is a request of an order system on its way to a worker.
type submission struct {
	eventType string // the message that carries it
	merchant  string
	orderID   string
	refundID  string // empty if it asks for no refund
	body      []byte
	location  string // where its state can be read
	// lookUp reads in PostgreSQL what a lost reply would have told.
	lookUp func(ctx context.Context, o *outcome)
}

// submit publishes a request and waits: for the commit, unless a place in the stream is
// enough, and for the outcome as long as the caller prefers to.
func (in *Ingress) submit(r *http.Request, s submission, wait time.Duration) (outcome, error) {
	if !in.crowd.enter(orders, s.merchant) {
		return outcome{}, unavailable("This merchant's requests can't be recorded in time.")
	}
	defer in.crowd.leave(orders, s.merchant)
	ctx, cancel := context.WithTimeout(r.Context(), max(in.cfg.Patience, wait))
	defer cancel()
	subject, replies, done := in.cfg.Bus.Expect()
	defer done()

	taken, cancelTaken := context.WithTimeout(ctx, in.cfg.Patience)
	defer cancelTaken()
	err := in.publish(taken, r, events.Envelope{
		Type: s.eventType, Merchant: s.merchant, OrderID: s.orderID, ReplyTo: subject, Data: s.body,
	})
	var o outcome
	if err == nil && !in.cfg.Stored {
		if o.await(taken, s, replies, outcome.isRecorded) != nil {
			err = unavailable("The request was not recorded in time.")
		}
	}
	in.crowd.waited(orders, s.merchant, taken.Err() != nil)
	if err != nil {
		return outcome{}, err
	}
	if wait > 0 {
		waited, cancelWaited := context.WithTimeout(ctx, wait)
		defer cancelWaited()
		_ = o.await(waited, s, replies, outcome.isEnded) // the wait is a preference
	}
	return o, nil
}

func (o outcome) isRecorded() bool { return o.recorded != nil || o.ended != "" }
func (o outcome) isEnded() bool    { return o.ended != "" }

// await gathers what becomes of a request until enough of it is known. Replies bring the
// news fast; PostgreSQL is asked as well.
func (o *outcome) await(ctx context.Context, s submission, replies <-chan events.Reply, enough func(outcome) bool) error {
	ticker := time.NewTicker(recheck)
	defer ticker.Stop()
	for !enough(*o) {
		select {
		case reply := <-replies:
			if err := o.hear(reply); err != nil {
				return err
			}
		case <-ticker.C:
			s.lookUp(ctx, o)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// hear takes a worker's reply.
func (o *outcome) hear(reply events.Reply) error {
	if reply.Kind != events.ReplyRecorded {
		o.ended, o.data = reply.Kind, reply.Data
		return nil
	}
	o.recorded = &accepted{}
	if err := json.Unmarshal(reply.Data, o.recorded); err != nil {
		return fmt.Errorf("read reply: %w", err)
	}
	return nil
}

// paymentLookUp reads what became of a request for a payment.
func (in *Ingress) paymentLookUp(request events.PaymentRequest) func(context.Context, *outcome) {
	return func(ctx context.Context, o *outcome) {
		p, err := in.cfg.Ledger.Payment(ctx, request.Merchant, request.OrderID)
		if err != nil || p.Fingerprint != request.Fingerprint() {
			return // with other content the worker will say that this is a conflict
		}
		o.recorded = &accepted{PaymentID: p.ID, Merchant: p.Merchant, OrderID: p.OrderID, Status: string(p.Status)}
		if arrival, err := in.cfg.Ledger.Arrival(ctx, p); err == nil {
			o.ended, o.data = arrival.Type, arrival.Data
		}
	}
}

// write answers the caller with what is known.
func (o outcome) write(w http.ResponseWriter, s submission) error {
	switch o.ended {
	case events.PaymentRejected:
		return rejected(o.data)
	case events.PaymentFailed:
		return failed(o.data)
	case events.RefundRejected, events.RefundFailed:
		return refusedRefund(o.data)
	}
	w.Header().Set("Location", s.location)
	if o.ended != "" && w.Header().Get("Preference-Applied") != "" {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write(o.data) // the caller has gone if this fails
		return nil
	}
	body := accepted{Merchant: s.merchant, OrderID: s.orderID, RefundID: s.refundID, Status: string(settled.StatusRequested)}
	if o.recorded != nil {
		body = *o.recorded
	}
	writeJSON(w, http.StatusAccepted, body)
	return nil
}

// rejected is payment.rejected as a problem.
func rejected(data []byte) error {
	var body events.Rejected
	if err := json.Unmarshal(data, &body); err != nil {
		return fmt.Errorf("read rejection: %w", err)
	}
	if body.Error != nil {
		return &problem{Status: http.StatusConflict, Detail: body.Error.Message, Failure: body.Error}
	}
	return badInput(body.Problems)
}

// failed is payment.failed as a problem.
func failed(data []byte) error {
	var body events.Failed
	if err := json.Unmarshal(data, &body); err != nil {
		return fmt.Errorf("read failure: %w", err)
	}
	return &problem{
		Status: http.StatusUnprocessableEntity, Detail: "WeChat refused the payment: " + body.Error.Message, Failure: &body.Error,
	}
}

// preferredWait reads "Prefer: wait=N" (RFC 7240), at most 10 seconds; zero if the caller
// does not want to wait.
func preferredWait(header http.Header) time.Duration {
	for _, line := range header.Values("Prefer") {
		for preference := range strings.SplitSeq(line, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(preference), "=")
			if !strings.EqualFold(strings.TrimSpace(name), "wait") {
				continue
			}
			seconds, err := strconv.Atoi(strings.Trim(strings.TrimSpace(value), `"`))
			if errors.Is(err, strconv.ErrRange) && seconds > 0 {
				return longestWait
			}
			if err == nil && seconds > 0 {
				return min(time.Duration(seconds)*time.Second, longestWait)
			}
		}
	}
	return 0
}
