package wechat

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"settled"
)

func TestACallThatTheMainHostFailsGoesToTheBackupOnce(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		main http.HandlerFunc
		code string // with the request id, where there was an answer
	}{
		"cut":            {drop, "connection"},
		"hanging":        {hang, "timeout"},
		"a proxy":        {say(503, "<html>"), "status_503 08F7C1"},
		"busy":           {say(500, "busy"), "SYSTEM_ERROR 08F7C1"},
		"a page":         {say(200, "<html>"), "unreadable 08F7C1"},
		"a redirect":     {say(302, ""), "status_302 08F7C1"},
		"without an end": {say(200, "yes"+strings.Repeat(" ", maxAnswer)), "unreadable"},
		"wrongly signed": {say(200, "forged"), "unverified 08F7C1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := wire(t, test.main, say(200, "yes"), timeoutOf(test.code))
			if err := w.do(t); err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff([]string{"main 1 order 1", "backup 2 order 1"}, w.got()); diff != "" {
				t.Errorf("same body, written anew, twice in all: %s", diff)
			}
			if diff := gocmp.Diff([]string{"pay main unknown " + test.code, "pay backup done 0 08F7C1"}, w.heard()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWeChatsOwnWordIsNotAskedForTwice(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		main http.HandlerFunc
		code string
	}{
		"yes":                     {say(200, "yes"), "0"},
		"no":                      {say(403, "no"), "NO_AUTH"},
		"no, under a 500":         {say(500, "no"), "NO_AUTH"},
		"busy":                    {say(200, "busy"), "SYSTEM_ERROR"},
		"too often":               {say(200, "often"), "FREQUENCY_LIMITED"},
		"too often, by a gateway": {say(429, "<html>"), "status_429"},
		"a status of 4xx":         {say(404, "<html>"), "status_404"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := wire(t, test.main, say(200, "yes"))
			for range 2 * breakAfter {
				if got := codeOf(w.do(t)); got != test.code {
					t.Errorf("got %s, want %s", got, test.code)
				}
				w.line.budget.closed = time.Time{} // only what becomes of one call is looked at
				if diff := gocmp.Diff([]string{"main 1 order 1"}, w.got()); diff != "" {
					t.Error(diff)
				}
			}
			if len(w.changes) != 0 {
				t.Errorf("hosts changed: %v", w.changes)
			}
		})
	}
}

func TestWhenBothHostsFailNobodyIsAskedForAWhile(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		backup http.HandlerFunc
		code   string
		sent   int // in all
	}{
		"two hosts":        {say(503, "<html>"), "status_503", 2 * breakAfter},
		"there is but one": {nil, codeConnection, breakAfter},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := wire(t, drop, test.backup)
			for range breakAfter {
				if got := codeOf(w.do(t)); got != test.code {
					t.Errorf("got %s, want %s", got, test.code)
				}
			}
			if got := len(w.got()); got != test.sent {
				t.Errorf("%d requests, want %d", got, test.sent)
			}
			var unknown *settled.Unknown
			if err := w.do(t); !errors.As(err, &unknown) || unknown.Code != codeHostOpen ||
				unknown.After < 4*time.Second || unknown.After > 6*time.Second {
				t.Errorf("got %+v", unknown)
			}
			if got := w.got(); got != nil {
				t.Errorf("sent all the same: %v", got)
			}
		})
	}
}

func TestCallsReturnToTheMainHostByOneProbe(t *testing.T) {
	t.Parallel()
	var well atomic.Bool
	w := wire(t, func(rw http.ResponseWriter, r *http.Request) {
		if !well.Load() {
			drop(rw, r)
		}
		say(200, "yes")(rw, r)
	}, say(200, "yes"))
	main := w.line.hosts[0]
	made := func(calls int) (made string) {
		for range calls {
			if err := w.do(t); err != nil {
				t.Fatal(err)
			}
		}
		for _, request := range w.got() {
			made += request[:1] // m for main, b for backup
		}
		return made
	}
	check := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	check("every call is tried on both", made(breakAfter), "mbmbmbmbmb")
	check("main is left alone", made(3), "bbb")
	w.passPause(main)
	check("one probe, which fails", made(3), "mbbb")
	w.passPause(main)
	well.Store(true)
	check("one probe, which goes well", made(3), "mmm")
	if diff := gocmp.Diff([]string{"main open", "main back"}, w.changes); diff != "" {
		t.Error(diff)
	}
}

func TestManyCallsAtOnceSendOneProbe(t *testing.T) {
	t.Parallel()
	probed, release := make(chan struct{}), make(chan struct{})
	var probes atomic.Int64
	var probing atomic.Bool
	w := wire(t, func(rw http.ResponseWriter, r *http.Request) {
		if !probing.Load() {
			drop(rw, r)
		}
		if probes.Add(1) == 1 {
			close(probed)
		}
		<-release
		say(200, "yes")(rw, r)
	}, say(200, "yes"))
	for range breakAfter {
		_ = w.do(t)
	}
	probing.Store(true)
	w.passPause(w.line.hosts[0])
	var first, others sync.WaitGroup
	first.Go(func() { _ = w.do(t) })
	<-probed
	for range 20 {
		others.Go(func() {
			if err := w.do(t); err != nil {
				t.Error(err)
			}
		})
	}
	others.Wait() // all of them over the backup, while the probe is on its way
	close(release)
	first.Wait()
	if probes.Load() != 1 {
		t.Errorf("%d probes", probes.Load())
	}
}

func TestACallerWhoGaveUpTriesNoOtherHostAndSaysNothing(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	w := wire(t, func(rw http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		hang(rw, r)
	}, say(200, "yes"))
	for range 2 * breakAfter {
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-arrived; cancel() }()
		if got := codeOf(w.line.do(ctx, order(), judge)); got != codeCancelled {
			t.Errorf("got %s", got)
		}
		if diff := gocmp.Diff([]string{"main 1 order 1"}, w.got()); diff != "" {
			t.Error(diff)
		}
	}
	if len(w.changes) != 0 {
		t.Errorf("hosts changed: %v", w.changes)
	}
}

func TestAProbeThatNeverComesToAnEndMakesRoomForTheNext(t *testing.T) {
	t.Parallel()
	for name, last := range map[string]func(w *wired, t *testing.T){
		"its caller gave up": func(w *wired, t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_ = w.line.do(ctx, order(), judge)
		},
		"it could not be written": func(w *wired, t *testing.T) {
			out := outgoing{write: func(string) (request, error) { return request{}, errors.New("no randomness") }}
			if got := codeOf(w.line.do(t.Context(), out, judge)); got != codeUnwritable {
				t.Errorf("got %s", got)
			}
		},
		"its answer makes us panic": func(w *wired, t *testing.T) {
			defer func() { _ = recover() }() // as the bus does
			_ = w.line.do(t.Context(), order(), func(incoming) error { return judge(incoming{body: []byte("panic")}) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var well atomic.Bool
			w := wire(t, func(rw http.ResponseWriter, r *http.Request) {
				if !well.Load() {
					drop(rw, r)
				}
				say(200, "yes")(rw, r)
			}, nil)
			for range breakAfter {
				_ = w.do(t)
			}
			well.Store(true)
			w.passPause(w.line.hosts[0])
			last(w, t)
			if err := w.do(t); err != nil {
				t.Errorf("the next probe: %v", err)
			}
		})
	}
}

func TestWhatOneMerchantSuffersSlowsDownNobodyElse(t *testing.T) {
	t.Parallel()
	well := func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Written") == "" {
			drop(rw, r)
		}
		say(200, "yes")(rw, r)
	}
	tea := wire(t, well, nil)
	coffee := wire(t, well, nil, func(cfg *lineConfig) { cfg.Endpoint = tea.line.hosts[0].endpoint })
	bad := outgoing{name: "pay", write: func(endpoint string) (request, error) {
		return request{method: http.MethodGet, url: endpoint}, nil
	}}
	for range breakAfter {
		_ = coffee.line.do(t.Context(), bad, judge)
	}
	if got := codeOf(coffee.do(t)); got != codeHostOpen {
		t.Errorf("coffee: got %s", got)
	}
	if err := tea.do(t); err != nil {
		t.Errorf("tea: %v", err)
	}
}

func TestTooOftenSlowsTheLineDown(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		main http.HandlerFunc
		slow bool
	}{
		"by status": {say(429, "busy"), true},
		"by code":   {say(200, "often"), true},
		"busy":      {say(200, "busy"), false},
		"refused":   {say(403, "no"), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := wire(t, test.main, nil, func(cfg *lineConfig) { cfg.Rate = 100 })
			_ = w.do(t)
			if wait := w.line.budget.take(w.clock(), urgent); (wait > 0) != test.slow {
				t.Errorf("the next call waits %s", wait)
			}
		})
	}
}

func TestACallOnAClockThatIsSetBackTookNoTime(t *testing.T) {
	t.Parallel()
	var w *wired
	w = wire(t, func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.now = w.now.Add(-time.Hour)
		w.mu.Unlock()
		say(200, "yes")(rw, r)
	}, nil)
	if err := w.do(t); err != nil || w.calls[0].Took != 0 {
		t.Errorf("got %v after %s", err, w.calls[0].Took)
	}
}

func TestNoSecretLeavesALine(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		main http.HandlerFunc
		code string
	}{
		"cut":     {drop, codeConnection},
		"hanging": {hang, codeTimeout},
		"a redirect that can't be read": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "https://%zz/"+r.URL.RawQuery)
			w.WriteHeader(http.StatusFound)
		}, codeConnection},
		"a header that can't be read": {func(w http.ResponseWriter, r *http.Request) {
			connection, buffer, err := w.(http.Hijacker).Hijack()
			if err != nil {
				panic(err)
			}
			_, _ = fmt.Fprintf(buffer, "HTTP/1.1 %s\r\n\r\n", r.URL.RawQuery)
			_ = buffer.Flush()
			_ = connection.Close()
		}, codeConnection},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := wire(t, test.main, nil, timeoutOf(test.code))
			err := w.do(t)
			if got := codeOf(err); got != test.code {
				t.Errorf("got %s, want %s", got, test.code)
			}
			if told := fmt.Sprintf("%v %+v %#v %s", err, err, err, w.log.String()); strings.Contains(told, secret[:6]) {
				t.Error(told)
			}
		})
	}
}
