package wechat

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"settled"
)

// secret is in the URL of every request.
const secret = "192006250b4c09247ec02edce69f6a2d"

// wired is a line with the two hosts that it leads to, and all that is heard of it.
type wired struct {
	line *line

	mu       sync.Mutex
	now      time.Time
	requests []string // host, number of the writing, body
	calls    []Call
	changes  []string
	log      bytes.Buffer
}

// wire starts the hosts; without a handler for backup there is none.
func wire(t *testing.T, main, backup http.HandlerFunc, change ...func(*lineConfig)) *wired {
	t.Helper()
	w := &wired{now: began}
	cfg := lineConfig{
		Timeout: time.Minute, Now: w.clock, Endpoint: w.serve(t, MainHost, main),
		Observe: func(c Call) { note(w, &w.calls, c) },
		HostChanged: func(host string, open bool) {
			note(w, &w.changes, host+map[bool]string{true: " open", false: " back"}[open])
		},
		Log: slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if backup != nil {
		cfg.Backup = w.serve(t, BackupHost, backup)
	}
	for _, change := range change {
		change(&cfg)
	}
	w.line = newLine(cfg)
	return w
}

func (w *wired) serve(t *testing.T, host string, handle http.HandlerFunc) string {
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read request: %v", err)
		}
		note(w, &w.requests, fmt.Sprintf("%s %s %s", host, r.Header.Get("Written"), body))
		handle(rw, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func note[T any](w *wired, where *[]T, what T) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*where = append(*where, what)
}

func (w *wired) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// passPause lets the time pass until a host may be tried again.
func (w *wired) passPause(h *host) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = h.breaker.until
}

// got are the requests that came in since it was last asked.
func (w *wired) got() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := slices.Clone(w.requests)
	w.requests = nil
	return all
}

// heard are the calls in words.
func (w *wired) heard() (words []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.calls {
		words = append(words, strings.TrimSpace(fmt.Sprintf("%s %s %s %s %s", c.Name, c.Host, c.Outcome, c.Code, c.RequestID)))
	}
	return words
}

// order is a call that counts how often it is written.
func order() outgoing {
	written := 0
	return outgoing{name: "pay", write: func(endpoint string) (request, error) {
		written++
		return request{
			method: http.MethodPost, url: endpoint + "/pay?key=" + secret, body: []byte("order 1"),
			header: http.Header{"Written": {fmt.Sprint(written)}}, secrets: concealing(secret),
		}, nil
	}}
}

// judge is a protocol in small: yes, a refusal, what WeChat may say besides, or nothing
// that WeChat would say.
func judge(in incoming) error {
	switch word := string(in.body); word {
	case "yes":
		return nil
	case "no":
		return &settled.Refusal{Code: "NO_AUTH"}
	case "busy":
		return &settled.Unknown{Code: "SYSTEM_ERROR", Err: errors.New("busy")}
	case "often":
		return &settled.Unknown{Code: "FREQUENCY_LIMITED", Err: errTooOften}
	case "forged":
		return &settled.Unknown{Code: codeUnverified, Err: errors.New("signed by somebody else")}
	case "panic":
		panic("judged to death")
	}
	if in.status != http.StatusOK {
		return &settled.Unknown{Code: codeOfStatus(in.status), Err: errors.New("no answer of WeChat's own")}
	}
	return &settled.Unknown{Code: codeUnreadable, Err: errors.New("not WeChat's words")}
}

func (w *wired) do(t *testing.T) error { return w.line.do(t.Context(), order(), judge) }

func say(status int, words string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Request-Id", "08F7C1")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, words)
	}
}

func drop(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// timeoutOf is short only where a test waits for it.
func timeoutOf(code string) func(*lineConfig) {
	return func(cfg *lineConfig) {
		if code == codeTimeout {
			cfg.Timeout = time.Second
		}
	}
}
