package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"settled"
	"settled/cmd/settled/config"
	"settled/events"
	"settled/ingress"
	"settled/store"
	"settled/telemetry"
	"settled/workers"
)

// collector is where traces go: it takes OTLP over HTTP.
type collector struct {
	url   string
	mu    sync.Mutex
	spans map[string]*otlp.Span // by id, in hex
	auth  map[string]bool       // that requests came with
}

func startCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{spans: map[string]*otlp.Span{}, auth: map[string]bool{}}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var sent otlp.TracesData
	if err != nil || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" || proto.Unmarshal(body, &sent) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.auth[r.Header.Get("Authorization")] = true
	for _, resource := range sent.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				c.spans[hex.EncodeToString(span.GetSpanId())] = span
			}
		}
	}
}

// trace lists the spans of a trace, each as the names on the way to it. What stands below
// one step stands in the order of the names.
func (c *collector) trace(id string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var paths []string
	for _, span := range c.spans {
		if hex.EncodeToString(span.GetTraceId()) == id {
			paths = append(paths, c.path(span))
		}
	}
	slices.Sort(paths)
	return paths
}

func (c *collector) path(span *otlp.Span) string {
	if above := c.spans[hex.EncodeToString(span.GetParentSpanId())]; above != nil {
		return c.path(above) + " > " + span.GetName()
	}
	return span.GetName()
}

// named returns the traces in which there is a span of this name.
func (c *collector) named(name string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := map[string]bool{}
	for _, span := range c.spans {
		if span.GetName() == name {
			found[hex.EncodeToString(span.GetTraceId())] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func (c *collector) traces(sample float64) string {
	return fmt.Sprintf("traces: {endpoint: %q, sample: %g, headers: {authorization: Bearer-of-traces}}\n", c.url, sample)
}

const (
	callersTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	callersStep  = "00-" + callersTrace + "-00f067aa0ba902b7-01"
)

// tracesOf listens for the traceparents with which events are told.
func (w *world) tracesOf(subject string) <-chan string {
	w.t.Helper()
	nc, err := nats.Connect(w.nats.URL())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(nc.Close)
	told := make(chan string, 16)
	if _, err := nc.Subscribe(subject, func(m *nats.Msg) { told <- m.Header.Get(events.HeaderTraceparent) }); err != nil {
		w.t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		w.t.Fatal(err)
	}
	return told
}

func TestAPaymentIsTraced(t *testing.T) {
	t.Parallel()
	c := startCollector(t)
	w := newWorld(t, worldConfig{more: c.traces(0)})
	requested, prepared := w.tracesOf(events.PaymentRequested), w.tracesOf(events.PaymentPrepared)
	stop := w.serve()
	w.call(http.MethodPost, "/v1/payments", order("traced01", nil), append(bearer, "Traceparent", callersStep, "Prefer", "wait=10")...)
	w.customerPays(w.expect(events.PaymentPrepared, "traced01"))
	w.expect(events.PaymentCompleted, "traced01")
	stop()

	// Its own steps are sampled because the caller's is; of what begins here, sample: 0
	// keeps nothing: not the notify, and so not the completion either.
	const request = "POST /v1/payments > publish payment.requested"
	const handle = request + " > handle payment.requested"
	want := []string{
		"POST /v1/payments",
		request,
		handle,
		handle + " > commit prepared",
		handle + " > commit prepared > publish payment.prepared",
		handle + " > commit prepared > statement move",
		handle + " > commit record",
		handle + " > commit record > statement record",
		handle + " > wechat prepay",
	}
	// The books are read besides, while a busy machine keeps the caller waiting.
	const recheck = "POST /v1/payments > statement look_up"
	got := slices.DeleteFunc(c.trace(callersTrace), func(step string) bool { return step == recheck })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("trace of the request (-want +got):\n%s", diff)
	}
	if all := c.named("handle notify.received"); len(all) > 0 {
		t.Errorf("nobody samples the notify, but there is %v", all)
	}
	for name, header := range map[string]string{events.PaymentRequested: <-requested, events.PaymentPrepared: <-prepared} {
		if !strings.HasPrefix(header, "00-"+callersTrace+"-") || !strings.HasSuffix(header, "-01") {
			t.Errorf("%s has the traceparent %q", name, header)
		}
	}
	if !cmp.Equal(c.auth, map[string]bool{"Bearer-of-traces": true}) {
		t.Errorf("the collector heard %v", c.auth)
	}
	c.isDiscreet(t)
}

// isDiscreet checks that spans have no attribute besides the allowed ones, and nothing of
// the customer or of a secret.
func (c *collector) isDiscreet(t *testing.T) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, span := range c.spans {
		for _, a := range span.GetAttributes() {
			if !slices.Contains(telemetry.Keys(), telemetry.Key(a.GetKey())) {
				t.Errorf("%s tells %s", span.GetName(), a.GetKey())
			}
		}
		text := span.String()
		for _, private := range []string{"One pot of tea", "203.0.113.7", shopToken, "openid", "sign=", "o-payer"} {
			if strings.Contains(text, private) {
				t.Errorf("%s tells %q: %s", span.GetName(), private, text)
			}
		}
	}
}

func TestANotifyIsTracedToItsEvent(t *testing.T) {
	t.Parallel()
	c := startCollector(t)
	w := newWorld(t, worldConfig{more: c.traces(1)})
	completed := w.tracesOf(events.PaymentCompleted)
	stop := w.serve()
	w.publish(events.PaymentRequested, order("traced02", nil))
	w.customerPays(w.expect(events.PaymentPrepared, "traced02"))
	w.expect(events.PaymentCompleted, "traced02")
	stop()
	traces := c.named("POST /notify/{merchant}")
	if len(traces) == 0 {
		t.Fatal("the notify is not traced")
	}
	const handle = "POST /notify/{merchant} > publish notify.received > handle notify.received"
	got := c.trace(traces[0])
	for _, want := range []string{
		handle, handle + " > commit paid", handle + " > commit paid > statement move", handle + " > commit paid > publish payment.completed",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("the trace of the notify lacks %s: %q", want, got)
		}
	}
	if told := <-completed; !strings.HasPrefix(told, "00-"+traces[0]) {
		t.Errorf("payment.completed names %q and not the trace of its notify, %s", told, traces[0])
	}
	c.isDiscreet(t)
}

// What no message brings is traced as well: a payment and a refund that are taken up because
// their time has come.
func TestWhatIsDueIsTraced(t *testing.T) {
	t.Parallel()
	c := startCollector(t)
	w := newWorld(t, worldConfig{more: c.traces(1), switches: silent, schedule: "[200ms, 400ms, 1s]"})
	stop := w.serve()
	w.publish(events.PaymentRequested, orderOf("shop2", "APP", "traced04"))
	w.pays(w.expect(events.PaymentPrepared, "traced04"))
	w.expect(events.PaymentCompleted, "traced04")
	w.publish(events.RefundRequested, refund("shop2", "traced04", "traced04-1", 500, 1999))
	w.expectRefund(events.RefundCompleted, "traced04-1")
	stop()
	var got []string
	for _, begins := range []string{"due payments prepared", "due refunds requested", "due refunds accepted", "handle refund.requested"} {
		for _, id := range c.named(begins) {
			got = append(got, c.trace(id)...)
		}
	}
	for _, want := range []string{
		"due payments prepared > wechat query",
		"due payments prepared > commit paid > statement move",
		"due payments prepared > commit paid > publish payment.completed",
		"handle refund.requested > commit record_refund > statement record_refund",
		"due refunds accepted > wechat query_refund",
		"due refunds accepted > commit refund_refunded > statement move_refund",
		"due refunds accepted > commit refund_refunded > publish refund.completed",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("no step %q, only %q", want, got)
		}
	}
	c.isDiscreet(t)
}

// An event is published in the trace of the step that told it, by whatever process has the
// relay, however much later.
func TestATraceSurvivesTheOutbox(t *testing.T) {
	t.Parallel()
	c := startCollector(t)
	w := newWorld(t, worldConfig{more: c.traces(0)})
	stop := w.serveParts(parts{workers: true, pools: []string{"prepare"}})
	if _, err := w.stream.PublishMsg(t.Context(), &nats.Msg{
		Subject: events.PaymentRequested, Data: order("traced03", nil), Header: nats.Header{events.HeaderTraceparent: {callersStep}},
	}); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(store.Config{URL: w.postgres})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	w.until("the payment is prepared", func() bool {
		p, err := s.Payment(t.Context(), "classic", "traced03")
		return err == nil && p.Status == settled.StatusPrepared
	})
	stop()
	told := w.tracesOf(events.PaymentPrepared)
	stop = w.serveParts(parts{workers: true, pools: []string{"relay"}})
	w.expect(events.PaymentPrepared, "traced03")
	first := <-told
	stop()
	if !strings.HasPrefix(first, "00-"+callersTrace) {
		t.Errorf("published with %q", first)
	}
	want := "handle payment.requested > commit prepared > publish payment.prepared"
	if got := c.trace(callersTrace); !slices.Contains(got, want) {
		t.Errorf("the trace lacks %q: %q", want, got)
	}
}

// A collector that takes connections and never answers holds up nobody. What has no room is
// thrown away and counted.
func TestADeadCollectorHoldsUpNobody(t *testing.T) {
	t.Parallel()
	silent, err := listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	w := newWorld(t, worldConfig{more: fmt.Sprintf("traces: {endpoint: %q, sample: 1}\n", "http://"+silent.Addr().String())})
	w.serve()
	for n := range 20 {
		w.publish(events.PaymentRequested, order(fmt.Sprintf("dead%04d", n), nil))
	}
	for n := range 20 {
		w.expect(events.PaymentPrepared, fmt.Sprintf("dead%04d", n))
	}
	w.until("what was not taken is counted", func() bool { return w.metric(`settled_spans_total{result="failed"}`) != "0" })
}

// Without a collector every part stands on the thing itself: nothing is around it, and no
// hook is called.
func TestWithoutACollectorNothingIsAround(t *testing.T) {
	t.Parallel()
	var off *traces
	ledger, bus := workers.Ledger(&store.Store{}), struct{ workers.Bus }{}
	intake, gateway := struct{ ingress.Bus }{}, struct{ settled.Gateway }{}
	if off.ledger(ledger) != ledger || off.workersBus(bus) != workers.Bus(bus) || off.ingressBus(intake) != ingress.Bus(intake) ||
		off.gateway(gateway) != settled.Gateway(gateway) || off.request() != nil || off.due() != nil || off.statement() != nil {
		t.Error("something is around the parts")
	}
	w := newWorld(t, worldConfig{})
	cfg, err := config.Load(w.file, os.LookupEnv)
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cfg: cfg, metrics: newMetrics()}
	if p.openTraces(); p.traces != nil || len(p.stack.steps) != 0 {
		t.Error("something was started")
	}
	requested, prepared := w.tracesOf(events.PaymentRequested), w.tracesOf(events.PaymentPrepared)
	w.serve()
	w.call(http.MethodPost, "/v1/payments", order("untraced1", nil), append(bearer, "Traceparent", callersStep)...)
	w.expect(events.PaymentPrepared, "untraced1")
	if header := <-requested; header != callersStep { // it is the caller's; we only pass it on
		t.Errorf("payment.requested has the traceparent %q", header)
	}
	if header := <-prepared; header != "" {
		t.Errorf("payment.prepared has the traceparent %q", header)
	}
}
