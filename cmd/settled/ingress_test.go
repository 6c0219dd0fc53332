package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled/events"
)

// fields lists the fields that a problem names.
func fields(body map[string]any) []string {
	var names []string
	problems, _ := body["problems"].([]any)
	for _, p := range problems {
		name, _ := p.(map[string]any)["field"].(string)
		names = append(names, name)
	}
	return names
}

func TestIngressTurnsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	w.serve()
	prefer := append([]string{"Prefer", "wait=2"}, bearer...)
	for _, test := range []struct {
		name    string
		method  string
		path    string
		body    []byte
		headers []string
		status  int
		fields  []string
	}{
		{"no token", "POST", "/v1/payments", order("turned001", nil), nil, 401, nil},
		{"an unknown token", "POST", "/v1/payments", order("turned001", nil), []string{"Authorization", "Bearer nobody"}, 401, nil},
		{"a token of another scheme", "POST", "/v1/payments", order("turned001", nil), []string{"Authorization", "Basic " + shopToken}, 401, nil},
		{"another shop's token", "POST", "/v1/payments", order("turned001", nil), []string{"Authorization", "Bearer other-token"}, 403, nil},
		{"another shop's payment", "GET", "/v1/payments/classic/turned001", nil, []string{"Authorization", "Bearer other-token"}, 403, nil},
		{"a payment that is not there", "GET", "/v1/payments/classic/turned001", nil, bearer, 404, nil},
		{"a hint without a token", "POST", "/v1/payments/classic/turned001/returned", nil, nil, 401, nil},
		{"a hint about nothing", "POST", "/v1/payments/classic/turned001/returned", nil, bearer, 404, nil},
		{"an app's hint about nothing", "POST", "/returned/7d444840-9dc0-11d1-b245-5ffdce74fad2", nil, nil, 404, nil},
		{"an app's hint about no id", "POST", "/returned/1", nil, nil, 404, nil},
		{"an unknown address", "GET", "/v2", nil, nil, 404, nil},
		{"another method", "GET", "/v1/payments", nil, bearer, 405, nil},
		{"another method for a notify", "GET", "/notify/classic", nil, nil, 405, nil},
		{"broken JSON", "POST", "/v1/payments", []byte(`{"merchant"`), bearer, 400, []string{""}},
		{"no object", "POST", "/v1/payments", []byte(`[]`), bearer, 400, []string{""}},
		{"two wrong fields", "POST", "/v1/payments", order("x", map[string]any{"amount": map[string]any{"total": 0}}), bearer, 400, []string{"amount.total", "order_id"}},
		{"a hyphen for legacy", "POST", "/v1/payments", order("turned-001", nil), bearer, 400, []string{"order_id"}},
		{"no merchant", "POST", "/v1/payments", order("turned001", map[string]any{"merchant": nil}), bearer, 400, []string{"merchant"}},
		{"the past", "POST", "/v1/payments", order("turned001", map[string]any{"expires_at": "2020-01-01T00:00:00Z"}), bearer, 400, []string{"expires_at"}},
		{"the past, with a wait", "POST", "/v1/payments", order("turned001", map[string]any{"expires_at": "2020-01-01T00:00:00Z"}), prefer, 400, []string{"expires_at"}},
		{"64 KiB and a byte", "POST", "/v1/payments", make([]byte, 64<<10+1), bearer, 413, nil},
		{"a huge notify", "POST", "/notify/classic", make([]byte, 256<<10+1), nil, 413, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			answer := w.call(test.method, test.path, test.body, test.headers...)
			if answer.status != test.status {
				t.Fatalf("status %d, want %d: %s", answer.status, test.status, answer.text)
			}
			if kind := answer.header.Get("Content-Type"); kind != "application/problem+json" {
				t.Errorf("content type %q", kind)
			}
			for _, name := range []string{"type", "title", "status", "detail"} {
				if answer.body[name] == nil {
					t.Errorf("the problem has no %s", name)
				}
			}
			got := fields(answer.body)
			slices.Sort(got)
			if diff := cmp.Diff(test.fields, got); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheSameOrderOverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	w.serve()
	first := w.call(http.MethodPost, "/v1/payments", order("same00001", nil), bearer...)
	if first.status != http.StatusAccepted || first.body["payment_id"] == nil || first.body["order_id"] != "same00001" {
		t.Fatalf("answered %d %s", first.status, first.text)
	}
	if location := first.header.Get("Location"); location != "/v1/payments/classic/same00001" {
		t.Errorf("location %q", location)
	}
	waiting := append([]string{"Prefer", "wait=10"}, bearer...)
	second := w.call(http.MethodPost, "/v1/payments", order("same00001", map[string]any{"trade_type": "APP"}), waiting...)
	if second.status != http.StatusOK || second.body["payment_id"] != first.body["payment_id"] || second.body["prepay_id"] == nil {
		t.Fatalf("answered %d %s", second.status, second.text)
	}
	third := w.call(http.MethodPost, "/v1/payments", order("same00001", nil), waiting...)
	if diff := cmp.Diff(second.body, third.body); diff != "" {
		t.Errorf("the same order, another answer (-second +third):\n%s", diff)
	}
	other := w.call(http.MethodPost, "/v1/payments", order("same00001", map[string]any{"amount": map[string]any{"total": 1}}), bearer...)
	if other.status != http.StatusConflict {
		t.Errorf("other content: answered %d %s", other.status, other.text)
	}
	if rejected := w.expect(events.PaymentRejected, "same00001"); rejected["error"].(map[string]any)["code"] != "conflict" {
		t.Errorf("rejected %v", rejected)
	}
	if ids := w.once(events.PaymentPrepared, "same00001"); len(ids) != 1 {
		t.Errorf("%d prepared events", len(ids))
	}
	state := w.call(http.MethodGet, "/v1/payments/classic/same00001", nil, bearer...)
	if state.status != http.StatusOK || state.body["status"] != "prepared" || state.body["prepay_id"] != second.body["prepay_id"] {
		t.Errorf("state %s", state.text)
	}
}

// What a worker finds wrong is told by name, whoever published it; what nobody can read
// is a dead letter, and the messages behind it are worked on.
func TestWrongRequestsOverNATS(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	w.serve()
	w.publish(events.PaymentRequested, []byte(`{"merchant": "classic"`))
	w.publish(events.PaymentRequested, order("wrong0001", map[string]any{"colour": "red", "amount": map[string]any{"total": 1.5}}))
	w.publish(events.PaymentRequested, order("wrong0002", map[string]any{"merchant": "nobody"}))
	w.publish(events.PaymentRequested, order("right0001", nil))
	w.expect(events.PaymentPrepared, "right0001")
	w.expect("dead.payment.requested", "")
	for id, want := range map[string][]string{"wrong0001": {"amount.total", "colour"}, "wrong0002": {"merchant"}} {
		got := fields(w.expect(events.PaymentRejected, id))
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", id, diff)
		}
	}
}

func TestStoredAnswersWithoutAWorker(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{stored: true, switches: silent})
	w.serveParts(parts{ingress: true, admin: true})
	answer := w.call(http.MethodPost, "/v1/payments", order("stored001", nil), bearer...)
	if answer.status != http.StatusAccepted || answer.body["payment_id"] != nil || answer.body["status"] != "requested" {
		t.Fatalf("answered %d %s", answer.status, answer.text)
	}
	w.serveParts(parts{workers: true})
	receipt := w.customerPays(w.expect(events.PaymentPrepared, "stored001"))
	query, body := w.notifyOf(receipt, 1999)
	if answer := w.call(http.MethodPost, "/notify/classic?"+query, body); answer.text != "success" {
		t.Errorf("answered %q", answer.text)
	}
	w.expect(events.PaymentCompleted, "stored001")
}

// Without a worker nothing is committed, so nobody hears that it was; what the stream has
// is worked on all the same.
func TestCommittedNeedsAWorker(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{switches: silent})
	w.serveParts(parts{ingress: true, admin: true})
	began := time.Now()
	answer := w.call(http.MethodPost, "/v1/payments", order("patient01", nil), bearer...)
	if answer.status != http.StatusServiceUnavailable || answer.header.Get("Retry-After") == "" || time.Since(began) > 5*time.Second {
		t.Fatalf("answered %d after %v: %s", answer.status, time.Since(began), answer.text)
	}
	stop := w.serveParts(parts{workers: true})
	receipt := w.customerPays(w.expect(events.PaymentPrepared, "patient01"))
	stop()
	query, body := w.notifyOf(receipt, 1999)
	began = time.Now()
	if answer := w.call(http.MethodPost, "/notify/classic?"+query, body); answer.text != "fail" || time.Since(began) > 5*time.Second {
		t.Fatalf("answered %q after %v", answer.text, time.Since(began))
	}
	w.serveParts(parts{workers: true})
	w.expect(events.PaymentCompleted, "patient01")
	if answer := w.call(http.MethodPost, "/notify/classic?"+query, body); answer.text != "success" {
		t.Errorf("the repeat was answered %q", answer.text)
	}
}

func TestPrefixesKeepEnvironmentsApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{prefix: "staging-"})
	w.serve()
	w.publish("staging-"+events.PaymentRequested, order("prefix001", nil))
	w.customerPays(w.expect(events.PaymentPrepared, "prefix001"))
	w.expect(events.PaymentCompleted, "prefix001")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for name, want := range map[string]bool{"staging-SETTLED_OUT": true, "SETTLED_OUT": false} {
		_, err := w.stream.Stream(ctx, name)
		if (err == nil) != want {
			t.Errorf("stream %s: %v", name, err)
		}
	}
}

func TestAdminTellsHowThingsAre(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	w.serve()
	if answer := w.callAt(w.admin+"/debug/pprof/", http.MethodGet, nil); answer.status != http.StatusNotFound {
		t.Errorf("profiles that nobody asked for: %d", answer.status)
	}
	w.publish(events.PaymentRequested, order("admin0001", nil))
	w.expect(events.PaymentPrepared, "admin0001")
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 200} {
		if answer := w.callAt(w.admin+path, http.MethodGet, nil); answer.status != want {
			t.Errorf("%s: %d %s", path, answer.status, answer.text)
		}
	}
	w.until("every promise has its metric", func() bool {
		text := w.callAt(w.admin+"/metrics", http.MethodGet, nil).text
		for _, name := range []string{
			`settled_moves_total{merchant="classic",source="",to="prepared"} 1`, `settled_wechat_calls_total{call="genprepay"`,
			"settled_wechat_call_seconds_count", "settled_events_published_total", "settled_overdue_seconds", "settled_queue_pending",
			"settled_tokens_total", "settled_dependency_up",
		} {
			if !strings.Contains(text, name) {
				return false
			}
		}
		return true
	})
}

func TestTooManyAreTurnedAwayByRate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{rate: 2})
	w.serve()
	turned := 0
	for i := range 20 {
		answer := w.call(http.MethodGet, fmt.Sprintf("/v1/payments/classic/rate%05d", i), nil, bearer...)
		if answer.status == http.StatusTooManyRequests {
			turned++
			if answer.header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
		}
	}
	if turned == 0 {
		t.Error("nobody was turned away")
	}
}
