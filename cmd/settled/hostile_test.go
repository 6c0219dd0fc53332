package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"settled/events"
)

// Whatever comes in is answered for what it is: taken, or refused by name. Nothing makes
// settled fail, and nothing is tried again in circles.
func TestHostileRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	w.serve()
	const request = `{"merchant": "classic", "order_id": "%s", "amount": {"total": 1}, "description": "tea", %s}`
	for i, row := range []struct {
		name string
		rest string
		ok   bool
	}{
		{"a NUL in the description", `"description": "a\u0000b"`, false},
		{"a NUL in attach", `"attach": "a\u0000b"`, false},
		{"a NUL in metadata", `"metadata": {"a": "\u0000"}`, false},
		{"a NUL in a metadata key", `"metadata": {"\u0000": "a"}`, false},
		{"a lone surrogate", `"attach": "\ud800"`, true},
		{"broken UTF-8", "\"attach\": \"\xff\xfe\"", false},
		{"a year of five digits", `"expires_at": "12026-01-01T00:00:00Z"`, false},
		{"the last year", `"expires_at": "9999-12-31T15:59:59Z"`, true},
		{"the last year, but in China", `"expires_at": "9999-12-31T16:00:00Z"`, false},
		{"a leap second", `"expires_at": "2030-06-30T23:59:60Z"`, false},
		{"a large number", `"amount": {"total": 1e400}`, false},
		{"a fraction", `"amount": {"total": 1.5}`, false},
		{"a number beyond 64 bits", `"amount": {"total": 9223372036854775808}`, false},
		{"minus zero", `"amount": {"total": -0}`, false},
		{"a deep nesting", `"metadata": ` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000), false},
		{"a quote and a backslash", `"attach": "\"\\{},NULL"`, true},
		{"SQL", `"attach": "'; drop table payments; --"`, true},
		{"a line break", `"attach": "a\r\nb"`, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			byHTTP, byNATS := fmt.Sprintf("http%05d", i), fmt.Sprintf("nats%05d", i)
			answer := w.call(http.MethodPost, "/v1/payments", fmt.Appendf(nil, request, byHTTP, row.rest),
				append([]string{"Prefer", "wait=10"}, bearer...)...)
			w.publish(events.PaymentRequested, fmt.Appendf(nil, request, byNATS, row.rest))
			told := events.PaymentRejected
			if row.ok {
				told = events.PaymentPrepared
			}
			switch answer.status {
			case http.StatusOK:
				if !row.ok {
					t.Errorf("taken: %s", answer.text)
				}
				w.expect(told, byNATS)
			case http.StatusBadRequest:
				if row.ok {
					t.Errorf("refused: %s", answer.text)
				}
				w.until("rejected or dead", func() bool {
					return len(w.all(told, byNATS))+len(w.all("dead."+events.PaymentRequested, byNATS)) > 0
				})
			default:
				t.Errorf("answered %d %s", answer.status, answer.text)
			}
		})
	}
}

func TestHostileAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	w.serve()
	for _, path := range []string{
		"/v1/payments/classic/" + url.PathEscape("a\x00b"), "/v1/payments/classic/" + url.PathEscape("\xff"),
		"/v1/payments/classic/..%2f..%2f", "/v1/payments/classic/" + strings.Repeat("a", 3000),
		"/v1/payments/classic/%25", "/v1/payments/classic/a%00",
	} {
		if answer := w.call(http.MethodGet, path, nil, bearer...); answer.status != http.StatusNotFound {
			t.Errorf("GET %.60s: %d %s", path, answer.status, answer.text)
		}
	}
	for _, query := range []string{"%", "a=%00", "sign=%00&out_trade_no=%00", strings.Repeat("a=b&", 5000), ";;;", "\xff"} {
		answer := w.call(http.MethodPost, "/notify/classic?"+url.PathEscape(query), []byte("<xml>\x00</xml>"))
		if answer.status != http.StatusOK || answer.text != "fail" {
			t.Errorf("notify with %.20q: %d %s", query, answer.status, answer.text)
		}
	}
	for _, body := range []string{"", "<xml>", "<xml><a></a></xml>", strings.Repeat("<a>", 20000), `<!DOCTYPE x [<!ENTITY a "b">]><xml>&a;</xml>`, "\xff\xfe"} {
		answer := w.call(http.MethodPost, "/notify/classic?sign=0&out_trade_no=a", []byte(body))
		if answer.status != http.StatusOK || answer.text != "fail" {
			t.Errorf("notify with body %.20q: %d %s", body, answer.status, answer.text)
		}
	}
}
