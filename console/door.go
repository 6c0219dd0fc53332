package console

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// door says who may come in: which names the console is reached by, who is signed in, and
// how often somebody may try to.
type door struct {
	operators operators
	hosts     []string
	now       func() time.Time
	log       *slog.Logger
	origins   *http.CrossOriginProtection

	byName, byAddress *patience
	hashing           chan struct{} // one password is hashed at a time: payments need the rest
	waiting           chan struct{} // and few wait for that
	stranger          string        // a hash for names that nobody has, so that they take as long

	mu   sync.Mutex
	left map[string]time.Time // sessions that were signed out here, until they end by themselves
}

// mostWaiting bounds those who wait for their password to be hashed.
const mostWaiting = 4

func newDoor(cfg Config) (*door, error) {
	known, err := readOperators(cfg.Operators)
	if err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	stranger, err := strangersHash(known, cfg.Random)
	if err != nil {
		return nil, err
	}
	return &door{
		operators: known, hosts: lowered(cfg.Hosts), now: cfg.Now, log: cfg.Log, origins: http.NewCrossOriginProtection(),
		byName: newPatience(triesByName, pauseByName), byAddress: newPatience(triesByAddress, pauseByAddress),
		hashing: make(chan struct{}, 1), waiting: make(chan struct{}, mostWaiting), stranger: stranger,
		left: map[string]time.Time{},
	}, nil
}

func lowered(names []string) []string {
	var all []string
	for _, name := range names {
		all = append(all, strings.ToLower(name))
	}
	return all
}

// unguarded reports whether nobody can sign in, so that everybody sees.
func (d *door) unguarded() bool { return len(d.operators) == 0 }

// policy is what a browser may do with a page: nothing that this process did not send.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// guard sets what every answer says to the browser, and turns away whoever comes by a wrong
// name or from another site.
func (d *door) guard(next http.Handler) http.Handler {
	next = d.origins.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if !d.welcomes(r) {
			http.Error(w, "This console is not reached by that name. If a proxy leads here, name its host in the configuration.", http.StatusMisdirectedRequest)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
		next.ServeHTTP(w, r)
	})
}

// welcomes reports whether the host that the browser believes to speak to is one of ours.
// A page of another site can make its own name point at loopback, and then read what is
// there as its own; but it can't make the browser say another name. Where nobody can sign
// in, loopback is all that there is.
func (d *door) welcomes(r *http.Request) bool {
	host := hostOf(r)
	if d.unguarded() && !cameToLoopback(r) {
		return false
	}
	if slices.Contains(d.hosts, host) || cameToLoopback(r) && isLoopback(host) {
		return true
	}
	return len(d.hosts) == 0 && !cameToLoopback(r)
}

func hostOf(r *http.Request) string {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}

func isLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}

// cameToLoopback reports whether the connection was made to an address of this machine alone.
func cameToLoopback(r *http.Request) bool {
	at, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return false
	}
	address, err := netip.ParseAddrPort(at.String())
	return err == nil && address.Addr().Unmap().IsLoopback()
}

// secure reports whether the cookie may be sent over TLS alone. Only a browser that speaks
// to loopback in the clear could do nothing with such a cookie. Whoever forges the header
// gets a stricter cookie, and nothing else.
func secure(r *http.Request) bool {
	return r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" || !cameToLoopback(r) || !isLoopback(hostOf(r))
}

// cookieName binds the cookie to this very host, where browsers can do that.
func cookieName(r *http.Request) string {
	if secure(r) {
		return "__Host-settled_session"
	}
	return "settled_session"
}

// setSession has the browser keep a session for as long as it lives, or forget it at once if
// life is negative. A browser's clock may be anything, so that it is told no time of day.
func (d *door) setSession(w http.ResponseWriter, r *http.Request, value string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieName(r), Value: value, Path: "/", MaxAge: int(life / time.Second), HttpOnly: true, Secure: secure(r),
		SameSite: http.SameSiteStrictMode,
	})
}

// whoIs reads who is signed in.
func (d *door) whoIs(r *http.Request) (session, Operator, bool) {
	c, err := r.Cookie(cookieName(r))
	if err != nil {
		return session{}, Operator{}, false
	}
	s, o, ok := readSession(c.Value, d.operators, d.now())
	return s, o, ok && !d.hasLeft(s)
}

// leave remembers that a session was signed out, so that its cookie is worth nothing here
// any more. Other processes learn of it by the browser, which has dropped it.
func (d *door) leave(s session) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	for id, until := range d.left {
		if !now.Before(until) {
			delete(d.left, id)
		}
	}
	d.left[s.id] = s.until
}

func (d *door) hasLeft(s session) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, left := d.left[s.id]
	return left
}
