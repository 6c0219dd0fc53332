package workers

import (
	"context"
	"time"

	"settled"
	"settled/events"
)

const (
	relayMost  = 256
	relayBound = 6 * time.Second // less than PostgreSQL lets a transaction idle
	relayPoll  = 250 * time.Millisecond
	relayRest  = 2 * time.Second // after a failure
)

// relay is the pool that publishes what is committed. At its end it empties the outbox
// once more, so that a clean stop leaves nothing waiting.
func (w *Workers) relay(ctx context.Context) error {
	for ctx.Err() == nil {
		published, err := w.relayOnce(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			w.cfg.Log.WarnContext(ctx, "events not published", "error", err)
			pause(ctx, jitter(relayRest))
		case published < relayMost:
			w.waitForEvents(ctx)
		}
	}
	for {
		if published, err := w.relayOnce(context.WithoutCancel(ctx)); err != nil || published == 0 {
			return nil
		}
	}
}

func (w *Workers) relayOnce(ctx context.Context) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, relayBound)
	defer cancel()
	published, err := w.cfg.Ledger.Relay(ctx, relayMost, w.publish)
	w.cfg.Metrics.Published(published)
	return published, err
}

// waitForEvents waits until this process commits an event, or long enough that another
// may have.
func (w *Workers) waitForEvents(ctx context.Context) {
	timer := time.NewTimer(jitter(relayPoll))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-w.cfg.Ledger.Woken():
	}
}

func (w *Workers) publish(ctx context.Context, told []settled.Event) []error {
	envelopes := make([]events.Envelope, len(told))
	for i, e := range told {
		envelopes[i] = events.Envelope{
			ID: e.ID, Type: e.Type, Merchant: e.Merchant, OrderID: e.OrderID, Time: e.At, Data: e.Data,
		}
	}
	return w.cfg.Bus.PublishAll(ctx, envelopes)
}
