package ingress

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/google/uuid"

	"settled"
	"settled/events"
)

// requestPayment is POST /v1/payments.
func (in *Ingress) requestPayment(w http.ResponseWriter, r *http.Request) error {
	caller, body, err := in.read(w, r)
	if err != nil {
		return err
	}
	request, err := events.ParsePaymentRequest(body, in.protocols)
	if err := caller.judge(request.Merchant, err); err != nil {
		return err
	}
	if err := in.inTime(r.Context(), request); err != nil {
		return err
	}
	return in.answer(w, r, submission{
		eventType: events.PaymentRequested, merchant: request.Merchant, orderID: request.OrderID, body: body,
		location: location("payments", request.Merchant, request.OrderID), lookUp: in.paymentLookUp(request),
	})
}

// read lets the caller in and reads what it sends.
func (in *Ingress) read(w http.ResponseWriter, r *http.Request) (*caller, []byte, error) {
	caller, err := in.gate.enter(r)
	if err != nil {
		return nil, nil, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, events.MaxBody))
	if err != nil {
		return nil, nil, readFailure(err)
	}
	return caller, body, nil
}

// judge says what is wrong with a request that was parsed with err. Whether the token may
// speak for the merchant is answered before what is wrong with the rest.
func (c *caller) judge(merchant string, err error) error {
	if merchant != "" {
		if err := c.speaksFor(merchant); err != nil {
			return err
		}
	}
	var problems events.Problems
	switch {
	case errors.As(err, &problems):
		return badInput(problems)
	case err != nil:
		return badInput(events.Problems{{Issue: err.Error()}})
	}
	return nil
}

// answer submits a request and tells the caller what became of it.
func (in *Ingress) answer(w http.ResponseWriter, r *http.Request, s submission) error {
	wait := preferredWait(r.Header)
	outcome, err := in.submit(r, s, wait)
	if err != nil {
		return err
	}
	if wait > 0 {
		w.Header().Set("Preference-Applied", fmt.Sprintf("wait=%d", int(wait.Seconds())))
	}
	return outcome.write(w, s)
}

// inTime refuses a request whose time is over, unless it repeats one that was in time.
// When PostgreSQL can't say, the worker will.
func (in *Ingress) inTime(ctx context.Context, r events.PaymentRequest) error {
	if r.ExpiresAt.IsZero() || r.ExpiresAt.After(in.cfg.Now()) {
		return nil
	}
	if _, err := in.cfg.Ledger.Payment(ctx, r.Merchant, r.OrderID); errors.Is(err, settled.ErrNotFound) {
		return badInput(events.Problems{{Field: "expires_at", Issue: "must be in the future"}})
	}
	return nil
}

// publish puts a message of this merchant's order into its stream.
func (in *Ingress) publish(ctx context.Context, r *http.Request, e events.Envelope) error {
	id, err := uuid.NewRandom()
	if err != nil {
		return fmt.Errorf("make a message id: %w", err)
	}
	e.ID, e.Time = id.String(), in.cfg.Now()
	e.Traceparent = traceparent(r)
	if err := in.cfg.Bus.Publish(ctx, e); err != nil {
		return fmt.Errorf("publish %s: %w", e.Type, err)
	}
	return nil
}

// showPayment is GET /v1/payments/{merchant}/{order_id}.
func (in *Ingress) showPayment(w http.ResponseWriter, r *http.Request) error {
	p, err := in.named(r)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, stateOf(p))
	return nil
}

// named finds the payment that the address names, if the token may see it.
func (in *Ingress) named(r *http.Request) (settled.Payment, error) {
	caller, err := in.gate.enter(r)
	if err != nil {
		return settled.Payment{}, err
	}
	merchant := r.PathValue("merchant")
	if err := caller.speaksFor(merchant); err != nil {
		return settled.Payment{}, err
	}
	return in.cfg.Ledger.Payment(r.Context(), merchant, r.PathValue("order_id"))
}

// returnedWithToken is POST /v1/payments/{merchant}/{order_id}/returned.
func (in *Ingress) returnedWithToken(w http.ResponseWriter, r *http.Request) error {
	p, err := in.named(r)
	if err != nil {
		return err
	}
	return in.returned(w, r, p)
}

// returnedByApp is POST /returned/{payment_id}: no token, so the id must be known and each
// payment may be named only so often.
func (in *Ingress) returnedByApp(w http.ResponseWriter, r *http.Request) error {
	parsed, err := uuid.Parse(r.PathValue("payment_id"))
	if err != nil {
		return settled.ErrNotFound
	}
	id := parsed.String() // one way to write it, so that the limit holds
	if !in.hints.allow(id) {
		return &problem{Status: http.StatusTooManyRequests, Detail: "We have heard.", retryAfter: hintEvery}
	}
	p, err := in.cfg.Ledger.PaymentByID(r.Context(), id)
	if err != nil {
		return err
	}
	return in.returned(w, r, p)
}

func (in *Ingress) returned(w http.ResponseWriter, r *http.Request, p settled.Payment) error {
	data, err := json.Marshal(events.Return{Merchant: p.Merchant, OrderID: p.OrderID})
	if err != nil {
		return fmt.Errorf("write %s: %w", events.PaymentReturned, err)
	}
	ctx, cancel := context.WithTimeout(r.Context(), in.cfg.Patience)
	defer cancel()
	err = in.publish(ctx, r, events.Envelope{
		Type: events.PaymentReturned, Merchant: p.Merchant, OrderID: p.OrderID, Data: data,
	})
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusAccepted, accepted{
		PaymentID: p.ID, Merchant: p.Merchant, OrderID: p.OrderID, Status: string(p.Status),
	})
	return nil
}

// accepted is the body of a 202.
type accepted struct {
	PaymentID string `json:"payment_id,omitempty"`
	Merchant  string `json:"merchant"`
	OrderID   string `json:"order_id"`
	RefundID  string `json:"refund_id,omitempty"`
	Status    string `json:"status"`
}

// location is the address of one of the things a merchant has.
func location(things, merchant, id string) string {
	return "/v1/" + things + "/" + url.PathEscape(merchant) + "/" + url.PathEscape(id)
}

// readFailure is a body that could not be read: too large, or cut off.
func readFailure(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	return &problem{Status: http.StatusBadRequest, Detail: "The body could not be read."}
}
