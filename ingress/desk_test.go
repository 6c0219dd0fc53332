package ingress_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"settled"
	"settled/events"
	"settled/ingress"
)

// desk is an ingress whose bus, database and WeChat are the test's.
type desk struct {
	t      *testing.T
	cfg    ingress.Config
	bus    *bus
	ledger *ledger
	wechat *wechat
}

func newDesk(t *testing.T) *desk {
	d := &desk{t: t, bus: &bus{}, ledger: &ledger{refunds: map[string]settled.Refund{}}, wechat: &wechat{}}
	d.cfg = ingress.Config{
		Ledger: d.ledger, Bus: d.bus,
		Merchants: map[string]ingress.Merchant{"shop3": {Protocol: "v3", Notifies: d.wechat}, "shop4": {Protocol: "v3", Notifies: d.wechat}},
		Tokens:    []ingress.Token{{Name: "shop", Value: "open-sesame", Merchants: []string{"shop3"}, Rate: 1000}},
		Patience:  10 * time.Second,
		Now:       time.Now, Metrics: uncounted{}, Log: slog.New(slog.DiscardHandler),
	}
	return d
}

// answer is what came back over HTTP.
type answer struct {
	status int
	header http.Header
	text   string
	body   map[string]any // if it is JSON
}

// call sends a request with the shop's token; headers are pairs and may overrule it.
func (d *desk) call(method, path string, body []byte, headers ...string) answer {
	d.t.Helper()
	r := httptest.NewRequestWithContext(d.t.Context(), method, path, bytes.NewReader(body))
	r.Header.Set("Authorization", "Bearer open-sesame")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	ingress.New(d.cfg).ServeHTTP(w, r)
	a := answer{status: w.Code, header: w.Header(), text: w.Body.String()}
	_ = json.Unmarshal(w.Body.Bytes(), &a.body)
	return a
}

// bus hands each message to the worker of the test, and its replies to who waits.
type bus struct {
	worker func(e events.Envelope) []events.Reply // nil: there is none
	err    error

	mu        sync.Mutex
	replies   chan events.Reply
	published []events.Envelope
}

func (b *bus) Publish(_ context.Context, e events.Envelope) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return b.err
	}
	b.published = append(b.published, e)
	if b.worker != nil {
		for _, reply := range b.worker(e) {
			b.replies <- reply
		}
	}
	return nil
}

func (b *bus) Expect() (subject string, replies <-chan events.Reply, cancel func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.replies = make(chan events.Reply, 8)
	return "inbox", b.replies, func() {}
}

// ledger is what PostgreSQL has.
type ledger struct {
	ingress.Ledger
	refunds map[string]settled.Refund // by number
	news    settled.Event
	err     error
}

func (*ledger) Payment(context.Context, string, string) (settled.Payment, error) {
	return settled.Payment{}, settled.ErrNotFound
}

func (l *ledger) Refund(_ context.Context, merchant, refundID string) (settled.Refund, error) {
	r, ok := l.refunds[refundID]
	switch {
	case l.err != nil:
		return r, l.err
	case !ok || r.Merchant != merchant:
		return r, settled.ErrNotFound
	}
	return r, nil
}

func (l *ledger) RefundNews(context.Context, string) (settled.Event, error) {
	if l.news.Type == "" {
		return l.news, settled.ErrNotFound
	}
	return l.news, nil
}

// wechat reads a notify as news and answers in one word.
type wechat struct {
	news settled.News
	err  error
	mu   sync.Mutex
	read []settled.Notify
}

func (g *wechat) Notify(_ context.Context, n settled.Notify) (settled.News, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.read = append(g.read, n)
	return g.news, g.err
}

func (g *wechat) Answer(a settled.Acknowledgement) settled.Answer {
	status := map[settled.Acknowledgement]int{settled.Success: 200, settled.Unverified: 401, settled.Busy: 500}[a]
	return settled.Answer{Status: status, ContentType: "text/plain", Body: []byte(a)}
}

type uncounted struct{}

func (uncounted) Answered(string, int, time.Duration) {}
func (uncounted) Notified(string, string)             {}
