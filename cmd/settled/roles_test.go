package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"settled/events"
	"settled/events/bus"
	ours "settled/order"
	"settled/subscribe"
)

var roles = []string{"order_system", "ingress", "worker", "subscriber", "operator"}

// guarded is a NATS server that runs by the file of deploy/nats.
type guarded struct {
	t    *testing.T
	host string
}

// newGuarded starts it. The passwords are in the environment, so its tests are not parallel.
func newGuarded(t *testing.T) guarded {
	t.Helper()
	for _, role := range roles {
		t.Setenv("SETTLED_"+strings.ToUpper(role)+"_PASSWORD", passwordOf(role))
	}
	options, err := natsserver.ProcessConfigFile("../../deploy/nats/settled.conf")
	if err != nil {
		t.Fatal(err)
	}
	options.Port, options.StoreDir, options.NoSigs, options.NoLog = natsserver.RANDOM_PORT, t.TempDir(), true, true
	server, err := natsserver.NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	server.Start()
	t.Cleanup(func() { server.Shutdown(); server.WaitForShutdown() })
	if !server.ReadyForConnections(patience) {
		t.Fatal("the server does not take connections")
	}
	return guarded{t, server.Addr().String()}
}

func passwordOf(role string) string { return "password-of-" + role }

func (g guarded) url(role string) string {
	return "nats://" + role + ":" + passwordOf(role) + "@" + g.host
}

// as connects in a role. denied gets what the server refuses.
func (g guarded) as(role string) (nc *nats.Conn, denied <-chan error) {
	g.t.Helper()
	refused := make(chan error, 100)
	nc, err := nats.Connect(g.url(role), nats.CustomInboxPrefix("_INBOX."+role), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		select {
		case refused <- err:
		default:
		}
	}))
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(nc.Close)
	return nc, refused
}

// configured writes the world's configuration once more, for a process in a role.
func (g guarded) configured(w *world, role string) (file string) {
	g.t.Helper()
	text, err := os.ReadFile(w.file)
	if err != nil {
		g.t.Fatal(err)
	}
	text = bytes.Replace(text, []byte(fmt.Sprintf("url: %q", w.nats.URL())), fmt.Appendf(nil, "inbox_prefix: _INBOX.%s, url: %q", role, g.url(role)), 1)
	text = bytes.Replace(text, []byte(strings.TrimPrefix(w.admin, "http://")), []byte(freeAddress(g.t)), 1)
	file = filepath.Join(g.t.TempDir(), role+".yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		g.t.Fatal(err)
	}
	return file
}

// A payment goes from its request to its end, each process in its role and nobody more.
func TestEachRoleMayDoWhatItMust(t *testing.T) { //nolint:paralleltest // the passwords are in the environment
	g := newGuarded(t)
	subscriber, refused := g.as("subscriber")
	completed, err := subscriber.SubscribeSync(events.PaymentCompleted)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, worldConfig{})
	log := &written{}
	w.log = log
	file := g.configured(w, "operator")
	ofIngress := g.configured(w, "ingress")
	w.file = g.configured(w, "worker")
	w.serveParts(parts{workers: true, admin: true})
	w.file = ofIngress
	w.serveParts(parts{ingress: true, admin: true})

	prepared := w.call(http.MethodPost, "/v1/payments", order("roles0001", nil), append([]string{"Prefer", "wait=10"}, bearer...)...)
	if prepared.status != http.StatusOK {
		t.Fatalf("over HTTP: %d %s", prepared.status, prepared.text)
	}
	w.customerPays(prepared.body)
	told, err := completed.NextMsg(patience)
	if err != nil || !strings.Contains(string(told.Data), "roles0001") {
		t.Fatalf("the subscriber heard %v, %v", told, err)
	}

	shop, shopRefused := g.as("order_system")
	client, err := ours.New(shop, ours.Config{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := client.Pay(ctx, events.PaymentRequest{
		Merchant: "classic", OrderID: "roles0002", Amount: events.Amount{Total: 1999}, Description: "One pot of tea",
	}); err != nil {
		t.Errorf("the order system got no answer: %v", err)
	}
	g.reads(subscriber)

	for _, arguments := range [][]string{
		{"pay", "--merchant", "classic", "--order", "roles0003", "--amount", "1"}, {"audit"}, {"dead", "list"},
	} {
		if got := settledRuns(t.Context(), append(arguments, "--config", file)...); got.code != 0 {
			t.Errorf("settled %s: %d %s %s", arguments[0], got.code, got.out, got.err)
		}
	}
	if got := settledRuns(t.Context(), "check", "--config", file); !strings.Contains(got.out, "right  nats") {
		t.Errorf("settled check: %s", got.out)
	}
	g.buries(file)
	if text := log.String(); strings.Contains(text, "Permissions Violation") {
		t.Errorf("a process was refused something: %s", text[strings.Index(text, "Permissions Violation"):][:120])
	}
	for _, role := range roles {
		if strings.Contains(log.String(), passwordOf(role)) {
			t.Errorf("the password of %s is in the logs", role)
		}
	}
	if len(refused)+len(shopRefused) > 0 {
		t.Error("the subscriber or the order system was refused something")
	}
}

// reads takes what happened through the durable consumer that the operator made.
func (g guarded) reads(subscriber *nats.Conn) {
	g.t.Helper()
	operator, _ := g.as("operator")
	made, err := jetstream.New(operator)
	if err != nil {
		g.t.Fatal(err)
	}
	if _, err := made.CreateConsumer(g.t.Context(), bus.Out, jetstream.ConsumerConfig{Durable: "subscriber", AckPolicy: jetstream.AckExplicitPolicy}); err != nil {
		g.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(g.t.Context(), patience)
	defer cancel()
	var read atomic.Int64
	err = subscribe.Run(ctx, subscriber, subscribe.Config{
		Name: "subscriber", Park: func(_ context.Context, p subscribe.Parked) error { g.t.Errorf("parked: %v", p.Reason); return nil },
	}, func(context.Context, subscribe.Event) error {
		if read.Add(1) == 2 {
			cancel()
		}
		return nil
	})
	if err != nil || read.Load() < 2 {
		g.t.Errorf("the subscriber read %d events: %v", read.Load(), err)
	}
}

// buries lets the worker bury a message, and the operator put it back and drop it.
func (g guarded) buries(file string) {
	g.t.Helper()
	shop, _ := g.as("order_system")
	if err := shop.Publish(events.PaymentReturned, []byte("no JSON")); err != nil {
		g.t.Fatal(err)
	}
	for _, deed := range []string{"replay", "drop"} {
		deadline := time.Now().Add(patience)
		for number := 1; ; number = number%3 + 1 {
			got := settledRuns(g.t.Context(), "dead", deed, "--config", file, fmt.Sprint(number))
			if got.code == 0 {
				break
			}
			if time.Now().After(deadline) {
				g.t.Fatalf("dead %s: %s", deed, got.err)
			}
		}
	}
}

// What a role must not do, the server refuses.
func TestNoRoleMayDoMore(t *testing.T) { //nolint:paralleltest // the passwords are in the environment
	g := newGuarded(t)
	destructive := []string{
		"$JS.API.STREAM.DELETE.SETTLED_ORDERS", "$JS.API.STREAM.DELETE.SETTLED_NOTIFY", "$JS.API.STREAM.DELETE.SETTLED_OUT",
		"$JS.API.STREAM.DELETE.SETTLED_DEAD", "$JS.API.STREAM.PURGE.SETTLED_OUT", "$JS.API.STREAM.PURGE.SETTLED_DEAD",
		"$JS.API.STREAM.MSG.DELETE.SETTLED_ORDERS", "$JS.API.STREAM.MSG.DELETE.SETTLED_OUT", "$JS.API.STREAM.CREATE.OTHER",
		"$JS.API.STREAM.SNAPSHOT.SETTLED_OUT", "$JS.API.STREAM.RESTORE.SETTLED_OUT",
		"$SYS.REQ.SERVER.PING", "anything.else",
	}
	ofPurge := []string{"$JS.API.STREAM.PURGE.SETTLED_ORDERS", "$JS.API.STREAM.PURGE.SETTLED_NOTIFY"}
	ofStreams := []string{"$JS.API.STREAM.CREATE.SETTLED_ORDERS", "$JS.API.STREAM.UPDATE.SETTLED_OUT"}
	ofReading := []string{
		"$JS.API.STREAM.MSG.GET.SETTLED_NOTIFY", "$JS.API.DIRECT.GET.SETTLED_NOTIFY", "$JS.API.STREAM.MSG.GET.SETTLED_ORDERS",
		"$JS.API.CONSUMER.CREATE.SETTLED_NOTIFY.c", "$JS.API.CONSUMER.CREATE.SETTLED_ORDERS.c", "$JS.API.CONSUMER.CREATE.SETTLED_OUT.c",
		"$JS.API.CONSUMER.DURABLE.CREATE.SETTLED_NOTIFY.c", "$JS.API.CONSUMER.MSG.NEXT.SETTLED_NOTIFY.finalize",
		"$JS.API.CONSUMER.MSG.NEXT.SETTLED_ORDERS.prepare", "$JS.ACK.SETTLED_NOTIFY.finalize.1.1.1.1.0", "$JS.ACK.SETTLED_ORDERS.prepare.1.1.1.1.0",
		"$JS.API.STREAM.MSG.GET.SETTLED_DEAD", "$JS.API.STREAM.MSG.DELETE.SETTLED_DEAD", "$JS.API.CONSUMER.DELETE.SETTLED_ORDERS.prepare",
	}
	ofOutputs := append(slices.Clone(events.Outputs), "dead.payment.requested")
	ofOrders := []string{events.PaymentRequested, events.PaymentReturned, events.RefundRequested}
	ofNotifies := []string{events.NotifyReceived}
	ofReplies := []string{"_INBOX.ingress.x", "_INBOX.worker.x", "_INBOX.operator.x"}
	for role, forbidden := range map[string]struct{ publish, subscribe [][]string }{
		"order_system": {
			[][]string{destructive, ofPurge, ofStreams, ofReading, ofOutputs, ofNotifies, ofReplies},
			[][]string{ofOrders, ofNotifies, ofOutputs, {"_INBOX.>", "_INBOX.ingress.>", "$JS.>", ">", "*.*", "dead.>"}},
		},
		"ingress": {
			[][]string{destructive, ofPurge, ofStreams, ofReading, ofOutputs, ofReplies},
			[][]string{ofOrders, ofNotifies, ofOutputs, {"_INBOX.>", "_INBOX.operator.>", "$JS.>", ">", "*.*", "dead.>"}},
		},
		"worker": {
			[][]string{destructive, ofOrders, ofNotifies, {"$JS.API.STREAM.MSG.GET.SETTLED_DEAD", "$JS.API.STREAM.MSG.DELETE.SETTLED_DEAD", "_INBOX.worker.x"}},
			[][]string{ofOrders, ofNotifies, {"_INBOX.>", "_INBOX.ingress.>", "$JS.>", ">"}},
		},
		"subscriber": {
			[][]string{destructive, ofPurge, ofStreams, ofReading, ofOutputs, ofOrders, ofNotifies, ofReplies, {
				"$JS.API.CONSUMER.MSG.NEXT.SETTLED_OUT.other", "$JS.ACK.SETTLED_OUT.other.1.1.1.1.0", "$JS.API.CONSUMER.DELETE.SETTLED_OUT.subscriber",
			}},
			[][]string{ofOrders, ofNotifies, {"_INBOX.>", "_INBOX.ingress.>", "$JS.>", ">", "*.*", "dead.>"}},
		},
		"operator": {
			[][]string{ofOutputs, ofPurge, ofStreams, ofReplies[:2], {"$JS.API.STREAM.DELETE.SETTLED_OUT", "$JS.API.STREAM.PURGE.SETTLED_OUT", "$SYS.REQ.SERVER.PING"}},
			[][]string{{"_INBOX.>", "_INBOX.ingress.>", "$JS.>", ">"}},
		},
	} {
		t.Run(role, func(t *testing.T) { //nolint:paralleltest // as above
			g.t = t
			nc, denied := g.as(role)
			for _, subject := range slices.Concat(forbidden.publish...) {
				if err := nc.Publish(subject, []byte("{}")); err != nil {
					t.Fatal(err)
				}
				g.refuses(nc, denied, "publish to "+subject)
			}
			for _, subject := range slices.Concat(forbidden.subscribe...) {
				if _, err := nc.SubscribeSync(subject); err != nil {
					t.Fatal(err)
				}
				g.refuses(nc, denied, "subscription to "+subject)
			}
		})
	}
}

// refuses expects the server's refusal before its answer to a ping.
func (g guarded) refuses(nc *nats.Conn, denied <-chan error, what string) {
	g.t.Helper()
	if err := nc.FlushTimeout(patience); err != nil {
		g.t.Fatal(err)
	}
	select {
	case err := <-denied:
		_, subject, _ := strings.Cut(what, " to ")
		if !errors.Is(err, nats.ErrPermissionViolation) || !strings.Contains(err.Error(), `"`+subject+`"`) {
			g.t.Errorf("%s: %v", what, err)
		}
	case <-time.After(2 * time.Second):
		g.t.Errorf("the %s was taken", what)
	}
}

// Without streams, who may not make them says so and waits.
func TestTheIngressSaysWhyItWaitsForStreams(t *testing.T) { //nolint:paralleltest // the passwords are in the environment
	g := newGuarded(t)
	log := &written{}
	connect := func(role string) *bus.Bus {
		b, err := bus.Connect(t.Context(), bus.Config{URL: g.url(role), Inbox: "_INBOX." + role, Log: slog.New(slog.NewTextHandler(log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = b.Close(context.Background()) })
		return b
	}
	ingress := connect("ingress")
	if err := ingress.Ensure(t.Context()); !errors.Is(err, bus.ErrDenied) || !strings.Contains(err.Error(), "SETTLED_ORDERS") {
		t.Errorf("without streams: %v", err)
	}
	if err := connect("worker").Ensure(t.Context()); err != nil {
		t.Errorf("the worker makes them: %v", err)
	}
	if err := ingress.Ensure(t.Context()); err != nil {
		t.Errorf("with them: %v", err)
	}
}
