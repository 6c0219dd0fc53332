package console_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"settled/console"
)

func TestNobodySeesAnythingBeforeSigningIn(t *testing.T) {
	t.Parallel()
	d := open(t, filled, nil)
	b := d.browser()
	for _, path := range append(paths(), "/console/live") {
		a := b.get(path)
		if a.status != http.StatusSeeOther || !strings.HasPrefix(a.to(), "/console/sign-in?next=") {
			t.Errorf("%s: %d to %q", path, a.status, a.to())
		}
	}
	if a := b.get("/"); a.status != http.StatusSeeOther || a.to() != "/console/" {
		t.Errorf("/ leads to %q", a.to())
	}
}

// paths is every page that there is.
func paths() []string {
	return []string{
		"/console/", "/console/search?q=x", "/console/payments", "/console/payments/" + id(3), "/console/refunds",
		"/console/flags", "/console/flags?settled=yes", "/console/letters", "/console/letters/92",
	}
}

func TestSigningInLeadsToWhereOneWanted(t *testing.T) {
	t.Parallel()
	d := open(t, filled, nil)
	b := d.browser()
	a := b.post("/console/sign-in", url.Values{"name": {"alice"}, "password": {password}, "next": {"/console/flags?settled=yes"}})
	if a.to() != "/console/flags?settled=yes" {
		t.Errorf("led to %q", a.to())
	}
	cookie := a.header.Get("Set-Cookie")
	for _, want := range []string{"settled_session=", "HttpOnly", "SameSite=Strict", "Path=/"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("the cookie %q has no %s", cookie, want)
		}
	}
	if strings.Contains(cookie, "Secure") {
		t.Error("a browser that speaks to loopback in the clear can't use this cookie")
	}
	if page := b.get("/console/flags"); page.status != http.StatusOK || !strings.Contains(page.body, "alice") {
		t.Errorf("answered %d", page.status)
	}
	if log := d.log.String(); !strings.Contains(log, "operator=alice address=127.0.0.1") || strings.Contains(log, password) {
		t.Errorf("the log says: %s", log)
	}
}

func TestSigningInLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	d := open(t, filled, nil)
	a := d.browser().post("/console/sign-in", url.Values{"name": {"bob"}, "password": {password}, "next": {"//evil.example/console/"}})
	if a.to() != "/console/" {
		t.Errorf("led to %q", a.to())
	}
}

func TestACookieThatMayTravelIsSecure(t *testing.T) {
	t.Parallel()
	d := open(t, filled, func(cfg *console.Config) { cfg.Hosts = []string{"pay.example.com"} })
	b := d.browser()
	r := b.request(http.MethodPost, "/console/sign-in", url.Values{"name": {"alice"}, "password": {password}})
	r.Host = "pay.example.com"
	cookie := b.do(r).header.Get("Set-Cookie")
	if !strings.HasPrefix(cookie, "__Host-settled_session=") || !strings.Contains(cookie, "; Secure") {
		t.Errorf("the cookie is %q", cookie)
	}
}

func TestAWrongPasswordAndAnUnknownNameAreAnsweredAlike(t *testing.T) {
	t.Parallel()
	d := open(t, filled, nil)
	wrong, unknown := d.browser().signIn("alice", "not the password"), d.browser().signIn("carol", "not the password")
	if wrong.status != http.StatusUnauthorized || unknown.status != wrong.status {
		t.Errorf("answered %d and %d", wrong.status, unknown.status)
	}
	if strings.ReplaceAll(wrong.body, "alice", "carol") != unknown.body {
		t.Error("the pages differ")
	}
	if wrong.header.Get("Set-Cookie") != "" {
		t.Error("there is a cookie")
	}
	if log := d.log.String(); strings.Contains(log, "carol") || !strings.Contains(log, "operator=alice") {
		t.Errorf("the log says: %s", log)
	}
}

func TestSigningInIsSlowedDownByName(t *testing.T) {
	t.Parallel()
	d := open(t, filled, nil)
	for range 5 {
		if a := d.browser().signIn("alice", "guess"); a.status != http.StatusUnauthorized {
			t.Fatalf("answered %d", a.status)
		}
	}
	a := d.browser().signIn("alice", password)
	if a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" {
		t.Errorf("the sixth try is answered %d", a.status)
	}
	if a := d.browser().signIn("bob", password); a.status != http.StatusSeeOther {
		t.Errorf("somebody else is answered %d", a.status)
	}
	d.clock.pass(31 * time.Second)
	if a := d.browser().signIn("alice", password); a.status != http.StatusSeeOther {
		t.Errorf("half a minute later it is answered %d", a.status)
	}
}

// TestAFloodOfGuesses: one address has twenty tries, of which few wait for their hash at a
// time, so that payments keep the machine.
func TestAFloodOfGuesses(t *testing.T) {
	t.Parallel()
	d := open(t, filled, nil)
	var wait sync.WaitGroup
	var mu sync.Mutex
	counted := map[int]int{}
	for n := range 40 {
		wait.Go(func() {
			a := d.browser().signIn(fmt.Sprint("name", n), "guess")
			mu.Lock()
			defer mu.Unlock()
			counted[a.status]++
		})
	}
	wait.Wait()
	if counted[429] != 20 || counted[401] == 0 || counted[503] == 0 || counted[401]+counted[503] != 20 {
		t.Errorf("answered %v", counted)
	}
}

func TestASessionEnds(t *testing.T) {
	t.Parallel()
	d := open(t, filled, nil)
	b := d.as("alice")
	d.clock.pass(12*time.Hour - time.Second)
	if a := b.get("/console/payments"); a.status != http.StatusOK {
		t.Errorf("before its end it is answered %d", a.status)
	}
	d.clock.pass(time.Second)
	if a := b.get("/console/payments"); a.status != http.StatusSeeOther {
		t.Errorf("after its end it is answered %d", a.status)
	}
}

func TestSigningOutEndsTheSession(t *testing.T) {
	t.Parallel()
	d := open(t, filled, nil)
	b := d.as("alice")
	site, _ := url.Parse(b.site)
	kept := b.http.Jar.Cookies(site)
	if a := b.post("/console/sign-out", url.Values{"token": {"forged"}}); a.status != http.StatusForbidden {
		t.Errorf("without the token it is answered %d", a.status)
	}
	if a := b.post("/console/sign-out", url.Values{"token": {b.token()}}); a.to() != "/console/sign-in" {
		t.Errorf("led to %q", a.to())
	}
	if len(b.http.Jar.Cookies(site)) != 0 {
		t.Error("the browser still has a cookie")
	}
	thief := d.browser()
	thief.http.Jar.SetCookies(site, kept)
	if a := thief.get("/console/payments"); a.status != http.StatusSeeOther {
		t.Errorf("the old cookie is answered %d", a.status)
	}
}

func TestASessionIsGoodInTheWholeFleetUntilThePasswordChanges(t *testing.T) {
	t.Parallel()
	here, there := open(t, filled, nil), open(t, filled, nil)
	other := hashOf("another password")
	changed := open(t, filled, func(cfg *console.Config) {
		cfg.Operators = []console.Operator{{Name: "alice", Role: console.Acting, Hash: other}}
	})
	demoted := open(t, filled, func(cfg *console.Config) {
		cfg.Operators = []console.Operator{{Name: "alice", Role: console.Viewer, Hash: hash()}}
	})
	b := here.as("alice")
	site, _ := url.Parse(b.site)
	token := b.token()
	at := func(d *desk) *browser {
		moved := d.browser()
		to, _ := url.Parse(moved.site)
		moved.http.Jar.SetCookies(to, b.http.Jar.Cookies(site))
		return moved
	}
	if a := at(there).get("/console/payments"); a.status != http.StatusOK {
		t.Errorf("another process answers %d", a.status)
	}
	if a := at(changed).get("/console/payments"); a.status != http.StatusSeeOther {
		t.Errorf("with another password it is answered %d", a.status)
	}
	if a := at(demoted).post("/console/payments/"+id(3)+"/query", url.Values{"token": {token}}); a.status != http.StatusForbidden {
		t.Errorf("a viewer by now is answered %d", a.status)
	}
}

func TestAForgedCookieIsWorthNothing(t *testing.T) {
	t.Parallel()
	d := open(t, filled, nil)
	b := d.as("bob")
	site, _ := url.Parse(b.site)
	good := b.http.Jar.Cookies(site)[0].Value
	parts := strings.Split(good, ".")
	alice := "YWxpY2U"
	for name, value := range map[string]string{
		"empty": "", "dots": "....", "cut": good[:len(good)-1], "another name": strings.Join([]string{parts[0], alice, parts[2], parts[3], parts[4]}, "."),
		"a later end":       strings.Join([]string{parts[0], parts[1], parts[2], "99999999999", parts[4]}, "."),
		"no proof":          strings.Join(parts[:4], ".") + ".",
		"another version":   "2" + good[1:],
		"long":              strings.Repeat("x", 100_000),
		"proof of nobody's": strings.Join([]string{"1", "", parts[2], parts[3], parts[4]}, "."),
	} {
		forger := d.browser()
		r := forger.request(http.MethodGet, "/console/payments", nil)
		r.Header.Set("Cookie", "settled_session="+value)
		if a := forger.do(r); a.status != http.StatusSeeOther {
			t.Errorf("%s: answered %d", name, a.status)
		}
	}
}

func TestWithNobodyConfiguredEverybodySeesAndNobodyActs(t *testing.T) {
	t.Parallel()
	d := open(t, filled, nobody)
	b := d.browser()
	for _, path := range paths() {
		if a := b.get(path); a.status != http.StatusOK {
			t.Errorf("%s: %d", path, a.status)
		} else if !strings.Contains(a.body, "settled password") || strings.Contains(a.body, "/query") {
			t.Errorf("%s does not say how to configure operators, or has forms", path)
		}
	}
	for _, path := range acts() {
		if a := b.post(path, url.Values{"comment": {"x"}, "token": {""}}); a.status != http.StatusForbidden {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	if a := b.signIn("alice", password); a.status != http.StatusSeeOther || a.header.Get("Set-Cookie") != "" {
		t.Errorf("signing in is answered %d", a.status)
	}
	if len(d.books.acts)+len(d.books.replayed) > 0 {
		t.Error("something was done")
	}
}

// acts is everything that can be done.
func acts() []string {
	return []string{
		"/console/payments/" + id(3) + "/query", "/console/payments/" + id(3) + "/close",
		"/console/flags/" + id(500) + "/settle", "/console/letters/92/replay",
	}
}

func TestOnlyNamesOfOursAreAnswered(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		host    string
		change  func(*console.Config)
		welcome bool
	}{
		{"localhost:8081", nobody, true},
		{"127.0.0.1:8081", nobody, true},
		{"[::1]:8081", nobody, true},
		{"LOCALHOST", nobody, true},
		{"evil.example", nobody, false},
		{"evil.example:8081", nil, false},
		{"127.0.0.1.evil.example", nil, false},
		{"localhost.evil.example", nil, false},
		{"10.0.0.7", nil, false},
		{"pay.example.com", func(cfg *console.Config) { cfg.Hosts = []string{"Pay.example.com"} }, true},
		{"other.example.com", func(cfg *console.Config) { cfg.Hosts = []string{"pay.example.com"} }, false},
	} {
		d := open(t, filled, row.change)
		b := d.browser()
		r := b.request(http.MethodGet, "/console/sign-in", nil)
		r.Host = row.host
		if a := b.do(r); (a.status == http.StatusMisdirectedRequest) == row.welcome {
			t.Errorf("%s: answered %d", row.host, a.status)
		}
	}
}

func TestWithoutOperatorsOrLedgerThereIsNoConsole(t *testing.T) {
	t.Parallel()
	if _, err := console.New(console.Config{}); err == nil {
		t.Error("nothing makes a console")
	}
	good := guards()[0]
	for name, bad := range map[string][]console.Operator{
		"no name":      {{Role: console.Viewer, Hash: hash()}},
		"a bell":       {{Name: "a\a", Role: console.Viewer, Hash: hash()}},
		"no role":      {{Name: "a", Hash: hash()}},
		"another role": {{Name: "a", Role: "root", Hash: hash()}},
		"no hash":      {{Name: "a", Role: console.Viewer, Hash: "secret password"}},
		"twice":        {good, good},
	} {
		b := filled(time.Now)
		_, err := console.New(console.Config{
			Ledger: b, Letters: b, Health: b, Operators: bad, Now: time.Now, Random: rand.Reader, Log: open(t, filled, nil).logger(),
		})
		if err == nil {
			t.Errorf("%s: taken", name)
		} else if strings.Contains(err.Error(), "secret password") {
			t.Errorf("%s: the error tells the password: %v", name, err)
		}
	}
}

// stream opens the live overview and returns its events.
func (b *browser) stream(ctx context.Context) (status int, events <-chan string, end func()) {
	b.t.Helper()
	ctx, end = context.WithCancel(ctx)
	r := b.request(http.MethodGet, "/console/live", nil).WithContext(ctx)
	resp, err := b.http.Do(r) //nolint:bodyclose // whoever reads it closes it
	if err != nil {
		b.t.Fatal(err)
	}
	told := make(chan string, 1000)
	go func() {
		defer close(told)
		defer resp.Body.Close()
		lines := bufio.NewScanner(resp.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), "event: ") {
				told <- lines.Text()
			}
		}
	}()
	return resp.StatusCode, told, end
}

func ended(t *testing.T, events <-chan string, what string) {
	t.Helper()
	late := time.After(20 * time.Second)
	for {
		select {
		case _, more := <-events:
			if !more {
				return
			}
		case <-late:
			t.Fatalf("%s: the stream goes on", what)
		}
	}
}

func TestStreamsEndWithTheirSessionAndWithTheProcess(t *testing.T) {
	t.Parallel()
	d := open(t, filled, nil)
	b := d.as("alice")
	_, events, end := b.stream(t.Context())
	defer end()
	if first, more := <-events; !more || first != "event: overview" {
		t.Fatalf("the first event is %q", first)
	}
	b.post("/console/sign-out", url.Values{"token": {b.token()}})
	ended(t, events, "after signing out")

	again := d.as("bob")
	_, events, end = again.stream(t.Context())
	defer end()
	<-events
	d.console.Stop()
	ended(t, events, "after the end of the process")
	if status, _, end := again.stream(t.Context()); status != http.StatusServiceUnavailable {
		t.Errorf("a new stream is answered %d", status)
	} else {
		end()
	}
	if a := again.get("/console/payments"); a.status != http.StatusOK {
		t.Errorf("a page is answered %d", a.status)
	}
}

func TestAStreamEndsWhenItsSessionDoes(t *testing.T) {
	t.Parallel()
	d := open(t, filled, nil)
	b := d.as("alice")
	d.clock.pass(12*time.Hour - 2*time.Second)
	_, events, end := b.stream(t.Context())
	defer end()
	<-events
	ended(t, events, "after the session's time")
}

func TestStreamsAreBoundedAndLookTogether(t *testing.T) {
	t.Parallel()
	d := open(t, filled, func(cfg *console.Config) { cfg.Operators, cfg.Pace = nil, time.Hour })
	b := d.browser()
	for n := range 8 {
		status, events, end := b.stream(t.Context())
		defer end()
		if status != http.StatusOK {
			t.Fatalf("stream %d is answered %d", n, status)
		}
		<-events
	}
	status, _, end := b.stream(t.Context())
	end()
	if status != http.StatusServiceUnavailable {
		t.Errorf("the ninth stream is answered %d", status)
	}
	b.get("/console/")
	d.books.set(func(books *books) {
		if books.looks != 1 {
			t.Errorf("eight streams and a page have looked %d times within one pace", books.looks)
		}
	})
}
