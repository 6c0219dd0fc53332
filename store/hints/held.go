package hints

import "time"

// Held tells until when the token that this process holds is good; zero if it holds none, or
// one that is good no more. It asks nobody.
func (t *Tokens) Held() (until time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.held.usable(t.now()) {
		return time.Time{}
	}
	return t.held.expiresAt
}
