// Package telemetry makes traces of what settled does and sends them to a collector, by
// OTLP over HTTP. It is the one room that knows OpenTelemetry.
//
// It knows nothing of payments, streams or statements: whoever wires the rooms together
// says where a step begins and ends, and what may be told of it. It must never hold up the
// work: what the collector does not take in time is thrown away and counted.
package telemetry

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Config says where spans go. Every field without a default is required.
type Config struct {
	Endpoint string            // of the collector, such as http://127.0.0.1:4318; /v1/traces is added
	Headers  map[string]string // of each request; they may be secret
	Sample   float64           // of the traces that begin here, 0 to 1
	Version  string            // of this program
	Queue    int               // spans that wait to be sent; more are thrown away. Default 4096
	Every    time.Duration     // how long a span waits for others to go with; default 2 s
	Timeout  time.Duration     // of one request; default 5 s
	// Observe hears what became of spans: Sent, Failed or Dropped.
	Observe func(result string, spans int)
	Log     *slog.Logger
}

// What becomes of a span.
const (
	Sent    = "sent"
	Failed  = "failed"  // the collector did not take it
	Dropped = "dropped" // too many waited
)

// Tracer makes spans. Its methods may be called from many goroutines.
type Tracer struct {
	tracer   trace.Tracer
	provider *sdk.TracerProvider
}

// New returns a tracer. The collector need not be there.
func New(cfg Config) *Tracer {
	if cfg.Queue == 0 {
		cfg.Queue = 4096
	}
	if cfg.Every == 0 {
		cfg.Every = 2 * time.Second
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 5 * time.Second
	}
	provider := sdk.NewTracerProvider(
		sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(cfg.Sample))),
		sdk.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "settled"), attribute.String("service.version", cfg.Version))),
		sdk.WithSpanProcessor(newOutlet(cfg, otlptrace.NewUnstarted(newCollector(cfg)))),
	)
	return &Tracer{tracer: provider.Tracer("settled"), provider: provider}
}

// Close sends what still waits, for as long as ctx lets it.
func (t *Tracer) Close(ctx context.Context) error { return t.provider.Shutdown(ctx) }

// Kind is which side of what a step is.
type Kind = trace.SpanKind

// The kinds of steps.
const (
	Internal = trace.SpanKindInternal
	Server   = trace.SpanKindServer   // somebody asks us
	Client   = trace.SpanKindClient   // we ask
	Producer = trace.SpanKindProducer // a message leaves
	Consumer = trace.SpanKindConsumer // a message is handled
)

// Span is a step under way.
type Span struct{ span trace.Span }

// Begin begins a step below the one that ctx is in, and returns the context that is in it.
func (t *Tracer) Begin(ctx context.Context, kind Kind, name string, told ...Attribute) (context.Context, Span) {
	ctx, span := t.tracer.Start(ctx, name, trace.WithSpanKind(kind), trace.WithAttributes(told...))
	return ctx, Span{span}
}

// Shared begins a step that several callers share: below the first of them that is traced,
// with links to and from the others. If none is, nothing begins and ok is false.
func (t *Tracer) Shared(ctx context.Context, callers []context.Context, kind Kind, name string, told ...Attribute) (_ context.Context, s Span, ok bool) {
	var traced []trace.Span
	for _, caller := range callers {
		if span := trace.SpanFromContext(caller); span.IsRecording() {
			traced = append(traced, span)
		}
	}
	if len(traced) == 0 {
		return ctx, Span{}, false
	}
	links := make([]trace.Link, len(traced)-1)
	for i, other := range traced[1:] {
		links[i] = trace.Link{SpanContext: other.SpanContext()}
	}
	ctx, span := t.tracer.Start(trace.ContextWithSpan(ctx, traced[0]), name,
		trace.WithSpanKind(kind), trace.WithAttributes(told...), trace.WithLinks(links...))
	for _, other := range traced[1:] {
		other.AddLink(trace.Link{SpanContext: span.SpanContext()})
	}
	return ctx, Span{span}, true
}

// Tell adds what became known while the step was under way.
func (s Span) Tell(told ...Attribute) { s.span.SetAttributes(told...) }

// End ends the step. failure is empty, or says in one word what kind of failure it was:
// never an error's text, which may quote what is nobody's business.
func (s Span) End(failure string) {
	if failure != "" {
		s.span.SetAttributes(errorType.Is(failure))
		s.span.SetStatus(codes.Error, "")
	}
	s.span.End()
}

var w3c propagation.TraceContext

// From returns a context that is in the step which a traceparent names, of whatever
// process; ctx itself if it names none.
func From(ctx context.Context, traceparent string) context.Context {
	return w3c.Extract(ctx, propagation.MapCarrier{"traceparent": traceparent})
}

// Traceparent names the step that ctx is in, empty for none.
func Traceparent(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	w3c.Inject(ctx, carrier)
	return carrier["traceparent"]
}

// Sampled reports whether a traceparent names a step whose trace is kept.
func Sampled(traceparent string) bool {
	return trace.SpanContextFromContext(From(context.Background(), traceparent)).IsSampled()
}

// Kept is Traceparent if the trace is kept, and otherwise empty.
func Kept(ctx context.Context) string {
	if !trace.SpanContextFromContext(ctx).IsSampled() {
		return ""
	}
	return Traceparent(ctx)
}

// address is where a collector takes traces.
func address(endpoint string) string { return strings.TrimRight(endpoint, "/") + "/v1/traces" }
