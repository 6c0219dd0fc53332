package wechat

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"settled"
)

// class is how urgent a call is.
type class int

// The classes, the most urgent first: a customer waits for a prepay id, a query finds
// money that came in, everything else has time.
const (
	urgent class = iota
	asking
	patient
)

// reserve is the part of the budget that a class must leave for those before it.
var reserve = map[class]float64{urgent: 0, asking: .2, patient: .4}

const (
	longestQueue  = 2 * time.Second  // how long a call waits for its turn
	shortestWait  = time.Millisecond // or a clock that stands still makes it a busy loop
	codeBudget    = "budget"         // our own bound, not WeChat's
	slowestShare  = 1. / 64          // of the rate, however often WeChat says "too often"
	recoveryRate  = 1.1              // a second
	limitedPauses = time.Second      // about how long everyone waits after "too often"
	mostDoublings = 4                // of that, while WeChat goes on saying it
)

// errTooOften is in every error of a call that WeChat took for one too many.
var errTooOften = errors.New("too often")

// budget bounds how many calls one merchant makes from this process, and is slowed down by
// WeChat's "too often". Its clock is given with each call.
type budget struct {
	rate float64 // a second; 0: without bounds

	mu      sync.Mutex
	tokens  float64
	share   float64 // of the rate, less after "too often"
	asOf    time.Time
	closed  time.Time // nobody calls before
	limited int       // "too often" in a row
}

func newBudget(rate int) *budget {
	return &budget{rate: float64(rate), tokens: float64(rate), share: 1}
}

// take takes one call out of the budget, or says after which time it is worth trying again.
func (b *budget) take(now time.Time, c class) (wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if left := b.closedFor(now); left > 0 {
		return left
	}
	if b.rate == 0 {
		return 0
	}
	b.refill(now)
	// However small the budget has become, one call of any class fits in.
	kept := min(reserve[c]*b.room(), b.room()-1)
	if missing := 1 + kept - b.tokens; missing > 0 {
		return time.Duration(math.Ceil(missing / (b.rate * b.share) * float64(time.Second)))
	}
	b.tokens--
	return 0
}

func (b *budget) refill(now time.Time) {
	if b.asOf.IsZero() {
		b.asOf = now
	}
	passed := max(0, now.Sub(b.asOf).Seconds())
	b.asOf = now
	b.share = min(1, b.share*math.Pow(recoveryRate, passed))
	b.tokens = min(b.room(), b.tokens+passed*b.rate*b.share)
}

// room is what the budget can hold: a second's calls, and never less than one.
func (b *budget) room() float64 { return max(b.rate*b.share, 1) }

// closedFor is how long nobody calls from now on. More than was ever meant says that the
// clock was set back; then the pause is over.
func (b *budget) closedFor(now time.Time) time.Duration {
	left := b.closed.Sub(now)
	if left > (limitedPauses<<mostDoublings)*3/2 {
		return 0
	}
	return left
}

// answered takes note of an answer that is no "too often": the next of those is a first one.
func (b *budget) answered() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limited = 0
}

// slow takes note of WeChat's "too often": everybody pauses, and half as much is asked from
// now on.
func (b *budget) slow(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closedFor(now) > 0 {
		return // said to several calls at once
	}
	pause := limitedPauses << min(b.limited, mostDoublings)
	b.closed = now.Add(pause/2 + rand.N(pause)) //nolint:gosec // a pause needs no secrecy
	b.share = max(slowestShare, b.share/2)
	b.limited++
}

// wait waits for the call's turn, bounded; without one nothing has been sent.
func (b *budget) wait(ctx context.Context, now func() time.Time, c class) error {
	for waited := time.Duration(0); ; {
		wait := b.take(now(), c)
		if wait == 0 {
			return nil
		}
		wait = max(wait, shortestWait)
		if waited += wait; waited > longestQueue {
			return &settled.Unknown{Code: codeBudget, After: max(wait, time.Second), Err: errors.New("too many calls of this merchant are waiting")}
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return &settled.Unknown{Code: codeCancelled, Err: ctx.Err()}
		}
	}
}
