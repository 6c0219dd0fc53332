package peer

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"settled"
	"settled/bench/shop"
	"settled/events"
)

// desktop is a desk that answers HTTP and publishes one message at a time.
type desktop struct {
	*desk
	stream jetstream.JetStream
}

// serve opens the desk and answers until ctx ends.
func serve(ctx context.Context, task []byte, route string, handle func(*desktop, http.ResponseWriter, *http.Request)) error {
	own, err := open(ctx, task)
	if err != nil {
		return err
	}
	defer own.db.Close()
	nc, err := nats.Connect(own.NATS)
	if err != nil {
		return err
	}
	defer nc.Close()
	d := &desktop{desk: own}
	if d.stream, err = jetstream.New(nc); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc(route, func(w http.ResponseWriter, r *http.Request) { handle(d, w, r) })
	server := &http.Server{Addr: own.Listen, Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() }) // the measuring is over
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Publisher takes orders as a plain handler does: it checks the token and the order, and
// answers once its one message is in the stream.
func Publisher(ctx context.Context, task []byte) error {
	return serve(ctx, task, "POST /v1/payments", (*desktop).order)
}

var protocols = map[string]string{shop.V2: "v2", shop.V3: "v3"}

func (d *desktop) order(w http.ResponseWriter, r *http.Request) {
	if token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); token != shop.Token {
		http.Error(w, "unknown token", http.StatusUnauthorized)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, events.MaxBody))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	request, err := events.ParsePaymentRequest(body, protocols)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if _, err := d.stream.Publish(r.Context(), d.Prefix+events.PaymentRequested, body); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Location", "/v1/payments/"+request.Merchant+"/"+request.OrderID)
	w.WriteHeader(http.StatusAccepted)
	_ = json.NewEncoder(w).Encode(map[string]string{"merchant": request.Merchant, "order_id": request.OrderID, "status": "requested"})
}

// Committer takes notifies as a plain handler does: it verifies one, completes its payment
// in one transaction, with the event in an outbox, publishes that, takes it out of the
// outbox and answers.
func Committer(ctx context.Context, task []byte) error {
	return serve(ctx, task, "POST /notify/{merchant}", (*desktop).notify)
}

// Outbox is the table that Committer needs.
const Outbox = "create table plain_outbox (id uuid primary key, subject text not null, data jsonb not null)"

func (d *desktop) notify(w http.ResponseWriter, r *http.Request) {
	merchant := r.PathValue("merchant")
	gateway, known := d.gateways[merchant]
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, events.MaxBody))
	if err != nil || !known {
		http.Error(w, "not read", http.StatusBadRequest)
		return
	}
	said := settled.Success
	news, err := gateway.Notify(r.Context(), settled.Notify{Method: r.Method, Header: r.Header, Body: body, ReceivedAt: time.Now()})
	if err != nil || news.Trade == nil {
		said = settled.Unverified
	} else if err := d.finish(r.Context(), merchant, *news.Trade); err != nil {
		said = settled.Busy
	}
	answer := gateway.Answer(said)
	if answer.ContentType != "" {
		w.Header().Set("Content-Type", answer.ContentType)
	}
	w.WriteHeader(answer.Status)
	_, _ = w.Write(answer.Body) // who did not hear it asks again
}

func (d *desktop) finish(ctx context.Context, merchant string, trade settled.Trade) error {
	var event *events.Envelope
	err := pgx.BeginFunc(ctx, d.db, func(tx pgx.Tx) (err error) {
		if event, err = complete(ctx, tx, merchant, trade); err != nil || event == nil {
			return err
		}
		_, err = tx.Exec(ctx, "insert into plain_outbox (id, subject, data) values ($1, $2, $3)", event.ID, event.Type, event.Data)
		return err
	})
	if err != nil || event == nil {
		return err
	}
	m := &nats.Msg{Subject: d.Prefix + event.Type, Header: nats.Header(event.Header()), Data: event.Data}
	if _, err := d.stream.PublishMsg(ctx, m); err != nil {
		return err
	}
	_, err = d.db.Exec(ctx, "delete from plain_outbox where id = $1", event.ID)
	return err
}
