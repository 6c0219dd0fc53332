package simulator_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"settled/wechat/simulator"
)

func TestTokenIsRefused(t *testing.T) {
	t.Parallel()
	const path = "/cgi-bin/token?"
	for _, row := range []struct {
		name, method, query string
		want                float64
	}{
		{"by another method", http.MethodPost, "grant_type=client_credential&appid=" + demo.AppID + "&secret=" + demo.AppSecret, 43001},
		{"without a grant type", http.MethodGet, "appid=" + demo.AppID + "&secret=" + demo.AppSecret, 40002},
		{"with a wrong grant type", http.MethodGet, "grant_type=client_credentials&appid=" + demo.AppID + "&secret=" + demo.AppSecret, 40002},
		{"without an app id", http.MethodGet, "grant_type=client_credential&secret=" + demo.AppSecret, 41002},
		{"without a secret", http.MethodGet, "grant_type=client_credential&appid=" + demo.AppID, 41004},
		{"for an app that nobody knows", http.MethodGet, "grant_type=client_credential&appid=wx0&secret=" + demo.AppSecret, 40013},
		{"with a wrong secret", http.MethodGet, "grant_type=client_credential&appid=" + demo.AppID + "&secret=" + demo.PartnerKey, 40001},
		{"with another app's secret", http.MethodGet, "grant_type=client_credential&appid=" + demo.AppID + "&secret=" + other.AppSecret, 40001},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			answer := open(t, nil).call(row.method, path+row.query, nil)
			if answer["errcode"] != row.want {
				t.Errorf("answer is %v, want errcode %v", answer, row.want)
			}
			if _, given := answer["access_token"]; given {
				t.Error("a token was given")
			}
		})
	}
}

func TestStableTokenIsRefused(t *testing.T) {
	t.Parallel()
	full := func(edit func(map[string]any)) map[string]any {
		fields := map[string]any{"grant_type": "client_credential", "appid": demo.AppID, "secret": demo.AppSecret}
		edit(fields)
		return fields
	}
	for _, row := range []struct {
		name string
		body map[string]any
		want float64
	}{
		{"with a wrong grant type", full(func(f map[string]any) { f["grant_type"] = "x" }), 40002},
		{"without a grant type", full(func(f map[string]any) { delete(f, "grant_type") }), 40002},
		{"without an app id", full(func(f map[string]any) { delete(f, "appid") }), 41002},
		{"with an empty secret", full(func(f map[string]any) { f["secret"] = "" }), 41004},
		{"for an app that nobody knows", full(func(f map[string]any) { f["appid"] = "wx0" }), 40013},
		{"with a wrong secret", full(func(f map[string]any) { f["secret"] = "x" }), 40125},
		{"with a flag in words", full(func(f map[string]any) { f["force_refresh"] = "true" }), 40035},
		{"with a field too many", full(func(f map[string]any) { f["force"] = true }), 40035},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if answer := open(t, nil).post("/cgi-bin/stable_token", row.body); answer["errcode"] != row.want {
				t.Errorf("answer is %v, want errcode %v", answer, row.want)
			}
		})
	}
}

func TestTokenQuotaIsByTheDay(t *testing.T) {
	t.Parallel()
	s := open(t, func(c *simulator.Config) { c.Merchants[0].TokenDailyQuota = 2 })
	path := "/cgi-bin/token?grant_type=client_credential&appid=" + s.AppID + "&secret=" + s.AppSecret
	s.get(path + "wrong") // a refusal uses nothing up
	s.token()
	s.token()
	if answer := s.get(path); answer["errcode"] != 45009.0 {
		t.Errorf("the third of two tokens gave %v", answer)
	}
	s.as(other).token()
	s.stable(false)
	s.clock.advance(12 * time.Hour) // midnight in Beijing
	s.token()
}

func TestTokenLives(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		overlap time.Duration
		then    func(s *shop)
		want    float64 // errcode of a call with the first token
	}{
		{"until its time is up", 0, func(s *shop) { s.clock.advance(7199 * time.Second) }, 0},
		{"no longer than its time", 0, func(s *shop) { s.clock.advance(7200 * time.Second) }, 42001},
		{"no longer than the next one is fetched", 0, func(s *shop) { s.token() }, 40001},
		{"through the overlap", time.Minute, func(s *shop) { s.token(); s.clock.advance(59 * time.Second) }, 0},
		{"no longer than the overlap", time.Minute, func(s *shop) { s.token(); s.clock.advance(time.Minute) }, 40001},
		{"not beside two newer ones", time.Hour, func(s *shop) { s.token(); s.token() }, 40001},
		{"whatever another merchant fetches", 0, func(s *shop) { s.as(other).token() }, 0},
		{"whatever stable_token hands out", 0, func(s *shop) { s.stable(true) }, 0},
		{"until all are ended", 0, func(s *shop) { s.wechat.ExpireTokens() }, 42001},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, func(c *simulator.Config) { c.TokenOverlap = row.overlap })
			first := s.token()
			row.then(s)
			if got := s.try(first); got != row.want {
				t.Errorf("errcode is %v, want %v", got, row.want)
			}
		})
	}
}

func TestStableTokenStays(t *testing.T) {
	t.Parallel()
	nothing := func(*shop) {}
	for _, row := range []struct {
		name          string
		first, second bool // forced
		between       func(s *shop)
		same          bool
		former        float64 // errcode of a call with the first token afterwards
	}{
		{"while it is good", false, false, func(s *shop) { s.clock.advance(time.Hour) }, true, 0},
		{"while cgi-bin/token hands out others", false, false, func(s *shop) { s.token() }, true, 0},
		{"until five minutes before its end, and overlaps then", false, false, func(s *shop) { s.clock.advance(115 * time.Minute) }, false, 0},
		{"unless all are ended", false, false, func(s *shop) { s.wechat.ExpireTokens() }, false, 42001},
		{"unless a new one is forced", false, true, nothing, false, 40001},
		{"when the force comes too soon after another", true, true, func(s *shop) { s.clock.advance(29 * time.Second) }, true, 0},
		{"until the force may come again", true, true, func(s *shop) { s.clock.advance(30 * time.Second) }, false, 40001},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, nil)
			first := s.stable(row.first)
			row.between(s)
			second := s.stable(row.second)
			if same := second == first; same != row.same {
				t.Errorf("the token is the same: %v, want %v", same, row.same)
			}
			if got := s.try(first); got != row.former {
				t.Errorf("errcode with the first token is %v, want %v", got, row.former)
			}
			if got := s.try(second); got != 0 {
				t.Errorf("errcode with the second token is %v", got)
			}
		})
	}
}

func TestStableTokenSaysHowLongItHas(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.stable(false)
	s.clock.advance(time.Hour)
	answer := s.post("/cgi-bin/stable_token", map[string]any{
		"grant_type": "client_credential", "appid": s.AppID, "secret": s.AppSecret, "force_refresh": false,
	})
	if answer["expires_in"] != 3600.0 {
		t.Errorf("expires_in is %v, want 3600", answer["expires_in"])
	}
}

func TestForcedTokenHasAQuota(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	for range 20 {
		s.stable(true)
	}
	answer := s.post("/cgi-bin/stable_token", map[string]any{
		"grant_type": "client_credential", "appid": s.AppID, "secret": s.AppSecret, "force_refresh": true,
	})
	if answer["errcode"] != 45009.0 {
		t.Errorf("the 21st forced token gave %v", answer)
	}
	s.stable(false)
}

func TestCallIsRefusedForItsToken(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, token string
		want        float64
	}{
		{"none", "", 41001},
		{"none that could be one", "short", 40014},
		{"none that was given to anybody", fmt.Sprintf("%0136d", 7), 40001},
	} {
		for _, path := range []string{"/pay/genprepay", "/pay/orderquery", "/pay/delivernotify"} {
			t.Run(row.name+path, func(t *testing.T) {
				t.Parallel()
				answer := open(t, nil).post(path+"?access_token="+row.token, map[string]any{})
				if answer["errcode"] != row.want {
					t.Errorf("answer is %v, want errcode %v", answer, row.want)
				}
			})
		}
	}
}

// stable fetches a token from stable_token.
func (s *shop) stable(force bool) string {
	s.t.Helper()
	answer := s.post("/cgi-bin/stable_token", map[string]any{
		"grant_type": "client_credential", "appid": s.AppID, "secret": s.AppSecret, "force_refresh": force,
	})
	token, _ := answer["access_token"].(string)
	if token == "" {
		s.t.Fatalf("no stable token: %v", answer)
	}
	return token
}

// try makes a call with a token and returns its errcode.
func (s *shop) try(token string) float64 {
	s.t.Helper()
	code, _ := s.post("/pay/orderquery?access_token="+token, s.sign(s.queryBody("A1")))["errcode"].(float64)
	return code
}
