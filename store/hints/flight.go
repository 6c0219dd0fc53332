package hints

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

const (
	// recheck is how old a process's picture of Redis may become.
	recheck = time.Minute
	// patience is how long Redis may be gone before a process without a token goes its own
	// way. A restart of Redis is over by then.
	patience = time.Second
	// breath is how soon whoever has no token looks again.
	breath = time.Second
)

// fly is one errand: it asks Redis and does what it is told, until there is a token or a
// reason why not.
func (t *Tokens) fly(ctx context.Context) {
	waiting, cancel := context.WithTimeout(ctx, t.cfg.Wait)
	defer cancel()
	for owner := t.hints.chance.name(); ; {
		q := t.question(owner)
		a, err := t.consult(ctx, q)
		again := false
		if err != nil {
			again = t.alone(ctx, q)
		} else {
			t.learn(a)
			again = t.follow(ctx, q, a)
		}
		if !again {
			return
		}
		if !t.linger(waiting) {
			t.without(t.now().Add(t.cfg.Pause), errSlow)
			return
		}
	}
}

// linger waits a little before Redis is asked again; false if there was waiting enough.
func (t *Tokens) linger(ctx context.Context) bool {
	timer := time.NewTimer(t.hints.chance.between(30*time.Millisecond, 70*time.Millisecond))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// question is what this process wants to know now.
func (t *Tokens) question(owner string) question {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	q := question{owner: owner, tally: t.tally, urgent: !t.held.usable(now)}
	q.fetch = (q.urgent || t.held.due(now)) && !now.Before(t.brake.until)
	if !q.urgent {
		q.mine, q.left = t.held, t.held.expiresAt.Sub(now)
	}
	switch {
	case q.urgent:
		q.beyond = t.refused
	case q.fetch:
		q.beyond = t.held.version
	}
	if t.refused >= t.highest {
		q.refused = t.refused
	}
	return q
}

// learn takes over what the others know.
func (t *Tokens) learn(a answer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tally.learn(a.day, a.count)
	t.highest = max(t.highest, a.version)
	if a.refused >= t.held.version {
		t.refused, t.held = max(t.refused, a.refused), token{}
	}
}

// follow does what Redis said; again if that was to wait for somebody else.
func (t *Tokens) follow(ctx context.Context, q question, a answer) (again bool) {
	switch a.verdict {
	case useToken:
		t.adopt(a.token, a.version, a.life, a.left)
	case leased:
		if q.urgent {
			return true
		}
		t.rest(breath)
	case paused:
		t.without(t.now().Add(a.wait), errElsewhere)
	case overQuota:
		t.overQuota(ctx, t.now().Add(a.wait), ErrQuota)
	case fetchToken:
		t.fetch(ctx, q, a.streak, a.refused, t.store)
	case noToken:
		t.braked()
	}
	return false
}

// alone is what is left without Redis: the token that is held is used to its end, and
// only then another is fetched, out of a small share of the quota.
func (t *Tokens) alone(ctx context.Context, q question) (again bool) {
	switch {
	case !q.urgent:
		t.rest(breath)
	case t.hints.life.Err() != nil:
		t.without(t.now(), errClosed)
	case t.hints.lostFor() < patience:
		return true
	case !q.fetch:
		t.braked()
	case !t.takeAlone():
		t.overQuota(ctx, t.now().Add(recheck), errShare)
	default:
		t.fetch(ctx, q, 0, 0, t.keepAlone)
	}
	return false
}

func (t *Tokens) takeAlone() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tally.takeAlone(dayOf(t.now()), t.cfg.DailyQuota)
}

// adopt makes a token the current one, unless a newer one or its refusal is known.
func (t *Tokens) adopt(value string, version int64, life, left time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if version > t.refused && (version > t.held.version || !t.held.usable(t.now())) {
		t.held = t.hints.newToken(value, version, life, left)
		t.highest = max(t.highest, version)
	}
	t.trouble = trouble{}
	t.lookAgain(recheck)
}

// rest looks again later; the token that is held is good enough until then.
func (t *Tokens) rest(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lookAgain(d)
}

// lookAgain sets when Redis is asked next: in half of d to d, more often for a token of
// short life, and when it is time to refresh it. t.mu is held.
func (t *Tokens) lookAgain(d time.Duration) {
	now := t.now()
	if t.held.value != "" {
		d = min(d, t.held.life/10)
	}
	t.lookAt = now.Add(t.hints.chance.between(d/2, d))
	if t.held.refreshAt.After(now) && t.held.refreshAt.Before(t.lookAt) {
		t.lookAt = t.held.refreshAt
	}
}

// without says why there is no new token before a time. Whoever has an old one that is
// still good goes on with it.
func (t *Tokens) without(until time.Time, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	again := t.now().Add(breath)
	if until.Before(again) {
		again = until
	}
	t.trouble = trouble{err: &Unavailable{Until: until, Err: err}, until: again}
	t.lookAgain(breath)
}

// braked says why this process itself does not fetch now.
func (t *Tokens) braked() {
	t.mu.Lock()
	until, err := t.brake.until, t.brake.err
	t.mu.Unlock()
	if err == nil {
		err = errRefused
	}
	t.without(until, err)
}

// overQuota says that a fetch was not made for the quota. It is told once a day.
func (t *Tokens) overQuota(ctx context.Context, until time.Time, err error) {
	t.mu.Lock()
	told := errors.Is(t.tally.told, err)
	t.tally.told = err
	t.mu.Unlock()
	if !told {
		t.log.ErrorContext(ctx, "nothing is fetched any more", slog.Any("error", err))
		t.cfg.Observe(QuotaExhausted)
	}
	t.without(until, err)
}
