package wechat

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"settled"
)

var began = time.Unix(1600000000, 0)

func TestEveryClassHasItsTurnHoweverSmallTheBudget(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{1, 2, 3, 10} {
		for _, c := range []class{urgent, asking, patient} {
			b := newBudget(rate)
			if wait := b.take(began, c); wait != 0 {
				t.Errorf("rate %d, class %d: waits %s for a full bucket", rate, c, wait)
			}
			now := began
			for range 20 {
				b.slow(now)
				now = b.closed
			}
			b.take(now, c)
			if wait := b.take(now.Add(2*time.Minute), c); wait != 0 {
				t.Errorf("rate %d, class %d: waits %s two minutes after WeChat's too often", rate, c, wait)
			}
		}
	}
}

func TestTheRateGrowsBackHoweverBusyTheLine(t *testing.T) {
	t.Parallel()
	for _, step := range []time.Duration{time.Millisecond, 50 * time.Millisecond, time.Second, 10 * time.Second} {
		b := newBudget(100)
		b.slow(began)
		for now := b.closed; now.Before(b.closed.Add(20 * time.Second)); now = now.Add(step) {
			b.take(now, urgent)
		}
		b.take(b.closed.Add(20*time.Second), urgent)
		if b.share != 1 {
			t.Errorf("a call each %s: %.2f of the rate after 20 s", step, b.share)
		}
	}
}

func TestCallsFromBeforeAHostWasLeftAloneTellNothing(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]health{"its caller gave up": neither, "answered": healthy, "failed": failing} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &breaker{}
			early, _, _ := b.admit(began)
			for range breakAfter {
				term, _, _ := b.admit(began)
				b.done(began, term, failing)
			}
			now := b.until
			probe, admitted, _ := b.admit(now)
			if changed := b.done(now, early, late); !admitted || changed {
				t.Errorf("admitted %t, changed %t", admitted, changed)
			}
			if _, second, _ := b.admit(now); second {
				t.Error("a second probe beside the first")
			}
			if !b.done(now, probe, healthy) || !b.rests(now).IsZero() {
				t.Error("the probe did not bring the host back")
			}
		})
	}
}

// However long a host was away, it is tried again in time for those who wait.
func TestAHostThatWasAwayForAnHourIsTriedWithinTwentySeconds(t *testing.T) {
	t.Parallel()
	b, now := &breaker{}, began
	for now.Before(began.Add(time.Hour)) {
		term, admitted, again := b.admit(now)
		if !admitted {
			if rest := again.Sub(now); rest > 20*time.Second {
				t.Fatalf("it is left alone for %s", rest)
			}
			now = again
			continue
		}
		b.done(now, term, failing)
	}
}

func TestALeaseThatEndsSaysNothingOfTheHost(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(server.Close)
	l := newLine(lineConfig{Endpoint: server.URL, Timeout: time.Minute, Now: func() time.Time { return began }})
	out := outgoing{name: "query", write: func(endpoint string) (request, error) {
		return request{method: http.MethodGet, url: endpoint}, nil
	}}
	for range breakAfter {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		_ = l.do(ctx, out, func(incoming) error { return nil })
		cancel()
	}
	if _, rest := l.rests(); rest {
		t.Error("the host is left alone")
	}
}

func TestWhileHostsAreLeftAloneNoCallTakesATurn(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	t.Cleanup(server.Close)
	l := newLine(lineConfig{Endpoint: server.URL, Rate: 10, Timeout: time.Minute, Now: func() time.Time { return began }})
	out := outgoing{name: "query", write: func(endpoint string) (request, error) {
		return request{method: http.MethodGet, url: endpoint}, nil
	}}
	judge := func(incoming) error { return &settled.Unknown{Code: codeUnreadable} }
	for range breakAfter {
		_ = l.do(t.Context(), out, judge)
	}
	left := l.budget.tokens
	if got := codeOf(l.do(t.Context(), out, judge)); got != codeHostOpen || l.budget.tokens != left {
		t.Errorf("got %s, and %g of %g turns are left", got, l.budget.tokens, left)
	}
}
