package console_test

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"settled/console"
)

const password = "correct horse battery staple"

// hash is that of the password, of the fewest rounds that are taken: there are many tests.
var hash = sync.OnceValue(func() string { return hashOf(password) })

func hashOf(password string) string {
	const rounds = 100_000
	salt := []byte("a salt of a test")
	key, err := pbkdf2.Key(sha256.New, password, salt, rounds, 32)
	if err != nil {
		panic(err)
	}
	base := base64.RawStdEncoding
	return fmt.Sprintf("pbkdf2-sha256$%d$%s$%s", rounds, base.EncodeToString(salt), base.EncodeToString(key))
}

// clock is a time that a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// desk is a console that is served, with its books.
type desk struct {
	t       *testing.T
	books   *books
	clock   *clock
	console *console.Console
	server  *httptest.Server
	log     *lines
}

// lines is a log that can be read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func guards() []console.Operator {
	return []console.Operator{{Name: "alice", Role: console.Acting, Hash: hash()}, {Name: "bob", Role: console.Viewer, Hash: hash()}}
}

// open serves a console over books; change may be nil.
func open(t *testing.T, fill func(func() time.Time) *books, change func(*console.Config)) *desk {
	t.Helper()
	c := &clock{at: time.Date(2026, 11, 28, 13, 30, 5, 0, time.UTC)}
	d := &desk{t: t, clock: c, books: fill(c.now), log: &lines{}}
	cfg := console.Config{
		Ledger: d.books, Letters: d.books, Health: d.books, Operators: guards(), Merchants: []string{"classic", "shop2", "shop3"},
		Version: "test", Now: c.now, Random: rand.Reader, Log: d.logger(), Pace: 10 * time.Millisecond,
	}
	if change != nil {
		change(&cfg)
	}
	var err error
	if d.console, err = console.New(cfg); err != nil {
		t.Fatal(err)
	}
	d.server = httptest.NewServer(d.console)
	t.Cleanup(func() {
		d.console.Stop()
		d.server.Close()
	})
	return d
}

func (d *desk) logger() *slog.Logger { return slog.New(slog.NewTextHandler(d.log, nil)) }

func nobody(cfg *console.Config) { cfg.Operators = nil }

// browser is somebody's, with cookies, that goes nowhere by itself.
type browser struct {
	t    *testing.T
	site string
	http *http.Client
}

func (d *desk) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		d.t.Fatal(err)
	}
	return &browser{d.t, d.server.URL, &http.Client{
		Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// as is a browser of somebody who has signed in.
func (d *desk) as(name string) *browser {
	d.t.Helper()
	b := d.browser()
	if a := b.signIn(name, password); a.status != http.StatusSeeOther {
		d.t.Fatalf("%s can't sign in: %d", name, a.status)
	}
	return b
}

func (b *browser) signIn(name, password string) answer {
	b.t.Helper()
	return b.post("/console/sign-in", url.Values{"name": {name}, "password": {password}})
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) to() string { return a.header.Get("Location") }

func (b *browser) do(r *http.Request) answer {
	b.t.Helper()
	resp, err := b.http.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(body)}
}

func (b *browser) request(method, path string, form url.Values) *http.Request {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.site+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	return r
}

func (b *browser) get(path string) answer {
	b.t.Helper()
	return b.do(b.request(http.MethodGet, path, nil))
}

func (b *browser) post(path string, form url.Values) answer {
	b.t.Helper()
	return b.do(b.request(http.MethodPost, path, form))
}

var tokenField = regexp.MustCompile(`name="token" value="([^"]+)"`)

// token reads the token that the pages give to their forms.
func (b *browser) token() string {
	b.t.Helper()
	found := tokenField.FindStringSubmatch(b.get("/console/payments").body)
	if found == nil {
		b.t.Fatal("the page has no token")
	}
	return found[1]
}

// act posts a form with its token and reads the page that it leads to.
func (b *browser) act(path string, form url.Values) answer {
	b.t.Helper()
	if form == nil {
		form = url.Values{}
	}
	form.Set("token", b.token())
	a := b.post(path, form)
	if a.status != http.StatusSeeOther {
		return a
	}
	return b.get(a.to())
}
