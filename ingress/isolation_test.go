package ingress

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"settled"
	"settled/events"
)

// strangers says of each route what somebody hears who has the token of another shop. A
// route without a line fails the test.
var strangers = map[string]struct {
	path, body string
	status     int
	// lookUps: the database may be asked, because the address itself is the proof.
	lookUps bool
}{
	"POST /v1/payments": {
		"/v1/payments", `{"merchant": "theirs", "order_id": "order001", "amount": {"total": 1}, "description": "tea"}`, 403, false,
	},
	"GET /v1/payments/{merchant}/{order_id}":           {"/v1/payments/theirs/order001", "", 403, false},
	"POST /v1/payments/{merchant}/{order_id}/returned": {"/v1/payments/theirs/order001/returned", "", 403, false},
	"POST /v1/refunds": {
		"/v1/refunds", `{"merchant": "theirs", "order_id": "order001", "refund_id": "R1", "amount": {"refund": 1, "total": 1}}`, 403, false,
	},
	"GET /v1/refunds/{merchant}/{refund_id}": {"/v1/refunds/theirs/R1", "", 403, false},
	"POST /returned/{payment_id}":            {"/returned/0190a0a0-0000-7000-8000-000000000000", "", 404, true},
	"POST /notify/{merchant}":                {"/notify/theirs", "forged", 401, false},
	"POST /notify/{merchant}/refund":         {"/notify/theirs/refund", "forged", 401, false},
}

// A token reads nothing of a merchant that it was not given, and does not learn whether
// there is anything: the answer comes before any look-up, and is the same for a merchant
// that does not exist.
func TestATokenReadsNothingOfAnotherMerchant(t *testing.T) {
	t.Parallel()
	for _, route := range routes {
		name := route.method + " " + route.pattern
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			line, listed := strangers[name]
			if !listed {
				t.Fatal("say in strangers what another shop's token hears")
			}
			for _, prefer := range []string{"", "wait=10"} {
				theirs, asked := ask(t, route.method, line.path, line.body, prefer)
				if theirs.Code != line.status {
					t.Errorf("answered %d %s, want %d", theirs.Code, theirs.Body, line.status)
				}
				if asked.lookUps > 0 && !line.lookUps || asked.published > 0 {
					t.Errorf("looked up %d times, published %d", asked.lookUps, asked.published)
				}
				if line.status != http.StatusForbidden {
					continue
				}
				for _, other := range []string{"nobody", "OURS", "ours%2F..%2Ftheirs"} {
					path := strings.Replace(line.path, "theirs", other, 1)
					body := strings.Replace(line.body, "theirs", other, 1)
					nobody, _ := ask(t, route.method, path, body, prefer)
					if nobody.Code != theirs.Code || nobody.Body.String() != theirs.Body.String() {
						t.Errorf("for %q: %d %s, for theirs: %d %s", other, nobody.Code, nobody.Body, theirs.Code, theirs.Body)
					}
				}
			}
		})
	}
	if len(strangers) != len(routes) {
		t.Error("strangers has lines of routes that are not there")
	}
}

// asked counts what an answer took.
type asked struct {
	Ledger
	lookUps, published int
}

func (a *asked) Payment(context.Context, string, string) (settled.Payment, error) {
	a.lookUps++
	return settled.Payment{Merchant: "theirs", OrderID: "order001"}, nil
}

func (a *asked) Refund(context.Context, string, string) (settled.Refund, error) {
	a.lookUps++
	return settled.Refund{Merchant: "theirs"}, nil
}

func (a *asked) PaymentByID(context.Context, string) (settled.Payment, error) {
	a.lookUps++
	return settled.Payment{}, settled.ErrNotFound
}

func (a *asked) Publish(context.Context, events.Envelope) error {
	a.published++
	return nil
}

func (a *asked) Expect() (subject string, replies <-chan events.Reply, cancel func()) {
	return "", nil, func() {}
}

func (a *asked) Notify(context.Context, settled.Notify) (settled.News, error) {
	return settled.News{}, settled.ErrUnverified
}
func (a *asked) Answer(settled.Acknowledgement) settled.Answer { return settled.Answer{Status: 401} }
func (a *asked) Answered(string, int, time.Duration)           {}
func (a *asked) Notified(string, string)                       {}

// ask sends a request with the token of ours.
func ask(t *testing.T, method, path, body, prefer string) (*httptest.ResponseRecorder, *asked) {
	t.Helper()
	a := &asked{}
	in := New(Config{
		Ledger: a, Bus: a, Metrics: a, Now: time.Now, Log: slog.New(slog.DiscardHandler), Patience: time.Second,
		Merchants: map[string]Merchant{"ours": {Protocol: "v3", Notifies: a}, "theirs": {Protocol: "v3", Notifies: a}},
		Tokens:    []Token{{Name: "our-shop", Value: "ours", Merchants: []string{"ours"}, Rate: 1000}},
	})
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer ours")
	r.Header.Set("Prefer", prefer)
	w := httptest.NewRecorder()
	in.ServeHTTP(w, r)
	return w, a
}
