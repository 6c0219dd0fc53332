package store_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"settled"
	"settled/store"
	"settled/store/storetest"
)

// waiting is the context of a caller of which one wants to know that it waits.
type waiting struct {
	context.Context
	waits func()
}

func (w waiting) Done() <-chan struct{} {
	w.waits()
	return w.Context.Done()
}

// Callers that share a statement are observed together, and each event keeps the trace of its
// own caller, if that has one.
func TestWhoSharesAStatementIsTold(t *testing.T) {
	t.Parallel()
	type key struct{}
	var mu sync.Mutex
	var callers [][]any
	var observed []string
	begun, goOn := make(chan struct{}, 2), make(chan struct{})
	address := storetest.URL(t)
	if _, err := storetest.Open(t, address).Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(store.Config{
		URL: address, Log: slog.New(slog.DiscardHandler),
		Begin: func(ctx context.Context, statement string, of []context.Context) (context.Context, func(error)) {
			if statement != "tell" {
				return ctx, func(error) {}
			}
			begun <- struct{}{}
			<-goOn
			mu.Lock()
			defer mu.Unlock()
			var names []any
			for _, caller := range of {
				names = append(names, caller.Value(key{}))
			}
			callers = append(callers, names)
			return ctx, func(err error) { observed = append(observed, fmt.Sprintf("ended with %v", err)) }
		},
		Observe: func(statement string, shared int, took time.Duration) {
			if statement == "tell" && took > 0 {
				mu.Lock()
				defer mu.Unlock()
				observed = append(observed, fmt.Sprintf("%s of %d", statement, shared))
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	p := settled.Payment{Merchant: "m", OrderID: "of nobody"}
	var told sync.WaitGroup
	queued := make(chan struct{}, 16)
	tell := func(name, traceparent string) {
		told.Go(func() {
			e := flagOf(p, name)
			e.Traceparent = traceparent
			ctx := waiting{context.WithValue(t.Context(), key{}, name), func() {
				select {
				case queued <- struct{}{}:
				default:
				}
			}}
			if _, err := s.Tell(ctx, e); err != nil {
				t.Error(err)
			}
		})
	}
	const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	tell("first", "")
	<-begun // and now the others gather
	<-queued
	for _, name := range []string{"a", "b", "c"} {
		tell(name, map[string]string{"b": traceparent}[name])
		<-queued
	}
	close(goOn)
	told.Wait()
	if want := [][]any{{"first"}, {"a", "b", "c"}}; !slices.EqualFunc(callers, want, slices.Equal) {
		t.Errorf("begun for %v, want %v", callers, want)
	}
	if want := []string{"tell of 1", "ended with <nil>", "tell of 3", "ended with <nil>"}; !slices.Equal(observed, want) {
		t.Errorf("observed %q, want %q", observed, want)
	}
	history, err := s.ToldOfOrder(t.Context(), []string{"payment.flagged"}, p.Merchant, p.OrderID)
	if err != nil || len(history) != 4 {
		t.Fatalf("%d events, %v", len(history), err)
	}
	for _, h := range history {
		want := ""
		if h.ID == flagOf(p, "b").ID {
			want = traceparent
		}
		if h.Traceparent != want {
			t.Errorf("event %s has the traceparent %q, want %q", h.ID, h.Traceparent, want)
		}
	}
}
