package hints

import "time"

// token is an access token as one process knows it.
type token struct {
	value string
	// version orders tokens: a newer one has a higher version, in every process and over
	// every loss of Redis.
	version   int64
	life      time.Duration
	expiresAt time.Time
	refreshAt time.Time // when this process would fetch the next one
}

// usableLife leaves the end of a token's life unused: a call that carries it has to get
// through before it ends.
func usableLife(life time.Duration) time.Duration {
	return life - min(30*time.Second, life/20)
}

// usable reports whether the token may still be handed out.
func (k token) usable(now time.Time) bool { return k.value != "" && now.Before(k.expiresAt) }

// due reports whether it is time to fetch the next one.
func (k token) due(now time.Time) bool { return !now.Before(k.refreshAt) }

// newToken is a token with this much of its life left. Every process draws its own moment
// to refresh it, between 60 and 75 % of its life; the first of them spares the others.
func (h *Hints) newToken(value string, version int64, life, left time.Duration) token {
	expiresAt := h.cfg.Now().Add(left)
	return token{
		value: value, version: version, life: life, expiresAt: expiresAt,
		refreshAt: expiresAt.Add(-h.chance.between(life/4, life*2/5)),
	}
}
