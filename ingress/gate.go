package ingress

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

// gate knows the order systems by their tokens and lets each in at its own rate.
type gate struct {
	callers []*caller
	now     func() time.Time
}

// caller is an order system that was let in.
type caller struct {
	name      string
	digest    [sha256.Size]byte
	merchants []string
	limiter   *rate.Limiter
}

func newGate(tokens []Token, now func() time.Time) *gate {
	g := &gate{now: now}
	for _, token := range tokens {
		g.callers = append(g.callers, &caller{
			name: token.Name, digest: sha256.Sum256([]byte(token.Value)), merchants: token.Merchants,
			limiter: rate.NewLimiter(rate.Limit(token.Rate), max(1, int(2*token.Rate))),
		})
	}
	return g
}

// enter finds out who calls, by the bearer token, and turns away who has none or comes
// too fast.
func (g *gate) enter(r *http.Request) (*caller, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	c := g.find(strings.TrimSpace(token))
	if c == nil || !strings.EqualFold(scheme, "Bearer") {
		return nil, &problem{Status: http.StatusUnauthorized, Detail: "A bearer token is needed, and this is none that we know."}
	}
	if !c.limiter.AllowN(g.now(), 1) {
		return nil, &problem{Status: http.StatusTooManyRequests, Detail: "This token comes too fast.", retryAfter: time.Second}
	}
	return c, nil
}

// find compares with every token in constant time; the digests make the lengths equal.
func (g *gate) find(token string) *caller {
	digest := sha256.Sum256([]byte(token))
	var found *caller
	for _, c := range g.callers {
		if subtle.ConstantTimeCompare(digest[:], c.digest[:]) == 1 {
			found = c
		}
	}
	return found
}

// speaksFor fails unless the caller's token may be used for the merchant.
func (c *caller) speaksFor(merchant string) error {
	if slices.Contains(c.merchants, merchant) {
		return nil
	}
	return &problem{Status: http.StatusForbidden, Detail: "This token may not be used for that merchant."}
}
