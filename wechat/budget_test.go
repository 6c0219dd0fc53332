package wechat

import (
	"context"
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"settled"
)

// unbounded is where counting stops.
const unbounded = 1000

// takes is how many calls of a class may be made at once.
func (b *budget) takes(now time.Time, c class) (taken int) {
	for taken < unbounded && b.take(now, c) == 0 {
		taken++
	}
	return taken
}

func TestTheLastPartOfABudgetBelongsToTheUrgent(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		rate                    int
		patient, asking, urgent int // taken one after the other from a full budget
	}{
		"a hundred a second":  {100, 60, 20, 20},
		"ten":                 {10, 6, 2, 2},
		"two":                 {2, 1, 0, 1},
		"one is for everyone": {1, 1, 0, 0},
		"no bound":            {0, unbounded, unbounded, unbounded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBudget(test.rate)
			for _, want := range []struct {
				class class
				taken int
			}{{patient, test.patient}, {asking, test.asking}, {urgent, test.urgent}} {
				if got := b.takes(began, want.class); got != want.taken {
					t.Errorf("class %d took %d, want %d", want.class, got, want.taken)
				}
			}
		})
	}
}

func TestABudgetFillsAtItsRateAndHoldsOneSecond(t *testing.T) {
	t.Parallel()
	b := newBudget(100)
	if got := b.takes(began, urgent); got != 100 {
		t.Errorf("took %d at once, want a second's worth", got)
	}
	for _, step := range []struct {
		at    time.Duration
		taken int
	}{{125 * time.Millisecond, 12}, {125 * time.Millisecond, 0}, {time.Second, 88}, {time.Hour, 100}} {
		if got := b.takes(began.Add(step.at), urgent); got != step.taken {
			t.Errorf("at %s: took %d, want %d", step.at, got, step.taken)
		}
	}
	now := began.Add(time.Hour)
	if wait := b.take(now, urgent); wait != 10*time.Millisecond || b.take(now.Add(wait), urgent) != 0 {
		t.Errorf("the next turn after %s is none", wait)
	}
}

func TestTooOftenMakesEverybodyPauseEachTimeForLonger(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{100, 0} {
		b, now := newBudget(rate), began
		for _, about := range []time.Duration{1, 2, 4, 8, 16, 16, 16} {
			b.slow(now)
			pause := b.take(now, urgent)
			if pause < about*time.Second/2 || pause >= about*time.Second*3/2 {
				t.Errorf("rate %d: paused for %s, want about %d s", rate, pause, about)
			}
			if taken := b.takes(b.closed.Add(-1), urgent); taken != 0 {
				t.Errorf("rate %d: %d calls during the pause", rate, taken)
			}
			now = b.closed
		}
		b.answered()
		b.slow(now)
		if pause := b.take(now, urgent); pause >= 3*time.Second/2 {
			t.Errorf("rate %d: paused for %s though the row had ended", rate, pause)
		}
	}
}

func TestWithoutABoundThePauseIsAll(t *testing.T) {
	t.Parallel()
	b := newBudget(0)
	b.slow(began)
	if got := b.takes(b.closed, patient); got != unbounded {
		t.Errorf("took %d after the pause", got)
	}
}

func TestTooOftenHalvesTheRateDownToASixtyFourth(t *testing.T) {
	t.Parallel()
	b := newBudget(100)
	for _, want := range []float64{1. / 2, 1. / 4, 1. / 8, 1. / 16, 1. / 32, 1. / 64, 1. / 64} {
		b.closed = began // the pause alone passes no time here: the rate would grow meanwhile
		b.slow(began)
		if b.share != want {
			t.Errorf("asks %g of the rate, want %g", b.share, want)
		}
	}
}

func TestTheRateGrowsByATenthEachSecond(t *testing.T) {
	t.Parallel()
	b := newBudget(100)
	b.takes(began, urgent)
	b.slow(began)
	b.closed = began
	for seconds, want := range []float64{.5, .55, .605, .6655, .73205, .805255, .8857805, .97435855, 1, 1} {
		b.take(began.Add(time.Duration(seconds)*time.Second), urgent)
		if math.Abs(b.share-want) > 1e-9 {
			t.Errorf("after %d s: %g of the rate, want %g", seconds, b.share, want)
		}
	}
}

func TestTooOftenSaidToManyCallsAtOnceCountsOnce(t *testing.T) {
	t.Parallel()
	b := newBudget(100)
	var wait sync.WaitGroup
	for range 50 {
		wait.Go(func() { b.slow(began) })
	}
	wait.Wait()
	if b.share != .5 || b.limited != 1 {
		t.Errorf("asks %g of the rate after %d times", b.share, b.limited)
	}
}

func TestAClockThatIsSetBackNeitherPausesNorGives(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{100, 0} {
		b, earlier := newBudget(rate), began.Add(-time.Hour)
		b.slow(began)
		if wait := b.take(earlier, urgent); wait != 0 {
			t.Errorf("rate %d: waits %s", rate, wait)
		}
		if b.slow(earlier); b.limited != 2 || b.take(earlier, urgent) == 0 {
			t.Errorf("rate %d: WeChat's next word is not heard", rate)
		}
	}
	b := newBudget(100)
	b.takes(began, urgent)
	if got := b.takes(began.Add(-time.Hour), urgent); got != 0 {
		t.Errorf("took %d out of an empty budget", got)
	}
}

func TestCallsWaitForTheirTurnButNotForLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(10)
		var taken, sent atomic.Int64
		var wait sync.WaitGroup
		start := time.Now()
		for range 100 {
			wait.Go(func() {
				err := b.wait(t.Context(), time.Now, urgent)
				var unknown *settled.Unknown
				switch {
				case err == nil:
					taken.Add(1)
				case errors.As(err, &unknown) && unknown.Code == codeBudget && unknown.After >= time.Second:
					sent.Add(1)
				default:
					t.Errorf("got %v", err)
				}
			})
		}
		wait.Wait()
		if got := taken.Load(); got < 25 || got > 30 || got+sent.Load() != 100 {
			t.Errorf("%d had their turn, %d had not", got, sent.Load())
		}
		if took := time.Since(start); took > longestQueue {
			t.Errorf("the last waited %s", took)
		}
	})
}

func TestAPauseThatIsTooLongIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, start := newBudget(0), time.Now()
		b.closed = start.Add(8 * time.Second)
		var unknown *settled.Unknown
		if err := b.wait(t.Context(), time.Now, urgent); !errors.As(err, &unknown) || unknown.After != 8*time.Second {
			t.Errorf("got %+v", unknown)
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("waited %s", waited)
		}
	})
}

func TestAnUrgentCallOvertakesThoseThatWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(10)
		b.takes(time.Now(), urgent)
		var before atomic.Int64
		var wait sync.WaitGroup
		for _, c := range []class{asking, patient} {
			wait.Go(func() {
				if err := b.wait(t.Context(), time.Now, c); err != nil {
					t.Error(err)
				}
				before.Add(1)
			})
		}
		synctest.Wait()
		if err := b.wait(t.Context(), time.Now, urgent); err != nil || before.Load() != 0 {
			t.Errorf("got %v after %d others", err, before.Load())
		}
		wait.Wait()
	})
}

func TestACallerWhoGivesUpWaitsNoLonger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, start := newBudget(1), time.Now()
		b.takes(start, urgent)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		if got := codeOf(b.wait(ctx, time.Now, urgent)); got != codeCancelled {
			t.Errorf("got %s", got)
		}
		if waited := time.Since(start); waited != time.Second/2 {
			t.Errorf("waited %s", waited)
		}
	})
}

func TestAClockThatStandsStillHoldsNobody(t *testing.T) {
	t.Parallel()
	for _, missing := range []float64{1, 1e-7} {
		synctest.Test(t, func(t *testing.T) {
			b, start, looks := newBudget(100), time.Now(), 0
			b.take(start, urgent)
			b.tokens = 1 - missing
			standing := func() time.Time { looks++; return start }
			if got := codeOf(b.wait(t.Context(), standing, urgent)); got != codeBudget {
				t.Errorf("got %s", got)
			}
			if waited := time.Since(start); waited > longestQueue || looks > 2001 {
				t.Errorf("waited %s, and looked %d times", waited, looks)
			}
		})
	}
}
