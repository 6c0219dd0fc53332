package wechat_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled"
	"settled/wechat"
)

const prepaid = `{"prepayid":"1101","errcode":0,"errmsg":"Success"}`

func TestARefusedTokenIsGivenBackAndTheSameBodySentOnceMore(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"40001", "40014", "42001"} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			b := open(t, answers(`{"errcode":`+code+`,"errmsg":"invalid credential"}`, prepaid))
			got, err := b.gateway.Prepay(t.Context(), payment())
			if err != nil || got.PrepayID != "1101" {
				t.Errorf("got %+v, %v", got, err)
			}
			body := string(payment().PrepayRequest)
			want := []received{
				{"POST", "/pay/genprepay", "access_token=token-1", body},
				{"POST", "/pay/genprepay", "access_token=token-2", body},
			}
			if diff := cmp.Diff(want, b.got()); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{"token-1"}, b.tokens.refused); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{"genprepay unknown " + code, "genprepay done 0"}, b.observed); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestATokenThatIsRefusedTwiceEndsTheCall(t *testing.T) {
	t.Parallel()
	b := open(t, answer(`{"errcode":40001,"errmsg":"invalid credential"}`))
	_, err := b.gateway.Query(t.Context(), payment())
	wantFailure(t, err, &settled.Unknown{Code: "40001"})
	if got := len(b.got()); got != 2 {
		t.Errorf("%d calls, want 2", got)
	}
}

func TestNoOtherAnswerGivesATokenBack(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"-1", "41001", "45009", "48001", "40013"} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			b := open(t, answer(`{"errcode":`+code+`,"errmsg":""}`))
			_, err := b.gateway.Prepay(t.Context(), payment())
			if err == nil || len(b.tokens.refused) != 0 || len(b.got()) != 1 {
				t.Errorf("got %v, refused %v, %d calls", err, b.tokens.refused, len(b.got()))
			}
		})
	}
}

func TestWithoutATokenNobodyIsAsked(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		tokens error
		want   *settled.Unknown
	}{
		"nobody keeps it": {errors.New("redis is away"), &settled.Unknown{Code: "token"}},
		"WeChat gives none": {
			fmt.Errorf("fetch: %w", &settled.Unknown{Code: "40125", After: 5 * time.Minute, Err: errors.New("invalid appsecret")}),
			&settled.Unknown{Code: "40125", After: 5 * time.Minute},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := open(t, answer(prepaid))
			b.tokens.err = test.tokens
			_, err := b.gateway.Prepay(t.Context(), payment())
			wantFailure(t, err, test.want)
			if len(b.got()) != 0 {
				t.Error("it made a call")
			}
		})
	}
}

func TestATokenThatCanNotBeGivenBackEndsTheCall(t *testing.T) {
	t.Parallel()
	b := open(t, answer(`{"errcode":42001,"errmsg":"access_token expired"}`))
	b.tokens.stuck = errors.New("redis is away")
	_, err := b.gateway.Prepay(t.Context(), payment())
	wantFailure(t, err, &settled.Unknown{Code: "token"})
	if got := len(b.got()); got != 1 {
		t.Errorf("%d calls, want 1", got)
	}
}

func TestFetchToken(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		stable bool
		want   received
	}{
		"token": {false, received{
			"GET", "/cgi-bin/token", "appid=" + appID + "&grant_type=client_credential&secret=" + appSecret, "",
		}},
		"stable_token": {true, received{
			"POST", "/cgi-bin/stable_token", "",
			`{"grant_type":"client_credential","appid":"` + appID + `","secret":"` + appSecret + `","force_refresh":false}`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := open(t, answer(`{"access_token":"T","expires_in":7200}`), func(cfg *wechat.LegacyConfig) { cfg.StableToken = test.stable })
			token, life, err := b.fetcher.FetchToken(t.Context())
			if token != "T" || life != 2*time.Hour || err != nil {
				t.Errorf("got %q, %s, %v", token, life, err)
			}
			if diff := cmp.Diff([]received{test.want}, b.got()); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{name + " done 0"}, b.observed); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFetchTokenNeverRefusesAPayment(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer string
		want   *settled.Unknown
	}{
		"a wrong secret":           {`{"errcode":40001,"errmsg":"invalid credential"}`, &settled.Unknown{Code: "40001", After: 5 * time.Minute}},
		"a wrong app":              {`{"errcode":40013,"errmsg":"invalid appid"}`, &settled.Unknown{Code: "40013", After: 5 * time.Minute}},
		"an address not allowed":   {`{"errcode":40164,"errmsg":"invalid ip"}`, &settled.Unknown{Code: "40164", After: 5 * time.Minute}},
		"the day's quota":          {`{"errcode":45009,"errmsg":"quota"}`, &settled.Unknown{Code: "45009", After: 10 * time.Minute}},
		"busy":                     {`{"errcode":-1,"errmsg":"system error"}`, &settled.Unknown{Code: "-1"}},
		"a token without its life": {`{"access_token":"T"}`, &settled.Unknown{Code: "unreadable"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := open(t, answer(test.answer))
			token, _, err := b.fetcher.FetchToken(t.Context())
			wantFailure(t, err, test.want)
			if token != "" {
				t.Errorf("got %q", token)
			}
		})
	}
}
