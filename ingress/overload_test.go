package ingress_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"settled"
	"settled/events"
	"settled/ingress"
)

const (
	anOrder  = `{"merchant": "shop3", "order_id": "order001", "amount": {"total": 1}, "description": "tea", "client_ip": "203.0.113.7"}`
	aPayment = "/v1/payments"
	aNotify  = "/notify/shop3"
)

// counter is one ingress, open as long as the test.
type counter struct {
	*desk
	door    *ingress.Ingress
	serving sync.WaitGroup
}

func (d *desk) counter() *counter {
	d.wechat.news = settled.News{Trade: &settled.Trade{OrderID: "order001"}}
	return &counter{desk: d, door: ingress.New(d.cfg)}
}

// post sends a request and does not wait for its answer.
func (c *counter) post(path string) <-chan *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(c.t.Context(), http.MethodPost, path, strings.NewReader(anOrder))
	r.Header.Set("Authorization", "Bearer open-sesame")
	answered := make(chan *httptest.ResponseRecorder, 1)
	c.serving.Go(func() {
		w := httptest.NewRecorder()
		c.door.ServeHTTP(w, r)
		answered <- w
	})
	return answered
}

// Nobody commits anything: after many have waited in vain, few are let in to find out
// whether it has become better, and all others hear at once that they have to come again.
func TestWithoutCommitsOnlyAFewAreMadeToWait(t *testing.T) {
	t.Parallel()
	for path, status := range map[string]int{aPayment: http.StatusServiceUnavailable, aNotify: http.StatusInternalServerError} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t)
			d.cfg.Patience = 4 * time.Second
			c := d.counter()
			for range 2048 {
				c.post(path)
			}
			c.serving.Wait()
			d.bus.published = nil
			began := time.Now()
			var answers []<-chan *httptest.ResponseRecorder
			for range 100 {
				answers = append(answers, c.post(path))
			}
			synctest.Wait()
			turnedAway := 0
			for _, answered := range answers {
				select {
				case a := <-answered:
					if a.Code == status {
						turnedAway++
					}
				default: // still waiting
				}
			}
			if turnedAway != 84 || len(d.bus.published) != 16 || time.Since(began) != 0 {
				t.Errorf("%s: %d were turned away at once and %d published, want 84 and 16", path, turnedAway, len(d.bus.published))
			}
			c.serving.Wait()

			d.bus.mu.Lock()
			d.bus.worker = func(events.Envelope) []events.Reply {
				return []events.Reply{{Kind: events.ReplyRecorded, Data: []byte(`{}`)}}
			}
			d.bus.mu.Unlock()
			for range 200 { // one after the other: each makes room for one more
				c.post(path)
				c.serving.Wait()
			}
			d.bus.mu.Lock()
			d.bus.worker, d.bus.published = nil, nil
			d.bus.mu.Unlock()
			for range 300 {
				c.post(path)
			}
			synctest.Wait()
			if let := len(d.bus.published); let != 216 {
				t.Errorf("%s: after 200 commits %d are let in, want 216", path, let)
			}
			c.serving.Wait()
		})
	}
}

func TestWhoIsTurnedAwayHearsItInHisOwnWords(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.cfg.InHand = 1
		c := d.counter()
		c.post(aNotify) // and nobody commits it
		synctest.Wait()
		for path, want := range map[string]struct {
			status     int
			text       string
			retryAfter string
		}{
			aNotify:                {http.StatusInternalServerError, "busy", ""},
			aNotify + "/refund":    {http.StatusInternalServerError, "busy", ""},
			"/notify/nobody":       {http.StatusServiceUnavailable, "Too many requests", "1"},
			aPayment:               {http.StatusServiceUnavailable, "Too many requests", "1"},
			"/v1/refunds":          {http.StatusServiceUnavailable, "Too many requests", "1"},
			"/returned/0123456789": {http.StatusServiceUnavailable, "Too many requests", "1"},
		} {
			a := <-c.post(path)
			if a.Code != want.status || !strings.Contains(a.Body.String(), want.text) || a.Header().Get("Retry-After") != want.retryAfter {
				t.Errorf("%s: %d %q, Retry-After %q", path, a.Code, a.Body, a.Header().Get("Retry-After"))
			}
		}
		c.serving.Wait()
	})
}
