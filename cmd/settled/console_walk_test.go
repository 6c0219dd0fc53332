package main

import (
	"crypto/rand"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"settled/console"
	"settled/events"
)

// browser is an operator's, before the page of a process that works.
type browser struct {
	w      *world
	client *http.Client
}

// signsIn is the browser of one who may come to the page, signed in.
func (w *world) signsIn(name string) *browser {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	b := &browser{w, &http.Client{Jar: jar}}
	if page, _ := b.post("/console/sign-in", url.Values{"name": {name}, "password": {operatorPassword}}); !strings.Contains(page, name) {
		w.t.Fatalf("%s did not come in: %s", name, page)
	}
	return b
}

const operatorPassword = "a password of some length"

// operated lets an operator, mei, and a viewer, lin, come to the page.
func (w *world) operated() {
	w.t.Helper()
	hash, err := console.Hash(operatorPassword, rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	text, err := os.ReadFile(w.file)
	if err != nil {
		w.t.Fatal(err)
	}
	operators := fmt.Sprintf(`, operators: [{name: mei, role: operator, password: "%s"}, {name: lin, role: viewer, password: "%s"}]}`, hash, hash)
	admin := regexp.MustCompile(`(?m)^(admin: \{.*)\}$`)
	if !admin.Match(text) {
		w.t.Fatal("the configuration has no section admin")
	}
	if err := os.WriteFile(w.file, admin.ReplaceAll(text, []byte("${1}"+strings.ReplaceAll(operators, "$", "$$"))), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// open shows a page, in English, and says where redirects led.
func (b *browser) open(path string) (page, at string) {
	return b.ask(http.MethodGet, path, nil)
}

func (b *browser) post(path string, form url.Values) (page, at string) {
	return b.ask(http.MethodPost, path, form)
}

func (b *browser) ask(method, path string, form url.Values) (page, at string) {
	b.w.t.Helper()
	request, err := http.NewRequestWithContext(b.w.t.Context(), method, b.w.admin+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.w.t.Fatal(err)
	}
	request.Header.Set("Accept-Language", "en")
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Origin", b.w.admin)
		request.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	answer, err := b.client.Do(request)
	if err != nil {
		b.w.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		b.w.t.Fatal(err)
	}
	return html.UnescapeString(string(body)), answer.Request.URL.Path
}

// reads loads a page until it says all of it: calls are noted a moment after they were made.
func (b *browser) reads(path string, all ...string) {
	b.w.t.Helper()
	for _, want := range all {
		b.w.until(fmt.Sprintf("the page says %q", want), func() bool {
			page, _ := b.open(path)
			return strings.Contains(page, want)
		})
	}
}

var hiddenToken = regexp.MustCompile(`name="token" value="([^"]+)"`)

// A customer has paid, and no notify ever came: search, read why, ask WeChat now.
func TestAStuckPaymentInThreeClicks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{switches: silent})
	w.operated()
	w.serve()
	w.publish(events.PaymentRequested, order("stuck0001", nil))
	w.customerPays(w.expect(events.PaymentPrepared, "stuck0001"))

	mei := w.signsIn("mei")
	page, at := mei.open("/console/search?q=stuck0001")
	if !strings.HasPrefix(at, "/console/payments/") {
		t.Fatalf("the search led to %s", at)
	}
	mei.reads(at, "The customer can pay", "Next look", "Ask WeChat now", "genprepay")
	token := hiddenToken.FindStringSubmatch(page)
	if token == nil {
		t.Fatal("the page has nothing to press")
	}

	lin := w.signsIn("lin")
	if page, _ := lin.open(at); strings.Contains(page, "Ask WeChat now") {
		t.Error("a viewer is offered to act")
	}
	lin.post(at+"/query", url.Values{"token": {token[1]}})
	if got := w.once(events.PaymentCompleted, "stuck0001"); len(got) != 0 {
		t.Error("a viewer acted")
	}

	mei.post(at+"/query", url.Values{"token": {token[1]}})
	if completed := w.expect(events.PaymentCompleted, "stuck0001"); completed["source"] != "query" {
		t.Errorf("completed by %v", completed["source"])
	}
	mei.reads(at, "The money is there", "mei", "orderquery")
}
