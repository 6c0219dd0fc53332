package ingress

import (
	"sync"
	"time"
)

const (
	hintEvery = time.Second // between two hints about one payment
	hintsKept = 10_000      // payments remembered at the most
)

// hintLimit keeps a payment's app from asking without end: who knows the payment's id may
// give a hint a second, each of which makes us ask WeChat.
type hintLimit struct {
	now  func() time.Time
	mu   sync.Mutex
	last map[string]time.Time
}

func newHintLimit(now func() time.Time) *hintLimit {
	return &hintLimit{now: now, last: map[string]time.Time{}}
}

func (l *hintLimit) allow(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if last, ok := l.last[id]; ok && now.Sub(last) < hintEvery {
		return false
	}
	if len(l.last) >= hintsKept {
		clear(l.last) // forgetting lets a hint too many through, no more
	}
	l.last[id] = now
	return true
}
