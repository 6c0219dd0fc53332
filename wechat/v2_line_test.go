package wechat_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled"
	"settled/wechat"
)

func TestV2ALostAnswerIsAnUnknownOutcome(t *testing.T) {
	t.Parallel()
	prepaid := v2Yes(v2Prepaid("APP"))
	under := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, v2No("NOAUTH", "no"))
		}
	}
	for name, test := range map[string]struct {
		handle http.HandlerFunc
		want   *settled.Unknown
	}{
		"cut before the answer": {cut, &settled.Unknown{Code: "connection"}},
		"cut within the answer": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9999")
			_, _ = io.WriteString(w, prepaid)
		}, &settled.Unknown{Code: "connection"}},
		"half an answer":               {answer(prepaid[:len(prepaid)/2]), &settled.Unknown{Code: "unreadable"}},
		"no answer in time":            {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, &settled.Unknown{Code: "timeout"}},
		"a page":                       {answerStatus(200), &settled.Unknown{Code: "unreadable"}},
		"a page without permission":    {answerStatus(403), &settled.Unknown{Code: "status_403"}},
		"a broken server":              {answerStatus(500), &settled.Unknown{Code: "status_500"}},
		"a broken proxy":               {answerStatus(502), &settled.Unknown{Code: "status_502"}},
		"too many requests":            {answerStatus(429), &settled.Unknown{Code: "status_429", After: time.Minute}},
		"a refusal under 502":          {under(502), &settled.Unknown{Code: "status_502"}},
		"a refusal under 400":          {under(400), &settled.Unknown{Code: "status_400"}},
		"another merchant's refusal":   {answer(v2Yes(map[string]string{"result_code": "FAIL", "err_code": "NOAUTH", "mch_id": "1"})), &settled.Unknown{Code: "unreadable"}},
		"a refusal that anybody signs": {answer(v2Message("another key", map[string]string{"result_code": "FAIL", "err_code": "NOAUTH"})), &settled.Unknown{Code: "unverified"}},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, &settled.Unknown{Code: "status_307"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := openV2(t, test.handle, func(_ *v2Bundle, cfg *wechat.V2Config) { cfg.Timeout = timeoutFor(test.want) })
			_, err := b.gateway.Prepay(t.Context(), v2Payment(settled.APP))
			wantFailure(t, err, test.want)
			if got := len(b.got()); got != 1 {
				t.Errorf("%d requests, want 1", got)
			}
			if diff := cmp.Diff([]string{"unifiedorder main unknown " + test.want.Code}, b.observed); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestV2ACallEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	b := openV2(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}, withBackup(t, answer(v2Yes(v2Prepaid("APP")))), func(_ *v2Bundle, cfg *wechat.V2Config) { cfg.Timeout = time.Minute })
	_, err := b.gateway.Prepay(ctx, v2Payment(settled.APP))
	wantFailure(t, err, &settled.Unknown{Code: "cancelled"})
	if got := len(b.got()); got != 1 {
		t.Errorf("%d requests, want 1", got)
	}
}

func TestV2TheSecondHostGetsTheSameBodyIfTheFirstFails(t *testing.T) {
	t.Parallel()
	for name, handle := range map[string]http.HandlerFunc{
		"cut":             cut,
		"a broken server": answerStatus(500),
		"a page":          answerStatus(200),
		"a forged answer": answer(v2Message("another key", v2Prepaid("APP"))),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := openV2(t, handle, withBackup(t, answer(v2Yes(v2Prepaid("APP")))))
			prepared, err := b.gateway.Prepay(t.Context(), v2Payment(settled.APP))
			if err != nil || prepared.PrepayID != v2PrepayID {
				t.Errorf("got %+v, %v", prepared, err)
			}
			first := v2Request{
				Host: "main", Method: "POST", Path: "/pay/unifiedorder", Media: "text/xml; charset=utf-8",
				Body: string(v2Payment(settled.APP).PrepayRequest),
			}
			second := first
			second.Host = "backup"
			if diff := cmp.Diff([]v2Request{first, second}, b.got()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestV2TheSecondHostIsNotAskedForASecondOpinion(t *testing.T) {
	t.Parallel()
	for _, said := range []string{v2No("NOAUTH", "no"), v2No("ORDERPAID", "paid"), v2No("SYSTEMERROR", "busy"), v2Fail("签名错误")} {
		b := openV2(t, answer(said), withBackup(t, answer(v2Yes(v2Prepaid("APP")))))
		if _, err := b.gateway.Prepay(t.Context(), v2Payment(settled.APP)); err == nil || len(b.got()) != 1 {
			t.Errorf("got %v after %d requests", err, len(b.got()))
		}
	}
}

func TestV2AHostThatFailsIsLeftAlone(t *testing.T) {
	t.Parallel()
	b := openV2(t, cut, withBackup(t, answer(v2Yes(v2Paid))))
	const calls = 8
	for range calls {
		if _, err := b.gateway.Query(t.Context(), v2Payment(settled.APP)); err != nil {
			t.Fatal(err)
		}
	}
	hosts := map[string]int{}
	for _, r := range b.got() {
		hosts[r.Host]++
	}
	if hosts["backup"] != calls || hosts["main"] >= calls {
		t.Errorf("got %v", hosts)
	}
	if diff := cmp.Diff([]string{"main true"}, b.changed); diff != "" {
		t.Error(diff)
	}
}

func TestV2TooOftenSlowsEverybodyDown(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		handle http.HandlerFunc
		calls  int // that are made when the second may not wait
	}{
		"by its code":         {answer(v2No("FREQUENCY_LIMITED", "slower")), 1},
		"by another code":     {answer(v2No("RATELIMIT_EXCEEDED", "slower")), 1},
		"by its words":        {answer(v2Fail("请求频率过高，请稍后再试")), 1},
		"by the status":       {answerStatus(429), 1},
		"not by a busy one":   {answer(v2No("SYSTEMERROR", "busy")), 2},
		"not by a refusal":    {answer(v2No("NOAUTH", "no")), 2},
		"not by wrong keys":   {answer(v2Fail("签名错误")), 2},
		"not by a good while": {answer(v2Yes(v2Paid)), 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := openV2(t, test.handle)
			_, _ = b.gateway.Query(t.Context(), v2Payment(settled.APP))
			hasty, cancel := context.WithCancel(t.Context())
			cancel()
			_, err := b.gateway.Query(hasty, v2Payment(settled.APP))
			wantFailure(t, err, &settled.Unknown{Code: "cancelled"})
			if len(b.observed) != test.calls {
				t.Errorf("%d calls, want %d: %v", len(b.observed), test.calls, b.observed)
			}
		})
	}
}

func TestV2EveryAnswerIsNamedForWeChatsSupport(t *testing.T) {
	t.Parallel()
	named := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Request-ID", "08F78BA98206")
			_, _ = io.WriteString(w, body)
		}
	}
	const want = "08F78BA98206"
	p, r := v2Payment(settled.APP), v2Refund()
	prepared, _ := openV2(t, named(v2Yes(v2Prepaid("APP")))).gateway.Prepay(t.Context(), p)
	trade, _ := openV2(t, named(v2Yes(v2Paid))).gateway.Query(t.Context(), p)
	absent, _ := openV2(t, named(v2No("ORDERNOTEXIST", "no"))).gateway.Query(t.Context(), p)
	repayment, _ := openV2(t, named(v2Yes(v2Accepted))).gateway.Refund(t.Context(), r)
	for what, got := range map[string]string{
		"prepared": prepared.RequestID, "trade": trade.RequestID, "absent": absent.RequestID, "repayment": repayment.RequestID,
	} {
		if got != want {
			t.Errorf("%s is named %q", what, got)
		}
	}
	_, refused := openV2(t, named(v2No("NOAUTH", "no"))).gateway.Prepay(t.Context(), p)
	wantFailure(t, refused, &settled.Refusal{Code: "NOAUTH", Message: "no", RequestID: want})
	for _, body := range []string{"<html>", v2Fail("签名错误"), v2No("SYSTEMERROR", ""), v2Yes(v2With(v2Paid, "out_trade_no", "A2"))} {
		_, err := openV2(t, named(body)).gateway.Query(t.Context(), p)
		if unknown, ok := err.(*settled.Unknown); !ok || unknown.RequestID != want { //nolint:errorlint // it is not wrapped
			t.Errorf("got %#v", err)
		}
	}
}

func TestV2SaysAloudThatTheCredentialsAreRefused(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		v2No("SIGNERROR", "sign "+v2Key): `code=SIGNERROR message="sign ***"`,
		v2Fail("签名错误"):                   "code=return_code message=签名错误",
	} {
		b := openV2(t, answer(said))
		_, _ = b.gateway.Query(t.Context(), v2Payment(settled.APP))
		want := `level=ERROR msg="wechat refuses the credentials" merchant=shop2 call=orderquery ` + want
		if !strings.Contains(b.log.String(), want) {
			t.Errorf("logged %s, want %s", b.log.String(), want)
		}
	}
}

func TestV2NoSecretLeavesInAnErrorOrALog(t *testing.T) {
	t.Parallel()
	prefixed := "words before it and then " + v2Key + " " + v2Key
	for name, handle := range map[string]http.HandlerFunc{
		"a cut connection":    cut,
		"a refusal":           answer(v2No("NOAUTH", prefixed)),
		"a code":              answer(v2No(v2Key, "no")),
		"a contested number":  answer(v2No("ORDERPAID", strings.Repeat("x", 240)+v2Key)),
		"wrong credentials":   answer(v2No("SIGNERROR", prefixed)),
		"a request not read":  answer(v2Fail(prefixed)),
		"an unknown element":  answer("<" + v2Key + "/>"),
		"a page":              answer("<html>" + prefixed),
		"an answer in a page": answer("<xml><" + v2Key + " a='b'></xml>"),
		"a status": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			_, _ = io.WriteString(w, prefixed)
		},
		"a redirect that can't be read": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://%zz/"+v2Key)
			w.WriteHeader(http.StatusFound)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := openV2(t, handle)
			p := v2Payment(settled.APP)
			_, prepay := b.gateway.Prepay(t.Context(), p)
			_, query := b.gateway.Query(t.Context(), p)
			_, refund := b.gateway.Refund(t.Context(), v2Refund())
			closed := b.gateway.Close(t.Context(), p)
			told := fmt.Sprintf("%v %+v %#v\n%v %+v\n%v\n%v\n%s\n%v", prepay, prepay, prepay, query, query, refund, closed, b.log.String(), b.observed)
			if strings.Contains(told, v2Key[:6]) {
				t.Errorf("the key leaves in: %s", told)
			}
			if prepay == nil || query == nil || refund == nil || closed == nil {
				t.Errorf("got %v, %v, %v, %v", prepay, query, refund, closed)
			}
		})
	}
}
