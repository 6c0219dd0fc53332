package main

import (
	"context"
	"iter"
	"time"

	"settled/events"
	"settled/events/bus"
)

// outStream is the stream of events as an audit reads it.
type outStream struct{ bus *bus.Bus }

func (s outStream) Since(ctx context.Context, from time.Time, subject string, headless bool) iter.Seq2[[]events.Message, error] {
	return s.bus.Walk(ctx, bus.Walk{Stream: bus.Out, Subject: subject, Since: from, Headless: headless})
}

func (s outStream) HoldsSince(ctx context.Context) (time.Time, error) {
	return s.bus.HoldsSince(ctx, bus.Out)
}

func (s outStream) Follow(ctx context.Context, after events.StreamPlace, most int) ([]events.Message, events.StreamPlace, error) {
	return s.bus.Follow(ctx, bus.Out, after, most)
}
