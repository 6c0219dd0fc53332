package hints_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"settled/store/hints"
)

func TestAThousandCallersInManyProcessesFetchOnce(t *testing.T) {
	t.Parallel()
	w := newWeChat()
	_, f := realRedis(t, w)
	processes := f.startAll(t, 8)
	crowd(t, 1000, func(i int) {
		processes[i%len(processes)].has(t, tokenNumber(1))
	})
	if w.count() != 1 {
		t.Errorf("%d fetches, want 1", w.count())
	}
}

func TestARefusedTokenIsReplacedOnceForEverybody(t *testing.T) {
	t.Parallel()
	w := newWeChat()
	_, f := realRedis(t, w)
	f.tokens.Pause = time.Millisecond
	processes := f.startAll(t, 8)
	for round := range 5 {
		crowd(t, 1000, func(i int) {
			awaitToken(t, processes[i%len(processes)], tokenNumber(round+1))
		})
		if w.count() != round+1 {
			t.Fatalf("%d fetches after %d refusals, want %d", w.count(), round, round+1)
		}
		crowd(t, 1000, func(i int) {
			p := processes[i%len(processes)]
			if err := p.Refused(t.Context(), tokenNumber(round+1)); err != nil {
				t.Error(err)
			}
		})
	}
}

// awaitToken refuses every token but the one that is wanted, until the process has it.
func awaitToken(t *testing.T, p process, want string) {
	t.Helper()
	for {
		value, err := p.Token(t.Context())
		var unavailable *hints.Unavailable
		switch {
		case value == want:
			return
		case errors.As(err, &unavailable): // the one before was fetched this very moment
			<-time.After(time.Until(unavailable.Until))
		case err != nil:
			t.Error(err)
			return
		default:
			if err := p.Refused(t.Context(), value); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestTheRefusalOfAnOldTokenChangesNothing(t *testing.T) {
	bubble(t, func(t *testing.T, _ *wechat, _ *bubbleRedis, f fleet) {
		p := f.start(t)
		p.has(t, tokenNumber(1))
		for _, other := range []string{"TOKEN-0", ""} {
			if err := p.Refused(t.Context(), other); err != nil {
				t.Error(err)
			}
		}
		pass(time.Minute)
		p.has(t, tokenNumber(1))
	})
}

func TestATokenIsRefreshedBeforeItEndsByOneProcess(t *testing.T) {
	bubble(t, func(t *testing.T, w *wechat, _ *bubbleRedis, f fleet) {
		processes := f.startAll(t, 5)
		processes[0].has(t, tokenNumber(1))
		release := w.holdFetches()
		defer release()
		<-w.began
		began := time.Now()
		for w.count() < 2 {
			for _, p := range processes {
				p.has(t, tokenNumber(1))
			}
			pass(time.Second)
		}
		if part := float64(time.Since(began)) / float64(tokenLife); part < 0.59 || part > 0.76 {
			t.Errorf("it is refreshed after %.2f of its life", part)
		}
		for range 5 { // the fetch takes a while, and nobody waits for it
			pass(time.Second)
			for _, p := range processes {
				p.has(t, tokenNumber(1))
			}
		}
		release()
		pass(time.Minute)
		for _, p := range processes {
			_, _ = p.Token(t.Context()) // may be the old one, and makes it look
		}
		pass(0)
		for _, p := range processes {
			p.has(t, tokenNumber(2))
		}
		if w.count() != 2 {
			t.Errorf("%d fetches, want 2", w.count())
		}
	})
}

func TestAProcessThatDiesInTheMiddleOfAFetchIsReplaced(t *testing.T) {
	bubble(t, func(t *testing.T, w *wechat, _ *bubbleRedis, f fleet) {
		f.tokens.Wait = 20 * time.Second
		dead, alive := f.start(t), f.start(t)
		defer w.holdFetches()() // what the dead one has begun ends with the test
		ctx, die := context.WithCancel(t.Context())
		go func() { _, _ = dead.Token(ctx) }()
		<-w.began
		die()
		w.mu.Lock()
		w.hold = nil
		w.mu.Unlock()

		began := time.Now()
		alive.has(t, tokenNumber(2))
		if took := time.Since(began); took < 10*time.Second || took > 13*time.Second {
			t.Errorf("it took %s, want the fetch's limit and a little", took)
		}
	})
}

func TestNobodyWaitsLongerThanAsked(t *testing.T) {
	bubble(t, func(t *testing.T, w *wechat, _ *bubbleRedis, f fleet) {
		release := w.holdFetches()
		p := f.start(t)
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := p.Token(impatient); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("who asked for a second got %v", err)
			}
		})
		wg.Go(func() { p.has(t, tokenNumber(1)) }) // the other's end is not its own
		pass(2 * time.Second)
		release()
		wg.Wait()

		release = w.holdFetches()
		defer release()
		if err := p.Refused(t.Context(), tokenNumber(1)); err != nil {
			t.Error(err)
		}
		began := time.Now()
		_, err := p.Token(t.Context())
		var unavailable *hints.Unavailable
		if !errors.As(err, &unavailable) || time.Since(began) > 3*time.Second {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
}

func TestAnotherKeyIsAnotherToken(t *testing.T) {
	bubble(t, func(t *testing.T, _ *wechat, redis *bubbleRedis, f fleet) {
		f.start(t).has(t, tokenNumber(1))
		f.tokens.Key = "app and another secret"
		f.start(t).has(t, tokenNumber(2))
		f.config.Prefix = "staging:"
		f.start(t).has(t, tokenNumber(3))
		f.config.Prefix, f.tokens.Key = "", "app and secret"
		f.start(t).has(t, tokenNumber(1))
		for _, key := range redis.Keys() {
			if strings.Contains(key, "secret") {
				t.Errorf("redis is told the key: %s", key)
			}
		}
	})
}

func TestClosingWaitsForAFetchThatIsUnderWay(t *testing.T) {
	bubble(t, func(t *testing.T, w *wechat, _ *bubbleRedis, f fleet) {
		release := w.holdFetches()
		first, second := f.start(t), f.start(t)
		go func() { _, _ = first.Token(t.Context()) }()
		<-w.began
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			if err := first.hints.Close(); err != nil {
				t.Error(err)
			}
		}()
		synctest.Wait()
		select {
		case <-closed:
			t.Error("closed in the middle of a fetch")
		default:
		}
		release()
		<-closed
		second.has(t, tokenNumber(1))
	})
}

func TestClosedHintsGiveNoNewToken(t *testing.T) {
	bubble(t, func(t *testing.T, w *wechat, _ *bubbleRedis, f fleet) {
		p := f.start(t)
		if err := p.hints.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Token(t.Context()); err == nil || w.count() != 0 {
			t.Errorf("%d fetches, error %v", w.count(), err)
		}
	})
}

// crowd calls do n times at once and waits.
func crowd(t *testing.T, n int, do func(i int)) {
	t.Helper()
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			do(i)
		})
	}
	close(start)
	wg.Wait()
}
