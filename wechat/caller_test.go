package wechat_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"settled"
	"settled/wechat"
)

func TestALostAnswerIsAnUnknownOutcome(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		handle http.HandlerFunc
		want   *settled.Unknown
	}{
		"cut before the answer": {cut, &settled.Unknown{Code: "connection"}},
		"cut within the answer": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, prepaid)
		}, &settled.Unknown{Code: "connection"}},
		"no answer in time": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, &settled.Unknown{Code: "timeout"}},
		"an answer that never ends in time": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, `{"prepayid":`)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, &settled.Unknown{Code: "timeout"}},
		"more than anyone would say": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, prepaid+strings.Repeat(" ", 1<<20))
		}, &settled.Unknown{Code: "unreadable"}},
		"too many requests": {answerStatus(429), &settled.Unknown{Code: "status_429", After: time.Minute}},
		"a broken server":   {answerStatus(500), &settled.Unknown{Code: "status_500"}},
		"a broken proxy":    {answerStatus(502), &settled.Unknown{Code: "status_502"}},
		"a wrong path":      {answerStatus(404), &settled.Unknown{Code: "status_404"}},
		"a page":            {answerStatus(200), &settled.Unknown{Code: "unreadable"}},
		"an errcode under 502 is no answer of WeChat's": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(502)
			_, _ = io.WriteString(w, `{"errcode":201,"errmsg":"duplicate"}`)
		}, &settled.Unknown{Code: "status_502"}},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, &settled.Unknown{Code: "status_307"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := open(t, test.handle, func(cfg *wechat.LegacyConfig) { cfg.Timeout = timeoutFor(test.want) })
			_, err := b.gateway.Prepay(t.Context(), payment())
			wantFailure(t, err, test.want)
			if got := len(b.got()); got != 1 {
				t.Errorf("%d requests, want 1", got)
			}
			if want := "genprepay unknown " + test.want.Code; len(b.observed) != 1 || b.observed[0] != want {
				t.Errorf("observed %v, want %s", b.observed, want)
			}
		})
	}
}

// timeoutFor is short only where a test waits for it.
func timeoutFor(want *settled.Unknown) time.Duration {
	if want.Code == "timeout" {
		return 500 * time.Millisecond // enough to send the request on a busy machine
	}
	return time.Minute
}

func TestErrcodeDecidesUnderAStatusOfItsOwn(t *testing.T) {
	t.Parallel()
	b := open(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(400)
		_, _ = io.WriteString(w, `{"errcode":201,"errmsg":"duplicate"}`)
	})
	_, err := b.gateway.Prepay(t.Context(), payment())
	wantFailure(t, err, &settled.Refusal{Code: "201", Message: "duplicate"})
}

func TestACallEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	b := open(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}, func(cfg *wechat.LegacyConfig) { cfg.Timeout = time.Minute })
	_, err := b.gateway.Prepay(ctx, payment())
	wantFailure(t, err, &settled.Unknown{Code: "cancelled"})
}

func TestAClientOfTheCallersOwnFollowsNoRedirectEither(t *testing.T) {
	t.Parallel()
	client := &http.Client{Transport: &http.Transport{}}
	b := open(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}, func(cfg *wechat.LegacyConfig) { cfg.HTTP = client })
	_, err := b.gateway.Prepay(t.Context(), payment())
	wantFailure(t, err, &settled.Unknown{Code: "status_307"})
	if len(b.got()) != 1 || client.CheckRedirect != nil {
		t.Errorf("%d requests; or the client was changed", len(b.got()))
	}
}

func TestNoSecretLeavesInAnErrorOrALog(t *testing.T) {
	t.Parallel()
	// echo says everything it was told, as a proxy that wants to be helpful does.
	echo := func(answer func(w http.ResponseWriter, said string)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			said := strings.Join([]string{r.URL.RawQuery, appSecret, partnerKey, paySignKey, paySignKey}, " ")
			answer(w, said)
		}
	}
	say := func(code int) http.HandlerFunc {
		return echo(func(w http.ResponseWriter, said string) {
			_, _ = fmt.Fprintf(w, `{"errcode":%d,"errmsg":%q}`, code, said)
		})
	}
	for name, handle := range map[string]http.HandlerFunc{
		"a cut connection":  cut,
		"a timeout":         func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"a refusal":         say(201),
		"a refused token":   say(40001),
		"wrong credentials": say(40013),
		"a redirect that can't be read": echo(func(w http.ResponseWriter, said string) {
			w.Header().Set("Location", "https://%zz/"+said)
			w.WriteHeader(http.StatusFound)
		}),
		"a page": echo(func(w http.ResponseWriter, said string) { _, _ = io.WriteString(w, "<html>"+said) }),
		"a status": echo(func(w http.ResponseWriter, said string) {
			w.WriteHeader(502)
			_, _ = io.WriteString(w, said)
		}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := open(t, handle, func(cfg *wechat.LegacyConfig) { cfg.Timeout = 200 * time.Millisecond })
			_, prepay := b.gateway.Prepay(t.Context(), payment())
			_, query := b.gateway.Query(t.Context(), payment())
			_, _, fetch := b.fetcher.FetchToken(t.Context())
			b.wechat.Close()
			_, _, closed := b.fetcher.FetchToken(t.Context())
			told := fmt.Sprintf("%v %+v %#v\n%v %+v\n%v %+v\n%v %+v\n%s", prepay, prepay, prepay, query, query, fetch, fetch, closed, closed, b.log.String())
			for _, secret := range []string{"token-", appSecret, paySignKey, partnerKey} {
				if strings.Contains(told, secret[:6]) {
					t.Errorf("%.8s… leaves in: %s", secret, told)
				}
			}
			if prepay == nil || fetch == nil || closed == nil {
				t.Errorf("got %v, %v, %v", prepay, fetch, closed)
			}
		})
	}
}
