package wechat_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"settled"
	"settled/wechat"
)

// The demo account of the APP payment document.
const (
	appID      = "wxd930ea5d5a258f4f"
	appSecret  = "db426a9829e4b49a0dcac7b4162da6b6"
	paySignKey = "L8LrMqqeGRxST5reouB0K66CaYAWpqhAVsq7ggKkxHCOastWksvuX1uvmvQclxaHoYd3ElNBrNO2DHnnzgfVG9Qs473M3DTOZug5er46FhuGofumV8H2FVR9qkjSlC5K"
	partnerID  = "1900000109"
	partnerKey = "8934e7d15453e97507ef794cf7b0519d"
)

// now is when every test plays: 2014-05-08 10:09:36 in Beijing.
var now = time.Unix(1399514976, 0)

// received is a request as WeChat got it.
type received struct {
	Method, Path, Query, Body string
}

// bundle is a gateway with everything around it.
type bundle struct {
	gateway *wechat.Legacy
	fetcher *wechat.LegacyTokenFetcher
	tokens  *tokens
	wechat  *httptest.Server

	mu       sync.Mutex
	requests []received
	observed []string
	log      bytes.Buffer
}

// open starts a WeChat that answers with handle and a gateway that speaks to it.
func open(t *testing.T, handle http.HandlerFunc, change ...func(*wechat.LegacyConfig)) *bundle {
	t.Helper()
	b := &bundle{tokens: &tokens{}}
	b.wechat = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read request: %v", err)
		}
		b.mu.Lock()
		b.requests = append(b.requests, received{r.Method, r.URL.Path, r.URL.RawQuery, string(body)})
		b.mu.Unlock()
		handle(w, r)
	}))
	t.Cleanup(b.wechat.Close)
	cfg := wechat.LegacyConfig{
		Merchant: "classic", AppID: appID, AppSecret: appSecret, PaySignKey: paySignKey,
		PartnerID: partnerID, PartnerKey: partnerKey,
		Endpoint: b.wechat.URL, NotifyURL: "https://pay.example.com/notify/classic",
		Tokens: b.tokens, Now: func() time.Time { return now }, Random: zeros{},
		Observe: func(c wechat.Call) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.observed = append(b.observed, c.Name+" "+c.Outcome+" "+c.Code)
		},
		Log: slog.New(slog.NewTextHandler(&b.log, nil)),
	}
	for _, change := range change {
		change(&cfg)
	}
	var err error
	if b.gateway, err = wechat.NewLegacy(cfg); err != nil {
		t.Fatal(err)
	}
	if b.fetcher, err = wechat.NewLegacyTokenFetcher(cfg); err != nil {
		t.Fatal(err)
	}
	return b
}

// got returns the requests that came in so far.
func (b *bundle) got() []received {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]received(nil), b.requests...)
}

// answer answers every request with the same body.
func answer(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }
}

// answers answers each request with the next body, the last one for ever.
func answers(bodies ...string) http.HandlerFunc {
	var mu sync.Mutex
	return func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = io.WriteString(w, bodies[0])
		if len(bodies) > 1 {
			bodies = bodies[1:]
		}
	}
}

// answerStatus answers with a status and a page of HTML, as a proxy does.
func answerStatus(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "<html>"+http.StatusText(status)+"</html>")
	}
}

// cut answers nothing and cuts the connection.
func cut(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// tokens hands out token-1, and the next number once that is refused.
type tokens struct {
	mu      sync.Mutex
	refused []string
	err     error // of Token
	stuck   error // of Refused
}

func (t *tokens) Token(context.Context) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return fmt.Sprintf("token-%d", len(t.refused)+1), t.err
}

func (t *tokens) Refused(_ context.Context, token string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refused = append(t.refused, token)
	return t.stuck
}

// zeros is randomness that is always the same.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

var nonce = strings.Repeat("0", 32)

// payment is a payment with its prepay request stored.
func payment() settled.Payment {
	return settled.Payment{
		ID: "9f1c1f6e-5d52-4b3d-9d0f-7f3b8e1f0a11", Merchant: "classic", OrderID: "20140508000017",
		TradeType: settled.APP, Amount: settled.Money{Total: 1999, Currency: settled.CNY},
		Description: "One pot of tea", ClientIP: "203.0.113.7", Attach: "cart 77",
		CreatedAt: now, ExpiresAt: now.Add(30 * time.Minute),
		PrepayRequest: []byte(`{"stored":"as it is & was"}`),
		Paid:          settled.Trade{OpenID: "oX99MDgNcgwnz3zFN3DNmo8uwa-w", TransactionID: "1900000109201405080000000017"},
	}
}
