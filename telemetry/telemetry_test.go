package telemetry_test

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"settled/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// taken is what a collector was sent.
type taken struct {
	mu    sync.Mutex
	spans map[string]*otlp.Span // by name
}

func (c *taken) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var sent otlp.TracesData
	if proto.Unmarshal(body, &sent) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, span := range sent.GetResourceSpans()[0].GetScopeSpans()[0].GetSpans() {
		c.spans[span.GetName()] = span
	}
}

// counted is what became of spans.
type counted struct {
	mu  sync.Mutex
	all map[string]int
}

func (c *counted) observe(result string, spans int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all[result] += spans
}

func (c *counted) of(result string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all[result]
}

func start(t *testing.T, cfg telemetry.Config) (*telemetry.Tracer, *counted, *strings.Builder) {
	t.Helper()
	c, log := &counted{all: map[string]int{}}, &strings.Builder{}
	cfg.Observe, cfg.Log = c.observe, slog.New(slog.NewTextHandler(log, nil))
	return telemetry.New(cfg), c, log
}

// closed ends the tracer, after which what was sent and said is all there is.
func closed(t *testing.T, tracer *telemetry.Tracer) {
	t.Helper()
	if err := tracer.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func serve(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func TestWhoSharesAStepIsLinkedWithIt(t *testing.T) {
	t.Parallel()
	c := &taken{spans: map[string]*otlp.Span{}}
	tracer, _, _ := start(t, telemetry.Config{Endpoint: serve(t, c), Sample: 1})
	one, first := tracer.Begin(t.Context(), telemetry.Internal, "one")
	two, second := tracer.Begin(t.Context(), telemetry.Internal, "two")
	_, shared, ok := tracer.Shared(t.Context(), []context.Context{t.Context(), one, two}, telemetry.Client, "shared")
	if !ok {
		t.Fatal("nothing began")
	}
	shared.End("")
	first.End("")
	second.End("")
	if _, _, ok := tracer.Shared(t.Context(), []context.Context{t.Context()}, telemetry.Client, "of nobody"); ok {
		t.Error("something began of which nobody wants to know")
	}
	closed(t, tracer)
	id := func(name string) string { return hex.EncodeToString(c.spans[name].GetSpanId()) }
	if above := hex.EncodeToString(c.spans["shared"].GetParentSpanId()); above != id("one") {
		t.Errorf("it is below %s and not below the first caller", above)
	}
	for from, to := range map[string]string{"shared": "two", "two": "shared"} {
		links := c.spans[from].GetLinks()
		if len(links) != 1 || hex.EncodeToString(links[0].GetSpanId()) != id(to) {
			t.Errorf("%s has the links %v, want one to %s", from, links, to)
		}
	}
}

func TestTheCallerDecides(t *testing.T) {
	t.Parallel()
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"
	for traceparent, row := range map[string]struct {
		sample float64
		kept   bool
	}{
		"00-" + id + "-00f067aa0ba902b7-01": {0, true},
		"00-" + id + "-00f067aa0ba902b7-00": {1, false},
		"":                                  {1, true},
		"nonsense":                          {0, false},
	} {
		tracer, _, _ := start(t, telemetry.Config{Endpoint: "http://127.0.0.1:1", Sample: row.sample})
		ctx, span := tracer.Begin(telemetry.From(t.Context(), traceparent), telemetry.Server, "asked")
		if kept := telemetry.Kept(ctx) != ""; kept != row.kept || telemetry.Sampled(telemetry.Traceparent(ctx)) != row.kept {
			t.Errorf("%q with sample %g is kept: %v", traceparent, row.sample, kept)
		}
		if of := telemetry.Traceparent(ctx); strings.Contains(traceparent, id) && !strings.Contains(of, id) {
			t.Errorf("%q became %q", traceparent, of)
		}
		span.End("")
		closed(t, tracer)
	}
}

// A collector that never answers: nobody waits, what has no room is counted, and the end
// comes in time.
func TestWhatHasNoRoomIsCounted(t *testing.T) {
	t.Parallel()
	leave := make(chan struct{})
	endpoint := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-leave }))
	defer close(leave)
	tracer, c, log := start(t, telemetry.Config{
		Endpoint: endpoint, Sample: 1, Queue: 10, Every: time.Millisecond, Timeout: 50 * time.Millisecond,
		Headers: map[string]string{"authorization": "a-secret"},
	})
	spans := 0
	for c.of(telemetry.Dropped) == 0 || c.of(telemetry.Failed) == 0 {
		_, span := tracer.Begin(t.Context(), telemetry.Internal, "step")
		span.End("")
		spans++
	}
	closed(t, tracer)
	if c.of(telemetry.Sent) != 0 || c.of(telemetry.Dropped)+c.of(telemetry.Failed) != spans {
		t.Errorf("of %d spans were %v", spans, c.all)
	}
	if said := log.String(); strings.Count(said, "traces not taken") != 1 || strings.Contains(said, "a-secret") || strings.Contains(said, endpoint) {
		t.Errorf("the log says %q", said)
	}
}

func TestACollectorThatRefuses(t *testing.T) {
	t.Parallel()
	answers := make(chan int, 2)
	answers <- http.StatusServiceUnavailable
	answers <- http.StatusOK
	done := make(chan struct{}, 2)
	var c *counted
	endpoint := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(<-answers) }))
	c = &counted{all: map[string]int{}}
	log := &strings.Builder{}
	tracer := telemetry.New(telemetry.Config{
		Endpoint: endpoint, Sample: 1, Every: time.Millisecond, Log: slog.New(slog.NewTextHandler(log, nil)),
		Observe: func(result string, spans int) { c.observe(result, spans); done <- struct{}{} },
	})
	for range 2 {
		_, span := tracer.Begin(t.Context(), telemetry.Internal, "step")
		span.End(failure(errors.New("quoted")))
		<-done
	}
	closed(t, tracer)
	if c.all[telemetry.Failed] != 1 || c.all[telemetry.Sent] != 1 {
		t.Errorf("of 2 spans were %v", c.all)
	}
	if said := log.String(); !strings.Contains(said, "answers 503") || !strings.Contains(said, "traces taken again") {
		t.Errorf("the log says %q", said)
	}
}

func failure(error) string { return "error" }

// What a step costs when it is kept, when it is not, and when there is no tracer: then
// nobody calls this package at all (TestWithoutACollectorNothingIsAround in cmd/settled).
func BenchmarkStep(b *testing.B) {
	for name, sample := range map[string]float64{"kept": 1, "not_kept": 0} {
		b.Run(name, func(b *testing.B) {
			tracer := telemetry.New(telemetry.Config{
				Endpoint: "http://127.0.0.1:1", Sample: sample, Observe: func(string, int) {}, Log: slog.New(slog.DiscardHandler),
			})
			b.ReportAllocs()
			for b.Loop() {
				_, span := tracer.Begin(b.Context(), telemetry.Internal, "step", telemetry.Merchant.Is("shop"))
				span.End("")
			}
			_ = tracer.Close(b.Context())
		})
	}
}
