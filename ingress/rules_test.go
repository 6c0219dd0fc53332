package ingress

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"
)

func TestPreferWait(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]time.Duration{
		"":                           0,
		"wait=5":                     5 * time.Second,
		"WAIT = 5":                   5 * time.Second,
		`wait="7"`:                   7 * time.Second,
		"respond-async, wait=3":      3 * time.Second,
		"wait=10":                    10 * time.Second,
		"wait=11":                    10 * time.Second,
		"wait=99999999999999999999":  10 * time.Second,
		"wait=0":                     0,
		"wait=-1":                    0,
		"wait=-99999999999999999999": 0,
		"wait=1.5":                   0,
		"wait=soon":                  0,
		"wait":                       0,
		"waiter=5":                   0,
	} {
		if got := preferredWait(http.Header{"Prefer": {header}}); got != want {
			t.Errorf("Prefer: %s waits %s, want %s", header, got, want)
		}
	}
}

func TestTheGateKnowsItsCallersByTheirTokens(t *testing.T) {
	t.Parallel()
	g := newGate([]Token{
		{Name: "shop", Value: "one", Merchants: []string{"classic"}, Rate: 100},
		{Name: "other", Value: "two", Merchants: []string{"m2"}, Rate: 100},
	}, time.Now)
	for header, want := range map[string]string{
		"Bearer one": "shop", "bearer two": "other", "Bearer  one": "shop",
		"Bearer onE": "", "Bearer ": "", "Bearer": "", "": "", "Basic one": "", "one": "", "Bearer one two": "",
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Header.Set("Authorization", header)
		caller, err := g.enter(r)
		switch {
		case want == "" && err == nil:
			t.Errorf("%q came in as %s", header, caller.name)
		case want != "" && (err != nil || caller.name != want):
			t.Errorf("%q: %v, want to come in as %s", header, err, want)
		}
	}
}

func TestACallerComesInAtItsRate(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	g := newGate([]Token{{Name: "shop", Value: "one", Rate: 2}}, func() time.Time { return now })
	enter := func() error {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer one")
		_, err := g.enter(r)
		return err
	}
	for i := range 4 {
		if err := enter(); err != nil {
			t.Fatalf("call %d of the burst: %v", i, err)
		}
	}
	if enter() == nil {
		t.Error("the fifth call at the same moment came in")
	}
	now = now.Add(500 * time.Millisecond)
	if err := enter(); err != nil {
		t.Errorf("half a second later: %v", err)
	}
}

func TestAHintASecondForEachPayment(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	l := newHintLimit(func() time.Time { return now })
	if !l.allow("a") || l.allow("a") || !l.allow("b") {
		t.Error("want one hint for each payment")
	}
	now = now.Add(hintEvery)
	if !l.allow("a") {
		t.Error("a second later the payment may be named again")
	}
}

func TestTheHintLimitDoesNotGrowForEver(t *testing.T) {
	t.Parallel()
	l := newHintLimit(time.Now)
	for i := range 2*hintsKept + 1 {
		l.allow(strconv.Itoa(i))
	}
	if len(l.last) > hintsKept {
		t.Errorf("%d payments are remembered, want %d at the most", len(l.last), hintsKept)
	}
}
