package wechat

import (
	"math/rand/v2"
	"sync"
	"time"
)

// How a host proves that it is not to be relied upon, and for how long it is left alone.
const (
	breakAfter    = 5  // failures in a row
	breakWindow   = 20 // outcomes of which half may fail
	shortestBreak = 5 * time.Second
	// longestBreak is short: whatever comes up meanwhile is put off once more, on top of the
	// pauses that it has of its own, and a call in a quarter of a minute harms no host.
	longestBreak = 15 * time.Second
)

// health is what a call says about the host that it was made to.
type health int

const (
	neither health = iota // the caller gave up, or nothing was sent
	healthy               // WeChat's own word, whatever it says
	failing               // no answer, or none that can be WeChat's
	// doubtful is an answer that does not verify: worth asking the other host, and no verdict
	// on this one. WeChat itself sends wrong signatures now and then, to see what we do.
	doubtful
)

// breaker leaves a host alone that fails. After a while one call at a time may try it; the
// first that succeeds brings it back. It is one merchant's and one host's: what one
// merchant suffers slows down nobody else.
type breaker struct {
	mu       sync.Mutex
	inARow   int
	outcomes [breakWindow]bool // true: failed
	seen     int
	failed   int // of the outcomes that are remembered

	open    bool
	until   time.Time
	pause   time.Duration
	probing bool
	term    int // grows with everything after which older calls tell of the past
}

// rests says when it is worth asking to be admitted; zero: now.
func (b *breaker) rests(now time.Time) (again time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.resting(now)
}

func (b *breaker) resting(now time.Time) (again time.Time) {
	switch {
	case !b.open:
		return time.Time{}
	case now.Before(b.until) && b.until.Sub(now) <= longestBreak+longestBreak/5:
		return b.until // for longer nobody is left alone: then the clock was set back
	case b.probing:
		return now.Add(shortestBreak / 5)
	}
	return time.Time{}
}

// admit reports whether a call may be made now; if not, when it is worth asking again.
// Whoever is admitted says how it went, and in which term.
func (b *breaker) admit(now time.Time) (term int, ok bool, again time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if again := b.resting(now); !again.IsZero() {
		return 0, false, again
	}
	if b.open {
		b.probing = true
		b.term++
	}
	return b.term, true, time.Time{}
}

// done takes how an admitted call went, and reports whether the breaker has opened or
// closed by it. While the host is left alone its probe alone counts: a call from before
// tells of the past.
func (b *breaker) done(now time.Time, term int, h health) (changed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if term != b.term {
		return false
	}
	probe := b.probing
	b.probing = false
	switch {
	case h == neither, h == doubtful:
		return false
	case probe && h == healthy:
		b.inARow, b.seen, b.failed, b.pause, b.open = 0, 0, 0, 0, false
		b.term++
		return true
	case probe:
		b.leave(now)
		return false
	}
	b.remember(h == failing)
	if b.inARow >= breakAfter || b.seen >= breakWindow && 2*b.failed >= breakWindow {
		b.leave(now)
		return true
	}
	return false
}

func (b *breaker) remember(failed bool) {
	at := b.seen % breakWindow
	if b.seen >= breakWindow && b.outcomes[at] {
		b.failed--
	}
	b.outcomes[at] = failed
	b.seen++
	b.inARow++
	if failed {
		b.failed++
		return
	}
	b.inARow = 0
}

// leave opens the breaker, each time for longer, and not for all processes alike.
func (b *breaker) leave(now time.Time) {
	b.pause = min(max(2*b.pause, shortestBreak), longestBreak)
	b.term++
	b.open, b.until = true, now.Add(b.pause-b.pause/5+rand.N(2*b.pause/5)) //nolint:gosec // a pause needs no secrecy
}
