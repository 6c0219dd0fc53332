package hints

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// TokenConfig describes one merchant's access tokens, or whatever else is fetched now and
// then and good for a while.
type TokenConfig struct {
	Merchant string
	// What is fetched, for errors and logs; default "access token".
	What string
	// Key is whatever the token depends on: app id, secret, the way it is fetched. Another
	// key is another token. Redis sees its digest only.
	Key string
	// Fetch asks WeChat for a new token. ctx bounds it; its errors must hold no secret.
	Fetch func(ctx context.Context) (token string, life time.Duration, err error)
	// FetchTimeout bounds a fetch; default 10 s. A process that dies in the middle of one
	// keeps the others waiting for as long, if their token has ended.
	FetchTimeout time.Duration
	// DailyQuota is how many fetches a day (of Asia/Shanghai) all processes together may
	// make; 0: any number. A process that can't reach Redis makes a twentieth of them, one
	// at least, and none before its token has ended.
	DailyQuota int
	// Pause is the least time between two fetches; default 1 s. It doubles with every
	// fetch that fails or whose token is refused, until the fetches of a day can't use up
	// the quota, or up to MostPause where there is no quota; default Pause.
	Pause, MostPause time.Duration
	// Wait is how long Token waits for a fetch, whoever makes it; default 3 s.
	Wait time.Duration
	// Observe hears of what happens to these tokens; default: Config.Observe.
	Observe func(event string)
}

// Tokens are one merchant's access tokens: the one that is good now, and how the next is
// had. Its methods may be called from many goroutines.
type Tokens struct {
	cfg   TokenConfig
	hints *Hints
	keys  []string
	log   *slog.Logger

	mu      sync.Mutex
	held    token // the newest that is known
	highest int64 // version of the newest that ever was known
	refused int64 // no token up to this version is any good
	tally   tally
	brake   brake
	lookAt  time.Time // when to ask Redis again
	trouble trouble
	flight  chan struct{} // closed when the errand that is under way is back; nil: none is
}

// trouble is why there is no token. It is told to everyone for a moment, so that a crowd
// of callers does not become a crowd of questions.
type trouble struct {
	err   error
	until time.Time
}

// Tokens returns a merchant's tokens. It makes no call.
func (h *Hints) Tokens(cfg TokenConfig) *Tokens {
	cfg.What = cmp.Or(cfg.What, "access token")
	cfg.FetchTimeout = cmp.Or(cfg.FetchTimeout, 10*time.Second)
	cfg.Pause = cmp.Or(cfg.Pause, time.Second)
	cfg.Wait = cmp.Or(cfg.Wait, 3*time.Second)
	if cfg.Observe == nil {
		cfg.Observe = h.cfg.Observe
	}
	return &Tokens{
		cfg: cfg, hints: h, keys: tokenKeys(h.cfg.Prefix, cfg),
		log:   h.cfg.Log.With(slog.String("merchant", cfg.Merchant), slog.String("what", cfg.What)),
		brake: brake{pause: cfg.Pause, most: mostPause(cfg)},
	}
}

// tokenKeys are the keys of consult.lua. The quota belongs to the merchant; everything
// else to the token.
func tokenKeys(prefix string, cfg TokenConfig) []string {
	digest := sha256.Sum256([]byte(cfg.Key))
	merchant := prefix + "{" + cfg.Merchant + "}:"
	keys := []string{}
	for _, name := range []string{"token", "refused", "lease", "pause", "streak"} {
		keys = append(keys, merchant+name+":"+hex.EncodeToString(digest[:16]))
	}
	return append(keys, merchant+"fetches")
}

// Token returns the token that is good now. A token is refreshed in the background long
// before it ends; only if there is none at all Token waits for one, bounded by ctx and
// Wait. It fails with *Unavailable, or because ctx is over.
func (t *Tokens) Token(ctx context.Context) (string, error) {
	value, flight, err := t.look()
	if flight == nil {
		return value, t.named(err)
	}
	wait := time.NewTimer(t.cfg.Wait)
	defer wait.Stop()
	for flight != nil {
		select {
		case <-flight:
			value, flight, err = t.look()
		case <-wait.C:
			return "", t.named(&Unavailable{Until: t.now().Add(t.cfg.Pause), Err: errSlow})
		case <-ctx.Done():
			return "", t.named(ctx.Err())
		}
	}
	return value, t.named(err)
}

// Refused says that WeChat did not take a token. If it is still the current one, it is
// dropped in every process and the next one is sent for; if there is a newer one already,
// nothing happens. It waits for nothing and fails only because ctx is over, with the
// token dropped all the same.
func (t *Tokens) Refused(ctx context.Context, value string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if value != "" && value == t.held.value {
		t.refused = max(t.refused, t.held.version)
		t.held = token{}
		_ = t.depart() // fails when the hints are closed, and there is no next one
	}
	return ctx.Err()
}

// look returns the token that is good now; or the errand that is under way to get one; or
// why there is none.
func (t *Tokens) look() (value string, flight chan struct{}, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	usable := t.held.usable(now)
	if !usable && now.Before(t.trouble.until) {
		return "", nil, t.trouble.err
	}
	if !usable || !now.Before(t.lookAt) {
		err = t.depart()
	}
	if usable {
		return t.held.value, nil, nil
	}
	return "", t.flight, err
}

// depart sends somebody to look for a token, if nobody is on the way. t.mu is held.
func (t *Tokens) depart() error {
	if t.flight != nil {
		return nil
	}
	flight := make(chan struct{})
	err := t.hints.depart(func(ctx context.Context) {
		t.fly(ctx)
		t.mu.Lock()
		defer t.mu.Unlock()
		t.flight = nil
		close(flight)
	})
	if err == nil {
		t.flight = flight
	}
	return err
}

func (t *Tokens) now() time.Time { return t.hints.cfg.Now() }

// named says whose token an error is about.
func (t *Tokens) named(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("take the %s of %s: %w", t.cfg.What, t.cfg.Merchant, err)
}
