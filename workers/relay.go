package workers

import (
	"context"
	"time"

	"settled"
	"settled/events"
)

const (
	relayMost  = 512
	relayBound = 6 * time.Second // less than PostgreSQL lets a transaction idle
	relayPoll  = 250 * time.Millisecond
	// A round costs the same for one event as for many: after one that found a few, others gather
	// for a moment. What comes after a silence goes out at once.
	relayFew    = 64
	relayGather = 10 * time.Millisecond
	relayRest   = 2 * time.Second // after a failure
	lookEvery   = 5 * time.Second // at the streams, if nothing is the matter
)

// relayer is what the relay knows from one round to the next.
type relayer struct {
	cfg    Config
	stream string    // that the events go to
	looked time.Time // at the streams; zero: they have to be looked at before anything is published
}

// relay is the pool that publishes what is committed, and again what the streams have
// lost. At its end it empties the outbox once more, so that a clean stop leaves nothing
// waiting.
func (w *Workers) relay(ctx context.Context) error {
	r := &relayer{cfg: w.cfg}
	for ctx.Err() == nil {
		done, err := r.round(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			w.cfg.Log.WarnContext(ctx, "events not published", "error", err)
			pause(ctx, jitter(relayRest))
		case !done.More:
			if 0 < done.Published && done.Published < relayFew {
				pause(ctx, relayGather)
			}
			r.wait(ctx)
		}
	}
	r.empty(ctx)
	return nil
}

// empty publishes until nothing waits, or until a round that began might not end within
// Drain. What is left, and a replay, goes on wherever the next relay is.
func (r *relayer) empty(ctx context.Context) {
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.cfg.Drain-relayBound)
	defer cancel()
	for last.Err() == nil {
		if done, err := r.round(ctx); err != nil || done.Published == 0 {
			return
		}
	}
}

// round looks at the streams if it is time, and then publishes. It publishes nothing if
// somebody else has the turn, nor after a failure that may have been a loss. Once begun it
// outlives ctx: what is published is to be known as such, or the next relay says it again.
func (r *relayer) round(ctx context.Context) (settled.Relayed, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), relayBound)
	defer cancel()
	if now := r.cfg.Now(); now.Sub(r.looked) > lookEvery {
		if mine, err := r.lookAtStreams(ctx); err != nil || !mine {
			return settled.Relayed{}, err
		}
		r.looked = now
	}
	done, err := r.cfg.Ledger.Relay(ctx, settled.RelayRound{Stream: r.stream, Types: events.Outputs, Most: relayMost}, r.publish)
	if err != nil {
		r.looked = time.Time{}
	}
	r.cfg.Metrics.Published(done.Published)
	r.cfg.Metrics.Replayed(done.Replayed)
	return done, err
}

// lookAtStreams notices what they have lost. mine is false if somebody else has the turn.
func (r *relayer) lookAtStreams(ctx context.Context) (mine bool, err error) {
	losses, mine, err := r.cfg.Ledger.Look(ctx, r.streams)
	for _, l := range losses {
		r.cfg.Metrics.StreamLost(l.Stream.Name)
		r.cfg.Log.ErrorContext(ctx, "a stream lost what it held", "stream", l.Stream.Name, "loss", string(l.Loss),
			"last_sequence", l.Stream.Last, "remembered_sequence", l.Remembered.Last, "created", l.Stream.Created, "replay_since", l.ReplaySince)
	}
	return mine, err
}

func (r *relayer) streams(ctx context.Context) ([]settled.Stream, error) {
	found, err := r.cfg.Bus.Streams(ctx)
	streams := make([]settled.Stream, len(found))
	for i, f := range found {
		streams[i] = settled.Stream{Name: f.Name, Created: f.Created, Last: f.Last, Lost: f.Lost}
		if f.Outputs {
			r.stream, streams[i].Refill = f.Name, f.Keeps
		}
	}
	return streams, err
}

// wait waits until this process commits an event, or long enough that another may have.
func (r *relayer) wait(ctx context.Context) {
	timer := time.NewTimer(jitter(relayPoll))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-r.cfg.Ledger.Woken():
	case <-r.cfg.Bus.Reconnected():
		r.looked = time.Time{}
	}
}

func (r *relayer) publish(ctx context.Context, told []settled.Event) (last uint64, failures []error) {
	envelopes := make([]events.Envelope, len(told))
	for i, e := range told {
		envelopes[i] = events.Envelope{
			ID: e.ID, Type: e.Type, Merchant: e.Merchant, OrderID: e.OrderID, Time: e.At, Traceparent: e.Traceparent, Data: e.Data,
		}
	}
	return r.cfg.Bus.PublishAll(ctx, envelopes)
}
