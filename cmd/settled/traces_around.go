package main

import (
	"context"

	"settled"
	"settled/events"
	"settled/ingress"
	"settled/telemetry"
	"settled/workers"
)

// within does something as a step.
func within[T any](ctx context.Context, t *telemetry.Tracer, kind telemetry.Kind, name string, do func(ctx context.Context) (T, error), told ...telemetry.Attribute) (T, error) {
	ctx, span := t.Begin(ctx, kind, name, told...)
	done, err := do(ctx)
	span.End(failureOf(err))
	return done, err
}

// ofPayment tells which payment a step is about.
func ofPayment(p settled.Payment) []telemetry.Attribute {
	return []telemetry.Attribute{
		telemetry.Merchant.Is(p.Merchant), telemetry.OrderID.Is(p.OrderID), telemetry.PaymentID.Is(p.ID),
	}
}

// ofRefund tells which refund a step is about.
func ofRefund(r settled.Refund) []telemetry.Attribute {
	return []telemetry.Attribute{
		telemetry.Merchant.Is(r.Merchant), telemetry.OrderID.Is(r.OrderID), telemetry.PaymentID.Is(r.PaymentID), telemetry.RefundID.Is(r.RefundID),
	}
}

// ofEvent tells which event a step writes.
func ofEvent(e settled.Event) []telemetry.Attribute {
	return []telemetry.Attribute{
		telemetry.Merchant.Is(e.Merchant), telemetry.OrderID.Is(e.OrderID), telemetry.PaymentID.Is(e.PaymentID), telemetry.MessageID.Is(e.ID),
	}
}

// tracedLedger has a step around each commit, and writes down in whose trace an event was
// told: the relay publishes it later, in another process perhaps.
type tracedLedger struct {
	workers.Ledger
	tracer *telemetry.Tracer
}

func (l tracedLedger) Record(ctx context.Context, p settled.Payment) (settled.Recorded, error) {
	return within(ctx, l.tracer, telemetry.Internal, "commit record", func(ctx context.Context) (settled.Recorded, error) {
		return l.Ledger.Record(ctx, p)
	}, ofPayment(p)...)
}

func (l tracedLedger) Move(ctx context.Context, m settled.Move) (bool, error) {
	return within(ctx, l.tracer, telemetry.Internal, "commit "+string(m.Fact), func(ctx context.Context) (bool, error) {
		m.Event.Traceparent = telemetry.Kept(ctx)
		return l.Ledger.Move(ctx, m)
	}, ofEvent(m.Event)...)
}

func (l tracedLedger) Delay(ctx context.Context, d settled.Delay) (bool, error) {
	return within(ctx, l.tracer, telemetry.Internal, "commit delay", func(ctx context.Context) (bool, error) {
		return l.Ledger.Delay(ctx, d)
	}, telemetry.PaymentID.Is(d.PaymentID))
}

func (l tracedLedger) Tell(ctx context.Context, e settled.Event) (bool, error) {
	return within(ctx, l.tracer, telemetry.Internal, "commit tell", func(ctx context.Context) (bool, error) {
		e.Traceparent = telemetry.Kept(ctx)
		return l.Ledger.Tell(ctx, e)
	}, ofEvent(e)...)
}

func (l tracedLedger) RecordRefund(ctx context.Context, r settled.Refund) (settled.RecordedRefund, error) {
	return within(ctx, l.tracer, telemetry.Internal, "commit record_refund", func(ctx context.Context) (settled.RecordedRefund, error) {
		return l.Ledger.RecordRefund(ctx, r)
	}, ofRefund(r)...)
}

func (l tracedLedger) MoveRefund(ctx context.Context, m settled.RefundMove) (bool, error) {
	return within(ctx, l.tracer, telemetry.Internal, "commit refund_"+string(m.Fact), func(ctx context.Context) (bool, error) {
		m.Event.Traceparent = telemetry.Kept(ctx)
		return l.Ledger.MoveRefund(ctx, m)
	}, ofEvent(m.Event)...)
}

func (l tracedLedger) DelayRefund(ctx context.Context, d settled.RefundDelay) (bool, error) {
	return within(ctx, l.tracer, telemetry.Internal, "commit delay_refund", func(ctx context.Context) (bool, error) {
		return l.Ledger.DelayRefund(ctx, d)
	})
}

// tracedIntake has a step around what the ingress publishes, and sends its name along.
type tracedIntake struct {
	ingress.Bus
	tracer *telemetry.Tracer
}

func (b tracedIntake) Publish(ctx context.Context, e events.Envelope) error {
	_, err := within(ctx, b.tracer, telemetry.Producer, "publish "+e.Type, func(ctx context.Context) (struct{}, error) {
		e.Traceparent = telemetry.Traceparent(ctx)
		return struct{}{}, b.Bus.Publish(ctx, e)
	}, ofEnvelope(e)...)
	return err
}

// ofEnvelope tells which message a step publishes.
func ofEnvelope(e events.Envelope) []telemetry.Attribute {
	return []telemetry.Attribute{
		telemetry.Subject.Is(e.Type), telemetry.MessageID.Is(e.ID), telemetry.Merchant.Is(e.Merchant), telemetry.OrderID.Is(e.OrderID),
	}
}

// tracedBus has a step around each message that a worker handles, below the one that its
// traceparent names, and around what the relay publishes.
type tracedBus struct {
	workers.Bus
	tracer *telemetry.Tracer
}

func (b tracedBus) Consume(ctx context.Context, c events.Consumer, handle events.Handler) error {
	return b.Bus.Consume(ctx, c, func(ctx context.Context, m events.Message) error {
		ctx, span := b.tracer.Begin(telemetry.From(ctx, m.Value(events.HeaderTraceparent)), telemetry.Consumer, "handle "+m.Subject,
			telemetry.Pool.Is(c.Name), telemetry.Subject.Is(m.Subject), telemetry.MessageID.Is(m.ID), telemetry.Attempt.Counts(m.Attempt))
		failure := "panic"
		defer func() { span.End(failure) }()
		err := handle(ctx, m)
		span.Tell(telemetry.Verdict.Is(verdictOf(err)))
		failure = failureOf(err)
		return err
	})
}

// verdictOf is what becomes of a message.
func verdictOf(err error) string {
	_, later := events.IsLater(err)
	switch {
	case err == nil:
		return "done"
	case later:
		return "later"
	case events.IsPark(err):
		return "dead"
	case events.IsHold(err):
		return "held"
	default:
		return "again"
	}
}

// PublishAll is part of the traces in which the events were told. What it sends along is
// the step that told the event, so that a repeat has the same headers as the first.
func (b tracedBus) PublishAll(ctx context.Context, envelopes []events.Envelope) (uint64, []error) {
	spans := map[int]telemetry.Span{}
	for i, e := range envelopes {
		if telemetry.Sampled(e.Traceparent) {
			_, spans[i] = b.tracer.Begin(telemetry.From(ctx, e.Traceparent), telemetry.Producer, "publish "+e.Type, ofEnvelope(e)...)
		}
	}
	last, failures := b.Bus.PublishAll(ctx, envelopes)
	for i, span := range spans {
		span.End(failureOf(failures[i]))
	}
	return last, failures
}

// tracedGateway has a step around each call to WeChat.
type tracedGateway struct {
	settled.Gateway
	tracer *telemetry.Tracer
}

func (g tracedGateway) Prepay(ctx context.Context, p settled.Payment) (settled.Prepared, error) {
	return within(ctx, g.tracer, telemetry.Client, "wechat prepay", func(ctx context.Context) (settled.Prepared, error) {
		return g.Gateway.Prepay(ctx, p)
	}, ofPayment(p)...)
}

func (g tracedGateway) Query(ctx context.Context, p settled.Payment) (settled.Trade, error) {
	return within(ctx, g.tracer, telemetry.Client, "wechat query", func(ctx context.Context) (settled.Trade, error) {
		return g.Gateway.Query(ctx, p)
	}, ofPayment(p)...)
}

func (g tracedGateway) Close(ctx context.Context, p settled.Payment) error {
	_, err := within(ctx, g.tracer, telemetry.Client, "wechat close", func(ctx context.Context) (struct{}, error) {
		return struct{}{}, g.Gateway.Close(ctx, p)
	}, ofPayment(p)...)
	return err
}

func (g tracedGateway) Acknowledge(ctx context.Context, p settled.Payment) error {
	_, err := within(ctx, g.tracer, telemetry.Client, "wechat deliver", func(ctx context.Context) (struct{}, error) {
		return struct{}{}, g.Gateway.Acknowledge(ctx, p)
	}, ofPayment(p)...)
	return err
}

func (g tracedGateway) Refund(ctx context.Context, r settled.Refund) (settled.Repayment, error) {
	return within(ctx, g.tracer, telemetry.Client, "wechat refund", func(ctx context.Context) (settled.Repayment, error) {
		return g.Gateway.Refund(ctx, r)
	}, ofRefund(r)...)
}

func (g tracedGateway) QueryRefund(ctx context.Context, r settled.Refund) (settled.Repayment, error) {
	return within(ctx, g.tracer, telemetry.Client, "wechat query_refund", func(ctx context.Context) (settled.Repayment, error) {
		return g.Gateway.QueryRefund(ctx, r)
	}, ofRefund(r)...)
}
