package console_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"settled"
	"settled/console"
)

func TestAnOperatorActsAndHearsWhatCameOfIt(t *testing.T) {
	t.Parallel()
	d := open(t, filled, nil)
	b := d.as("alice")
	query := "/console/payments/" + id(3) + "/query"
	if page := b.act(query, nil); !strings.Contains(page.body, "WeChat is asked now") || !strings.Contains(page.body, "An operator asked WeChat at once") {
		t.Errorf("the page does not say that WeChat is asked: %d", page.status)
	}
	if page := b.act(query, nil); !strings.Contains(page.body, "somebody else has just done it") {
		t.Error("the page does not say that somebody else has just done it")
	}
	if page := b.act("/console/payments/"+id(3)+"/close", url.Values{"comment": {" the customer\x00 called "}}); !strings.Contains(page.body, "An operator asked for the order to be closed") {
		t.Error("the page does not tell of the close")
	}
	if page := b.get("/console/payments/" + id(3)); strings.Contains(page.body, "data-told") {
		t.Error("it is said once more")
	}
	acts := d.books.acts
	if len(acts) != 2 || acts[0].By != "alice" || acts[0].Kind != settled.ActQuery || acts[1].Kind != settled.ActClose || acts[1].Comment != "the customer  called" {
		t.Errorf("the ledger was told %+v", acts)
	}
	if log := d.log.String(); !strings.Contains(log, "operator=alice address=127.0.0.1 act=query payment_id="+id(3)+" done=true") {
		t.Errorf("the log says %s", log)
	}
}

func TestAFlagIsSettledWithAComment(t *testing.T) {
	t.Parallel()
	d := open(t, filled, nil)
	b := d.as("alice")
	settle := "/console/flags/" + id(500) + "/settle"
	form := func(comment string) url.Values {
		return url.Values{"payment": {id(3)}, "comment": {comment}, "back": {"/console/flags"}}
	}
	if page := b.act(settle, form("  ")); !strings.Contains(page.body, "a comment is needed") || len(d.books.acts) != 0 {
		t.Error("it is settled without a comment")
	}
	if page := b.act(settle, form("called the customer")); !strings.Contains(page.body, "The flag is settled.") {
		t.Error("the page does not say that it is settled")
	}
	if page := b.get("/console/flags?settled=yes"); !strings.Contains(page.body, "called the customer") {
		t.Error("the settled flags do not show it")
	}
	if page := b.act(settle, form("again")); !strings.Contains(page.body, "somebody else has just done it") {
		t.Error("it is settled twice")
	}
}

var seenField = regexp.MustCompile(`name="seen" value="([^"]+)"`)

func TestALetterIsReplayedAfterADryRun(t *testing.T) {
	t.Parallel()
	d := open(t, filled, nil)
	b := d.as("alice")
	const replay = "/console/letters/92/replay"
	page := b.get("/console/letters/92?payment=" + id(3))
	if !strings.Contains(page.body, "from prepared to completed") {
		t.Fatal("the page does not say what a replay would do")
	}
	form := url.Values{"comment": {"the shop has mended it"}, "payment": {id(3)}, "seen": {seenField.FindStringSubmatch(page.body)[1]}}
	if page := b.act(replay, url.Values{"comment": {"blind"}}); !strings.Contains(page.body, "Please look again") {
		t.Error("it is replayed without a dry run")
	}
	d.books.set(func(books *books) {
		books.would = func(console.Letter) string { return "would change nothing: the payment is completed" }
	})
	if page := b.act(replay, form); !strings.Contains(page.body, "Please look again") {
		t.Error("it is replayed though it would lead to something else by now")
	}
	form.Set("seen", seenField.FindStringSubmatch(b.get("/console/letters/92").body)[1])
	if page := b.act(replay, form); !strings.Contains(page.body, "The letter was replayed") || !strings.Contains(page.body, "003997") {
		t.Error("the page does not say that it was replayed")
	}
	if len(d.books.replayed) != 1 {
		t.Errorf("replayed %v", d.books.replayed)
	}
	if page := b.act(replay, form); page.status != http.StatusOK || !strings.Contains(page.body, "the letter is not there any more") {
		t.Errorf("a letter that is gone is answered %d", page.status)
	}
}

func TestOfTwoOperatorsAtOnceOneIsTooLate(t *testing.T) {
	t.Parallel()
	d := open(t, filled, nil)
	one, other := d.as("alice"), d.as("alice")
	forms := []url.Values{{"token": {one.token()}}, {"token": {other.token()}}}
	var wait sync.WaitGroup
	answers := make([]answer, 2)
	for n, b := range []*browser{one, other} {
		wait.Go(func() { answers[n] = b.post("/console/payments/"+id(10)+"/query", forms[n]) })
	}
	wait.Wait()
	said := answers[0].header.Get("Set-Cookie") + answers[1].header.Get("Set-Cookie")
	if strings.Count(said, "told.query") != 1 || strings.Count(said, "told.nothing") != 1 || len(d.books.acts) != 1 {
		t.Errorf("they hear %s", said)
	}
}

func TestAViewerMayLookAndNotAct(t *testing.T) {
	t.Parallel()
	d := open(t, filled, nil)
	b := d.as("bob")
	form := url.Values{"token": {b.token()}, "comment": {"x"}}
	for _, path := range acts() {
		if a := b.post(path, form); a.status != http.StatusForbidden {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	for _, path := range paths() {
		if page := b.get(path); page.status != http.StatusOK || strings.Contains(page.body, "/query\"") || strings.Contains(page.body, "/settle\"") || strings.Contains(page.body, "/replay\"") {
			t.Errorf("%s: %d, or it offers what a viewer may not do", path, page.status)
		}
	}
	if len(d.books.acts)+len(d.books.replayed) > 0 {
		t.Error("something was done")
	}
}

func TestAFormOfAnotherSiteDoesNothing(t *testing.T) {
	t.Parallel()
	d := open(t, filled, nil)
	b, other := d.as("alice"), d.as("alice")
	token := b.token()
	for _, path := range acts() {
		for name, row := range map[string]struct {
			token  string
			header http.Header
		}{
			"no token":            {"", nil},
			"a wrong token":       {string(token[0]^1) + token[1:], nil},
			"another session's":   {other.token(), nil},
			"another site":        {token, http.Header{"Sec-Fetch-Site": {"cross-site"}}},
			"a neighbour":         {token, http.Header{"Sec-Fetch-Site": {"same-site"}}},
			"another origin":      {token, http.Header{"Sec-Fetch-Site": nil, "Origin": {"https://evil.example"}}},
			"an opaque origin":    {token, http.Header{"Sec-Fetch-Site": nil, "Origin": {"null"}}},
			"another port's page": {token, http.Header{"Sec-Fetch-Site": nil, "Origin": {"http://127.0.0.1:1"}}},
		} {
			r := b.request(http.MethodPost, path, url.Values{"token": {row.token}, "comment": {"x"}})
			for key, values := range row.header {
				r.Header[key] = values
			}
			if a := b.do(r); a.status != http.StatusForbidden {
				t.Errorf("%s, %s: %d", path, name, a.status)
			}
		}
	}
	// A token in the address, where logs and histories keep it, is none.
	if a := b.post("/console/payments/"+id(3)+"/query?token="+url.QueryEscape(token), url.Values{}); a.status != http.StatusForbidden {
		t.Errorf("a token in the address: %d", a.status)
	}
	if len(d.books.acts)+len(d.books.replayed) > 0 {
		t.Error("something was done")
	}
}
