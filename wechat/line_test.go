package wechat

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled"
)

// twoHosts are WeChat's, and a line to them whose clock stands until it is moved.
type twoHosts struct {
	*line
	mu      sync.Mutex
	now     time.Time
	main    func(http.ResponseWriter)
	heard   []string // host and body of every request, in order
	calls   []string // what Observe heard
	changes []string
}

func answers(status int) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Request-Id", "R1")
		w.WriteHeader(status)
	}
}

func openTwoHosts(t *testing.T, timeout time.Duration) *twoHosts {
	t.Helper()
	h := &twoHosts{now: time.Unix(1600000000, 0), main: answers(http.StatusOK)}
	serve := func(name string, answer func() func(http.ResponseWriter)) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			h.mu.Lock()
			h.heard = append(h.heard, name+" "+string(body))
			say := answer()
			h.mu.Unlock()
			say(w)
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	h.line = newLine(lineConfig{
		Endpoint: serve("main", func() func(http.ResponseWriter) { return h.main }),
		Backup:   serve("backup", func() func(http.ResponseWriter) { return answers(http.StatusOK) }),
		Timeout:  timeout, Now: func() time.Time { h.mu.Lock(); defer h.mu.Unlock(); return h.now },
		Observe: func(c Call) {
			h.calls = append(h.calls, strings.Join([]string{c.Name, c.Host, c.Outcome, c.Code, c.RequestID}, " "))
		},
		HostChanged: func(host string, open bool) {
			h.changes = append(h.changes, host+map[bool]string{true: " open", false: " back"}[open])
		},
	})
	return h
}

// call makes one call and takes what was heard of it.
func (h *twoHosts) call(t *testing.T) (heard []string, err error) {
	t.Helper()
	writes := 0
	err = h.do(t.Context(), outgoing{name: "query", class: asking, write: func(endpoint string) (request, error) {
		writes++
		return request{method: http.MethodPost, url: endpoint + "/x", body: []byte("same bytes")}, nil
	}}, func(in incoming) error {
		switch {
		case in.status >= 500:
			return &settled.Unknown{Code: codeOfStatus(in.status), Err: errors.New("no")}
		case in.status == http.StatusForbidden:
			return &settled.Refusal{Code: "NO_AUTH"}
		case in.status == http.StatusTeapot:
			return &settled.Unknown{Code: codeUnverified, Err: errors.New("no")}
		}
		return nil
	})
	h.mu.Lock()
	defer h.mu.Unlock()
	heard, h.heard = h.heard, nil
	if writes != len(heard) {
		t.Errorf("%d requests were written anew for %d sent", writes, len(heard))
	}
	return heard, err
}

// A call goes to the other host once, with the same body, if the first gave no word of
// WeChat's own; whatever is WeChat's own is not asked for again.
func TestACallGoesToTheOtherHostOnce(t *testing.T) {
	t.Parallel()
	const first, second = "main same bytes", "backup same bytes"
	for name, test := range map[string]struct {
		main    func(http.ResponseWriter)
		heard   []string
		refused bool
	}{
		"all is well":               {answers(http.StatusOK), []string{first}, false},
		"down":                      {answers(http.StatusServiceUnavailable), []string{first, second}, false},
		"cut":                       {func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, []string{first, second}, false},
		"signed by somebody":        {answers(http.StatusTeapot), []string{first, second}, false},
		"a refusal is WeChat's own": {answers(http.StatusForbidden), []string{first}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := openTwoHosts(t, 0)
			h.main = test.main
			heard, err := h.call(t)
			if diff := cmp.Diff(test.heard, heard); diff != "" {
				t.Error(diff)
			}
			var refusal *settled.Refusal
			if errors.As(err, &refusal) != test.refused || !test.refused && err != nil {
				t.Errorf("the call ended with %v", err)
			}
		})
	}
}

// While the main host fails the backup has all calls at once; when its rest is over one
// call probes the main host, and with the first that succeeds the traffic is back.
func TestTrafficComesBackByOneProbe(t *testing.T) {
	t.Parallel()
	h := openTwoHosts(t, 0)
	h.main = answers(http.StatusBadGateway)
	for range breakAfter {
		if _, err := h.call(t); err != nil {
			t.Fatal(err)
		}
	}
	steps := []struct {
		main  int
		pass  time.Duration
		heard string
	}{
		{http.StatusBadGateway, 0, "backup"},
		{http.StatusBadGateway, 7 * time.Second, "main backup"}, // a probe that failed
		{http.StatusOK, 0, "backup"},
		{http.StatusOK, 13 * time.Second, "main"},
		{http.StatusOK, 0, "main"},
	}
	for i, step := range steps {
		h.mu.Lock()
		h.main, h.now = answers(step.main), h.now.Add(step.pass)
		h.mu.Unlock()
		heard, err := h.call(t)
		if err != nil {
			t.Errorf("step %d: %v", i, err)
		}
		if got := strings.ReplaceAll(strings.Join(heard, " "), " same bytes", ""); got != step.heard {
			t.Errorf("step %d went to %q, want %q", i, got, step.heard)
		}
	}
	if diff := cmp.Diff([]string{"main open", "main back"}, h.changes); diff != "" {
		t.Error(diff)
	}
	if !slices.Contains(h.calls, "query main unknown status_502 R1") || !slices.Contains(h.calls, "query backup done 0 R1") {
		t.Errorf("heard of %v", h.calls)
	}
}

// A host that says nothing costs one timeout, and then the other one is asked.
func TestASilentHostIsPassedOver(t *testing.T) {
	t.Parallel()
	h := openTwoHosts(t, 100*time.Millisecond)
	silence := make(chan struct{})
	defer close(silence)
	h.main = func(http.ResponseWriter) { <-silence }
	if heard, err := h.call(t); err != nil || len(heard) != 2 {
		t.Errorf("heard %v, %v", heard, err)
	}
}
