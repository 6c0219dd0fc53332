package console_test

import (
	"context"
	"crypto/rand"
	"html"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"settled/console"
)

func TestTheOverviewShowsTheHouse(t *testing.T) {
	t.Parallel()
	d := open(t, filled, nobody)
	page := d.browser().get("/console/")
	if page.status != http.StatusOK {
		t.Fatalf("answered %d: %s", page.status, page.body)
	}
	for _, want := range []string{"1,284", "Prepay id from WeChat", "412 ms", "94.7 %", "timeout", "left alone", "20261128-003995"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the overview does not tell %q", want)
		}
	}
}

func TestAPaymentTellsItsWholeStory(t *testing.T) {
	t.Parallel()
	d := open(t, filled, nobody)
	page := d.browser().get("/console/payments/" + id(10))
	for _, want := range []string{
		"the last 4 attempts to ask WeChat about the order led to nothing, at last because WeChat did not answer in time",
		"¥137.99", "20261128-003990", "WeChat gave a prepay id", "orderquery", "backup", "in 31 s",
	} {
		if !strings.Contains(page.body, want) {
			t.Errorf("payment 10 does not tell %q", want)
		}
	}
	if strings.Contains(page.body, "SECRET-SIGN") {
		t.Error("the page shows what only the app should see")
	}
	if page := d.browser().get("/console/payments/" + id(99)); page.status != http.StatusNotFound {
		t.Errorf("a payment that is not there is answered %d", page.status)
	}
}

func TestSearchLeadsStraightToTheOneHit(t *testing.T) {
	t.Parallel()
	d := open(t, filled, nobody)
	b := d.browser()
	for _, number := range []string{"20261128-003989", id(11), "420000189011", "R20261128-003989", "5000040811", " 20261128-003989 "} {
		if a := b.get("/console/search?q=" + url.QueryEscape(number)); a.to() != "/console/payments/"+id(11) {
			t.Errorf("%q leads to %q", number, a.to())
		}
	}
	if a := b.get("/console/search?q=nothing"); a.status != http.StatusOK || !strings.Contains(a.body, "Nothing has this number") {
		t.Errorf("a search in vain is answered %d", a.status)
	}
	if a := b.get("/console/search?q="); a.to() != "/console/" {
		t.Errorf("a search for nothing leads to %q", a.to())
	}
	d.books.set(func(books *books) { books.payments[0].OrderID = books.payments[1].OrderID })
	if a := b.get("/console/search?q=" + d.books.payments[0].OrderID); !strings.Contains(a.body, "2 payments have this number") {
		t.Error("two hits are not both shown")
	}
}

var nextLink = regexp.MustCompile(`href="([^"]+)" rel="next"`)

func TestListsAreNarrowedAndPaged(t *testing.T) {
	t.Parallel()
	d := open(t, filled, nobody)
	b := d.browser()
	seen := map[string]bool{}
	pages := 0
	for path := "/console/payments"; path != ""; pages++ {
		page := b.get(path)
		for _, found := range regexp.MustCompile(`/console/payments/([0-9a-f-]{36})`).FindAllStringSubmatch(page.body, -1) {
			if seen[found[1]] {
				t.Errorf("payment %s is on two pages", found[1])
			}
			seen[found[1]] = true
		}
		path = ""
		if next := nextLink.FindStringSubmatch(page.body); next != nil {
			path = html.UnescapeString(next[1])
		}
	}
	if len(seen) != 64 || pages != 2 {
		t.Errorf("%d payments on %d pages", len(seen), pages)
	}
	page := b.get("/console/payments?status=failed&merchant=shop2&zone=480&from=2026-11-28T20:00&to=2026-11-28T21:30").body
	if strings.Contains(page, "s-completed") || !strings.Contains(page, "s-failed") {
		t.Error("the list is not narrowed by state")
	}
	if page := b.get("/console/payments?from=2031-01-01"); !strings.Contains(page.body, "No payment is like that") {
		t.Error("the list is not narrowed by time")
	}
}

func TestBothLanguagesSayEverything(t *testing.T) {
	t.Parallel()
	d := open(t, filled, nil)
	b := d.as("alice")
	everything := append(paths(), "/console/nowhere", "/console/payments?status=requested", "/console/payments?after=50")
	for n := 1; n <= 12; n++ {
		everything = append(everything, "/console/payments/"+id(n))
	}
	for _, language := range []string{"zh", "en"} {
		if a := b.post("/console/language", url.Values{"to": {language}, "back": {"/console/flags"}}); a.to() != "/console/flags" {
			t.Fatalf("the switch leads to %q", a.to())
		}
		for _, path := range everything {
			page := b.get(path)
			if strings.Contains(page.body, "⟦") {
				t.Errorf("%s in %s lacks a text: %s", path, language, regexp.MustCompile(`⟦[^⟧]*`).FindString(page.body))
			}
			if !strings.Contains(page.body, `<html lang="`+language) || page.header.Get("Content-Language") == "" {
				t.Errorf("%s is not in %s", path, language)
			}
			if left := regexp.MustCompile(`\{[a-z_]+\}`).FindString(strings.ReplaceAll(page.body, "{time}", "")); left != "" {
				t.Errorf("%s in %s has a gap: %s", path, language, left)
			}
		}
	}
	if a := b.post("/console/language", url.Values{"to": {"xx"}}); a.status != http.StatusBadRequest {
		t.Errorf("a language that nobody speaks is answered %d", a.status)
	}
}

var (
	tag       = regexp.MustCompile(`<(/?)([a-zA-Z0-9]+)((?:\s+[a-zA-Z0-9-]+(?:="[^"<>]*")?)*)\s*/?>`)
	attribute = regexp.MustCompile(`([a-zA-Z0-9-]+)(?:="([^"]*)")?`)
	unseen    = "\x00\x1b\u202e\u200b\u2028\ufeff\u00ad\u3164"
)

// elements are those that our pages are made of, and attributes those that may lead
// somewhere, with where to.
var (
	elements = strings.Fields("a bdi body br button code datalist dd details div dl dt footer form h1 h2 h3 head header html input label li line " +
		"link main meta nav ol option p path polygon polyline pre rect script section select span strong summary svg table tbody td th thead time title tr ul")
	leading = map[string][]string{"href": {"/console/", "#"}, "src": {"/console/assets/"}, "action": {"/console/"}}
)

// tame fails if a page has anything that is not ours. Whatever a stranger writes is escaped,
// so every tag has to read as our templates write them.
func tame(t *testing.T, where, body string) {
	t.Helper()
	rest := tag.ReplaceAllString(strings.TrimPrefix(body, "<!doctype html>"), "")
	if at := strings.IndexByte(rest, '<'); at >= 0 {
		t.Errorf("%s: not a tag of ours: %.80q", where, rest[at:])
	}
	if at := strings.IndexAny(rest, unseen); at >= 0 {
		t.Errorf("%s: nobody would see all of %.80q", where, rest[at:])
	}
	for _, found := range tag.FindAllStringSubmatch(body, -1) {
		name := found[2]
		if !slices.Contains(elements, name) {
			t.Errorf("%s: there is a %s", where, name)
		}
		for _, a := range attribute.FindAllStringSubmatch(found[3], -1) {
			if strings.HasPrefix(a[1], "on") || a[1] == "style" || a[1] == "srcdoc" {
				t.Errorf("%s: %s has %s", where, name, a[1])
			}
			if to, leads := leading[a[1]]; leads && !slices.ContainsFunc(to, func(start string) bool { return strings.HasPrefix(a[2], start) }) {
				t.Errorf("%s: %s leads to %.60q", where, name, a[2])
			}
		}
	}
}

func TestWhatStrangersWriteIsOnlyShown(t *testing.T) {
	t.Parallel()
	d := open(t, nasty, nil)
	b := d.as("alice")
	everything := append(paths(), "/console/letters/71", "/console/search?q="+url.QueryEscape(attacks[0]), "/console/payments?merchant="+url.QueryEscape(attacks[1]))
	for n := 1; n <= 20; n++ {
		everything = append(everything, "/console/payments/"+id(n))
	}
	for _, attack := range attacks {
		for _, field := range []string{"status", "merchant", "from", "to", "after", "zone", "settled"} {
			everything = append(everything, "/console/payments?"+url.Values{field: {attack}}.Encode())
		}
	}
	for _, path := range everything {
		page := b.get(path)
		if page.status != http.StatusOK {
			t.Errorf("%s: %d", path, page.status)
		}
		tame(t, path, page.body)
	}
}

func TestWhatStrangersWriteEndsNoEvent(t *testing.T) {
	t.Parallel()
	d := open(t, nasty, func(cfg *console.Config) { cfg.Operators, cfg.Pace = nil, time.Hour })
	r := d.browser().request(http.MethodGet, "/console/live", nil)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var told strings.Builder
	buffer := make([]byte, 1<<16)
	for !strings.Contains(told.String(), "\n\n") {
		n, err := resp.Body.Read(buffer)
		told.Write(buffer[:n])
		if err == io.EOF {
			break
		}
	}
	event, rest, _ := strings.Cut(told.String(), "\n\n")
	for n, line := range strings.Split(event, "\n") {
		if n > 0 && !strings.HasPrefix(line, "data: ") {
			t.Errorf("a line of the event is %.80q", line)
		}
	}
	if rest != "" {
		t.Errorf("something follows it: %.80q", rest)
	}
	tame(t, "live", strings.ReplaceAll(event, "\ndata: ", "\n"))
}

// TestEveryRouteTakesItsMethodsAlone goes through every address with every method, and looks
// at what every answer has to say to a browser.
func TestEveryRouteTakesItsMethodsAlone(t *testing.T) {
	t.Parallel()
	d := open(t, filled, nil)
	b := d.as("alice")
	pages := append(paths(), "/console/sign-in", "/console", "/console/assets/x/console.css", "/console/nowhere", "/console/payments/x", "/console/letters/x", "/console/letters/0", "/elsewhere")
	forms := append(acts(), "/console/sign-out", "/console/language", "/console/payments/x/query", "/console/flags/x/settle", "/console/letters/x/replay", "/console/flags/../../etc/settle")
	for _, path := range append(pages, forms...) {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"} {
			a := b.do(b.request(method, path, nil))
			if a.status >= 500 || a.status == http.StatusOK && method != "GET" && method != "HEAD" {
				t.Errorf("%s %s: %d", method, path, a.status)
			}
			for header, want := range map[string]string{
				"Content-Security-Policy": "default-src 'none'; script-src 'self'", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
				"Permissions-Policy": "payment=()", "Cross-Origin-Opener-Policy": "same-origin", "X-Frame-Options": "DENY", "Cache-Control": "no-store",
			} {
				if !strings.Contains(a.header.Get(header), want) {
					t.Errorf("%s %s: %s is %q", method, path, header, a.header.Get(header))
				}
			}
			if strings.Contains(a.header.Get("Content-Security-Policy"), "unsafe") {
				t.Errorf("%s %s: the policy has a hole", method, path)
			}
		}
	}
	if a := b.do(b.request(http.MethodHead, "/console/live", nil)); a.status != http.StatusNoContent {
		t.Errorf("HEAD of a stream: %d", a.status)
	}
	if len(d.books.acts)+len(d.books.replayed) > 0 {
		t.Error("something was done without a token")
	}
}

func TestAssetsAreKeptByTheirContent(t *testing.T) {
	t.Parallel()
	b := open(t, filled, nil).browser()
	found := regexp.MustCompile(`/console/assets/[0-9a-f]{16}/[a-z.]+`).FindAllString(b.get("/console/sign-in").body, -1)
	if len(found) != 3 {
		t.Fatalf("the page has %v", found)
	}
	for _, path := range found {
		if a := b.get(path); a.status != http.StatusOK || !strings.Contains(a.header.Get("Cache-Control"), "immutable") || a.header.Get("Content-Type") == "" {
			t.Errorf("%s: %d, %v", path, a.status, a.header)
		}
	}
	for _, path := range []string{"/console/assets/0000000000000000/console.css", strings.Replace(found[0], "icon.svg", "..%2fpages%2flayout.html", 1), strings.Replace(found[0], "icon.svg", "%2e%2e", 1)} {
		if a := b.get(path); a.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.status)
		}
	}
}

func TestWithoutPostgresThePageSaysSoAndShowsWhatItKnows(t *testing.T) {
	t.Parallel()
	d := open(t, filled, nobody)
	b := d.browser()
	b.get("/console/")
	d.books.set(func(books *books) { books.failing = []string{"postgres"} })
	d.clock.pass(time.Minute)
	for {
		page := b.get("/console/") // until the pace is over, it is the page from before
		if page.status != http.StatusOK || !strings.Contains(page.body, "1,284") {
			t.Fatalf("answered %d, or it has forgotten what it knew", page.status)
		}
		if strings.Contains(page.body, "The database can&#39;t be read") {
			if !strings.Contains(page.body, "PostgreSQL</strong> does not answer") || !strings.Contains(page.body, "1 min ago") {
				t.Error("it does not say what does not answer, or how old the rest is")
			}
			break
		}
	}
	for _, path := range []string{"/console/payments", "/console/refunds", "/console/flags", "/console/search?q=x", "/console/payments/" + id(3)} {
		if a := b.get(path); a.status != http.StatusServiceUnavailable || !strings.Contains(a.body, "PostgreSQL does not answer") {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	if fresh := open(t, func(now func() time.Time) *books {
		books := filled(now)
		books.failing = []string{"postgres", "nats"}
		return books
	}, nobody).browser().get("/console/"); fresh.status != http.StatusOK || !strings.Contains(fresh.body, "nothing was read before") {
		t.Errorf("a process that never saw the database answers %d", fresh.status)
	}
}

func TestWithoutNATSOnlyTheLettersAreAway(t *testing.T) {
	t.Parallel()
	d := open(t, filled, nil)
	b := d.as("alice")
	d.books.set(func(books *books) { books.failing = []string{"nats", "journal"} })
	for _, path := range []string{"/console/letters", "/console/letters/92"} {
		if a := b.get(path); a.status != http.StatusServiceUnavailable || !strings.Contains(a.body, "NATS does not answer") {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	page := b.get("/console/payments/" + id(3))
	if page.status != http.StatusOK || !strings.Contains(page.body, "The list of dead letters") || !strings.Contains(page.body, "The journal of calls") {
		t.Errorf("a payment is answered %d, and does not say what is missing", page.status)
	}
	if page := b.act("/console/letters/92/replay", url.Values{"comment": {"x"}}); !strings.Contains(page.body, "NATS or PostgreSQL does not answer") {
		t.Error("a replay does not say that NATS is away")
	}
	if page := b.act("/console/payments/"+id(3)+"/query", nil); !strings.Contains(page.body, "WeChat is asked now") {
		t.Error("a query needs no NATS")
	}
}

func TestAnActWhoseOutcomeNobodyKnowsIsSaidToBeSo(t *testing.T) {
	t.Parallel()
	d := open(t, filled, nil)
	b := d.as("alice")
	token := b.token()
	d.books.set(func(books *books) { books.failing = []string{"postgres"} })
	a := b.post("/console/payments/"+id(3)+"/query", url.Values{"token": {token}})
	if a.status != http.StatusSeeOther || !strings.Contains(a.header.Get("Set-Cookie"), "told.postgres") {
		t.Errorf("answered %d, %s", a.status, a.header.Get("Set-Cookie"))
	}
	if !strings.Contains(d.log.String(), "operator act failed") {
		t.Error("the log does not say so")
	}
}

// TestNothingHangs: whatever does not answer, and minds no deadline, a page is there in time.
func TestNothingHangs(t *testing.T) {
	t.Parallel()
	d := open(t, filled, nobody)
	hangs := make(chan struct{})
	defer close(hangs)
	d.books.set(func(books *books) { books.hangs = hangs })
	b := d.browser()
	answered := make(chan answer)
	for _, path := range paths() {
		go func() { answered <- b.get(path) }()
	}
	for range paths() {
		select {
		case a := <-answered:
			if a.status != http.StatusOK && a.status != http.StatusServiceUnavailable {
				t.Errorf("answered %d", a.status)
			}
		case <-time.After(30 * time.Second):
			t.Fatal("a page hangs")
		}
	}
}

func FuzzAnyQueryIsAnswered(f *testing.F) {
	for _, attack := range attacks {
		f.Add("payments", "after="+url.QueryEscape(attack))
		f.Add("refunds", attack)
	}
	f.Add("flags", "settled=yes&merchant=%00")
	f.Add("letters", "after=18446744073709551616")
	f.Add("letters", "after=-1")
	f.Add("payments", "zone=999999999999&from=2026-13-45T99:99&to=%zz&status=completed&status=x")
	f.Add("search", "q=%ff%fe")
	f.Add("payments/../../../etc/passwd", "")
	b := filled(time.Now)
	c, err := console.New(console.Config{
		Ledger: b, Letters: b, Health: b, Now: time.Now, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path, query string) {
		if path == "live" {
			return // it has no end
		}
		// Without a connection there is no loopback: say that there is.
		r := httptest.NewRequestWithContext(context.WithValue(t.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}),
			http.MethodGet, "http://localhost/", nil)
		r.URL.Path, r.URL.RawQuery = "/console/"+path, query
		w := httptest.NewRecorder()
		c.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Errorf("%q %q: %d", path, query, w.Code)
		}
		if w.Code == http.StatusOK && strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
			tame(t, path, w.Body.String())
		}
	})
}
