package simulator

import (
	"sync"
	"time"
)

// legacyToken is an access token: good until a time, and refused with code after it.
type legacyToken struct {
	value string
	until time.Time
	code  legacyCode
}

// legacyTokens are one merchant's, from both ways to get one. These know nothing of each
// other: fetching one way ends no token of the other.
type legacyTokens struct {
	mu                    sync.Mutex
	current, previous     legacyToken // of cgi-bin/token
	stable, stableBefore  legacyToken // of cgi-bin/stable_token
	fetched, asked, force dailyQuota
	forcedAt              time.Time
}

// legacyTokenLength is a usual one; the document asks merchants to keep room for 512.
const legacyTokenLength = 136

// The quotas of stable_token and the pause between two forced refreshes, as its document
// gives them.
const (
	stableDailyQuota = 500_000
	forceDailyQuota  = 20
	forcePause       = 30 * time.Second
)

// fetch hands out a new token, and leaves the one before it overlap to live.
func (t *legacyTokens) fetch(value string, now time.Time, life, overlap time.Duration, quota int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.fetched.take(now, quota) {
		return refuse(legacyQuotaUsed, "")
	}
	t.previous = t.current.superseded(now.Add(overlap))
	t.current = legacyToken{value, now.Add(life), legacyTokenExpired}
	return nil
}

// steady hands out the token that is good, and a new one shortly before it ends; the old
// one lives out its time then. A forced one is new, and ends the old one at once.
func (t *legacyTokens) steady(value string, now time.Time, life time.Duration, force bool) (legacyToken, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	quota, most := &t.asked, stableDailyQuota
	if force {
		quota, most = &t.force, forceDailyQuota
	}
	if !quota.take(now, most) {
		return legacyToken{}, refuse(legacyQuotaUsed, "")
	}
	fresh := legacyToken{value, now.Add(life), legacyTokenExpired}
	switch {
	case force && !now.Before(t.forcedAt.Add(forcePause)):
		t.stable, t.stableBefore, t.forcedAt = fresh, t.stable.superseded(now), now
	case !now.Before(t.stable.until.Add(-life / 24)): // five minutes of two hours
		t.stable, t.stableBefore = fresh, t.stable
	}
	return t.stable, nil
}

// find reports whether this merchant was ever given the token, as far as anyone
// remembers, and the code to refuse it with; 0 if it is good.
func (t *legacyTokens) find(value string, now time.Time) (code legacyCode, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, token := range t.all() {
		if token.value == value && now.Before(token.until) {
			return 0, true
		}
		if token.value == value {
			return token.code, true
		}
	}
	return 0, false
}

// end makes tokens bad: the one with that value, or all for "".
func (t *legacyTokens) end(value string, code legacyCode) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, token := range t.all() {
		if value == "" || token.value == value {
			token.until, token.code = time.Time{}, code
		}
	}
}

func (t *legacyTokens) all() []*legacyToken {
	return []*legacyToken{&t.current, &t.previous, &t.stable, &t.stableBefore}
}

// superseded is the token when another one has taken its place.
func (t legacyToken) superseded(until time.Time) legacyToken {
	if t.until.Before(until) {
		until = t.until
	}
	return legacyToken{t.value, until, legacyBadCredential}
}

// dailyQuota counts what was used today, by Beijing's calendar.
type dailyQuota struct {
	day  string
	used int
}

func (q *dailyQuota) take(now time.Time, most int) bool {
	if day := now.In(beijing).Format(time.DateOnly); day != q.day {
		q.day, q.used = day, 0
	}
	if q.used >= most {
		return false
	}
	q.used++
	return true
}
