package main

import (
	"context"
	"errors"

	"settled"
	"settled/ingress"
	"settled/telemetry"
	"settled/workers"
)

// traces puts a step of a trace around what the rooms do. Without a collector there are
// none: nil gives back each thing as it is, and nothing is called that would cost anything.
type traces struct{ tracer *telemetry.Tracer }

// openTraces begins to make traces, if the configuration says where they go.
func (p *process) openTraces() {
	cfg := p.cfg.Traces
	if cfg.Endpoint == "" {
		return
	}
	headers := map[string]string{}
	for name, value := range cfg.Headers {
		headers[name] = value.Reveal()
	}
	tracer := telemetry.New(telemetry.Config{
		Endpoint: cfg.Endpoint, Headers: headers, Sample: cfg.Sample, Version: version,
		Observe: func(result string, spans int) { p.metrics.spans.WithLabelValues(result).Add(float64(spans)) }, Log: p.log,
	})
	p.traces = &traces{tracer}
	p.stack.push("traces", tracer.Close)
}

// request is what the ingress calls as a request begins.
func (t *traces) request() func(ctx context.Context, method, route, traceparent string) (context.Context, func(status int)) {
	if t == nil {
		return nil
	}
	return func(ctx context.Context, method, route, traceparent string) (context.Context, func(int)) {
		ctx, span := t.tracer.Begin(telemetry.From(ctx, traceparent), telemetry.Server, method+" "+route,
			telemetry.Method.Is(method), telemetry.Route.Is(route))
		return ctx, func(status int) {
			span.Tell(telemetry.Status.Counts(status))
			failure := ""
			if status >= 500 {
				failure = "status"
			}
			span.End(failure)
		}
	}
}

// due is what the workers call as they take up something that is due.
func (t *traces) due() func(ctx context.Context, what, status, merchant, id string) (context.Context, func(error)) {
	if t == nil {
		return nil
	}
	return func(ctx context.Context, what, status, merchant, id string) (context.Context, func(error)) {
		ctx, span := t.tracer.Begin(ctx, telemetry.Internal, "due "+what+" "+status, telemetry.Merchant.Is(merchant))
		if what == "payments" { // a refund's number is told by the steps below
			span.Tell(telemetry.PaymentID.Is(id))
		}
		return ctx, func(err error) { span.End(failureOf(err)) }
	}
}

// statement is what the store calls around a statement that callers share.
func (t *traces) statement() func(ctx context.Context, name string, callers []context.Context) (context.Context, func(error)) {
	if t == nil {
		return nil
	}
	return func(ctx context.Context, name string, callers []context.Context) (context.Context, func(error)) {
		ctx, span, ok := t.tracer.Shared(ctx, callers, telemetry.Client, "statement "+name,
			telemetry.Statement.Is(name), telemetry.Rows.Counts(len(callers)))
		if !ok {
			return ctx, func(error) {}
		}
		return ctx, func(err error) { span.End(failureOf(err)) }
	}
}

func (t *traces) ledger(l workers.Ledger) workers.Ledger {
	if t == nil {
		return l
	}
	return tracedLedger{l, t.tracer}
}

func (t *traces) workersBus(b workers.Bus) workers.Bus {
	if t == nil {
		return b
	}
	return tracedBus{b, t.tracer}
}

func (t *traces) ingressBus(b ingress.Bus) ingress.Bus {
	if t == nil {
		return b
	}
	return tracedIntake{b, t.tracer}
}

func (t *traces) gateway(g settled.Gateway) settled.Gateway {
	if t == nil {
		return g
	}
	return tracedGateway{g, t.tracer}
}

// failureOf is the one word that a trace says of a failure.
func failureOf(err error) string {
	var refusal *settled.Refusal
	var unknown *settled.Unknown
	switch {
	case err == nil:
		return ""
	case errors.As(err, &refusal):
		return refusal.Code
	case errors.As(err, &unknown):
		return unknown.Code
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "cancelled"
	case errors.Is(err, settled.ErrUnavailable):
		return "unavailable"
	default:
		return "error"
	}
}
