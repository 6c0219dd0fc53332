package telemetry

import (
	"context"
	"log/slog"
	"sync"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// most bounds the spans of one request.
const most = 512

// outlet is where ended spans leave: through a queue that nobody waits at. OpenTelemetry's
// own batches do the same, but tell nobody what they throw away.
type outlet struct {
	queue    chan sdk.ReadOnlySpan
	exporter sdk.SpanExporter
	cfg      Config

	stopping chan struct{}
	stopped  chan struct{}
	once     sync.Once
	patience context.Context //nolint:containedctx // ends when the collector has had its time after the stop
	giveUp   context.CancelFunc
}

func newOutlet(cfg Config, exporter sdk.SpanExporter) *outlet {
	o := &outlet{
		queue: make(chan sdk.ReadOnlySpan, cfg.Queue), exporter: exporter, cfg: cfg,
		stopping: make(chan struct{}), stopped: make(chan struct{}),
	}
	o.patience, o.giveUp = context.WithCancel(context.Background())
	go o.run()
	return o
}

// OnStart does nothing: a span leaves when it ends.
func (*outlet) OnStart(context.Context, sdk.ReadWriteSpan) {}

// OnEnd queues a span, or throws it away.
func (o *outlet) OnEnd(s sdk.ReadOnlySpan) {
	if !s.SpanContext().IsSampled() {
		return
	}
	select {
	case o.queue <- s:
	default:
		o.cfg.Observe(Dropped, 1)
	}
}

// ForceFlush does nothing: nobody here waits for a collector.
func (*outlet) ForceFlush(context.Context) error { return nil }

// Shutdown sends what waits, for no longer than one request may take. A collector that is away is nothing that a
// process which ends has to complain about: it is counted.
func (o *outlet) Shutdown(ctx context.Context) error {
	o.once.Do(func() {
		close(o.stopping)
		time.AfterFunc(o.cfg.Timeout, o.giveUp)
	})
	select {
	case <-o.stopped:
	case <-ctx.Done():
	}
	return nil
}

// run sends what has gathered, when it is many or when it is time.
func (o *outlet) run() {
	defer close(o.stopped)
	defer o.giveUp()
	ticker := time.NewTicker(o.cfg.Every)
	defer ticker.Stop()
	var spans []sdk.ReadOnlySpan
	var failing bool
	send := func() {
		if len(spans) > 0 {
			failing = o.send(spans, failing)
			spans = nil
		}
	}
	for {
		select {
		case s := <-o.queue:
			if spans = append(spans, s); len(spans) == most {
				send()
			}
		case <-ticker.C:
			send()
		case <-o.stopping:
			o.empty(spans)
			return
		}
	}
}

// empty sends the last spans, as long as the collector takes them.
func (o *outlet) empty(spans []sdk.ReadOnlySpan) {
	for {
		for len(spans) < most && len(o.queue) > 0 {
			spans = append(spans, <-o.queue)
		}
		if len(spans) == 0 {
			return
		}
		if o.send(spans, true) {
			o.cfg.Observe(Dropped, len(o.queue))
			return
		}
		spans = nil
	}
}

// send hands spans to the collector once. It says in the log when that begins to fail, and
// when it no longer does.
func (o *outlet) send(spans []sdk.ReadOnlySpan, failed bool) (fails bool) {
	ctx, cancel := context.WithTimeout(o.patience, o.cfg.Timeout)
	defer cancel()
	err := o.exporter.ExportSpans(ctx, spans)
	if err != nil {
		o.cfg.Observe(Failed, len(spans))
	} else {
		o.cfg.Observe(Sent, len(spans))
	}
	switch {
	case err != nil && !failed:
		o.cfg.Log.WarnContext(ctx, "traces not taken", slog.Any("error", err))
	case err == nil && failed:
		o.cfg.Log.InfoContext(ctx, "traces taken again")
	}
	return err != nil
}
