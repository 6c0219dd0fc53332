package simulator_test

import (
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled/wechat/simulator"
)

// arrival is a notify that came to the shop.
type arrival struct {
	Order string
	After time.Duration
}

// bubble runs a test with the shop's arrivals in a bubble of its own time.
func bubble(t *testing.T, faults simulator.NotifySwitches, test func(s *shop, arrivals func() []arrival)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var arrived []arrival
		begun := time.Now()
		s := open(t, func(c *simulator.Config) {
			c.Now = time.Now
			c.HTTP.Transport = ingress(func(r *http.Request) (int, string, error) {
				mu.Lock()
				defer mu.Unlock()
				arrived = append(arrived, arrival{r.URL.Query().Get("out_trade_no"), time.Since(begun)})
				return http.StatusOK, "success", nil
			})
		})
		s.switches(simulator.Switches{Notify: faults})
		test(s, func() []arrival {
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			return arrived
		})
	})
}

func TestNotifySwitches(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		faults simulator.NotifySwitches
		want   []arrival
	}{
		{"none", simulator.NotifySwitches{}, []arrival{{"A1", 0}}},
		{"silent", simulator.NotifySwitches{Silent: 1}, nil},
		{"late", simulator.NotifySwitches{Late: 1}, []arrival{{"A1", 30 * time.Second}}},
		{
			"late by a minute", simulator.NotifySwitches{Late: 1, LateBy: simulator.Duration(time.Minute)},
			[]arrival{{"A1", time.Minute}},
		},
		{"double", simulator.NotifySwitches{Double: 1}, []arrival{{"A1", 0}, {"A1", 0}}},
		{"three at once", simulator.NotifySwitches{Double: 1, Copies: 3}, []arrival{{"A1", 0}, {"A1", 0}, {"A1", 0}}},
		{
			"late and double", simulator.NotifySwitches{Late: 1, Double: 1},
			[]arrival{{"A1", 30 * time.Second}, {"A1", 30 * time.Second}},
		},
		{"out of order with nothing behind it", simulator.NotifySwitches{OutOfOrder: 1}, []arrival{{"A1", 5 * time.Second}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, row.faults, func(s *shop, arrivals func() []arrival) {
				s.pay(s.order("A1"))
				elapse(time.Hour)
				if diff := cmp.Diff(row.want, arrivals()); diff != "" {
					t.Errorf("other arrivals (-want +got):\n%s", diff)
				}
				o, stats := s.look("A1"), s.wechat.Stats()
				if o.NotifiesSent != len(row.want) || o.Acknowledged != (len(row.want) > 0) {
					t.Errorf("order is %+v", o)
				}
				if silenced := stats.NotifiesSilenced == 1; silenced != (row.faults.Silent == 1) || stats.NotifiesAbandoned != 0 {
					t.Errorf("stats are %+v", stats)
				}
			})
		})
	}
}

func TestOutOfOrderIsOvertaken(t *testing.T) {
	t.Parallel()
	bubble(t, simulator.NotifySwitches{}, func(s *shop, arrivals func() []arrival) {
		if err := s.wechat.SwitchOrder("A1", simulator.Switches{Notify: simulator.NotifySwitches{OutOfOrder: 1}}); err != nil {
			t.Fatal(err)
		}
		s.pay(s.order("A1"))
		if got := arrivals(); got != nil {
			t.Errorf("arrived before another: %v", got)
		}
		s.pay(s.order("A2"))
		if diff := cmp.Diff([]arrival{{"A2", 0}, {"A1", 0}}, arrivals()); diff != "" {
			t.Errorf("other arrivals (-want +got):\n%s", diff)
		}
	})
}

func TestNotifyLies(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		faults simulator.NotifySwitches
		wrong  string
		check  func(t *testing.T, s *shop, n heard)
	}{
		{"about the amount", simulator.NotifySwitches{WrongAmount: 1}, "amount", func(t *testing.T, s *shop, n heard) {
			if values := s.verified(t, n); values["total_fee"] != "2000" {
				t.Errorf("total_fee is %s", values["total_fee"])
			}
		}},
		{"about the partner", simulator.NotifySwitches{ForeignPartner: 1}, "partner", func(t *testing.T, s *shop, n heard) {
			if values := s.verified(t, n); values["partner"] == s.PartnerID || len(values["partner"]) != 10 {
				t.Errorf("partner is %s", values["partner"])
			}
		}},
		{"about who sends it", simulator.NotifySwitches{WrongSignature: 1}, "signature", func(t *testing.T, s *shop, n heard) {
			if query, body := s.verifies(t, n); query == body {
				t.Errorf("query verifies: %v, body verifies: %v; want one of them", query, body)
			}
		}},
		{"not at all", simulator.NotifySwitches{}, "", func(t *testing.T, s *shop, n heard) { s.verified(t, n) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			notifies := make(chan heard, 1)
			s := open(t, func(c *simulator.Config) {
				c.HTTP.Transport = ingress(func(r *http.Request) (int, string, error) {
					body, err := io.ReadAll(r.Body)
					notifies <- heard{query: r.URL.RawQuery, body: string(body)}
					return http.StatusOK, "success", err
				})
			})
			s.switches(simulator.Switches{Notify: row.faults})
			s.pay(s.order("A1"))
			row.check(t, s, <-notifies)
			if a := s.attempt(); a.Wrong != row.wrong {
				t.Errorf("attempt says %q is wrong, want %q", a.Wrong, row.wrong)
			}
		})
	}
}

func TestWrongSignatureIsOfEitherHalf(t *testing.T) {
	t.Parallel()
	notifies := make(chan heard, 100)
	s := open(t, func(c *simulator.Config) {
		c.HTTP.Transport = ingress(func(r *http.Request) (int, string, error) {
			body, err := io.ReadAll(r.Body)
			notifies <- heard{query: r.URL.RawQuery, body: string(body)}
			return http.StatusOK, "success", err
		})
	})
	s.switches(simulator.Switches{Notify: simulator.NotifySwitches{WrongSignature: 1, Double: 1, Copies: 50}})
	s.pay(s.order("A1"))
	queries := 0
	for range 50 {
		if query, _ := s.verifies(t, <-notifies); query {
			queries++
		}
	}
	if queries == 0 || queries == 50 {
		t.Errorf("the query's signature was right %d times of 50", queries)
	}
}

// verifies checks both signatures of a notify.
func (s *shop) verifies(t *testing.T, n heard) (query, body bool) {
	t.Helper()
	values := map[string]string{}
	for pair := range strings.SplitSeq(n.query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		values[key] = value // nothing in these notifies needs an escape
	}
	sign := values["sign"]
	delete(values, "sign")
	b := readBody(t, n.body)
	signed := map[string]string{
		"appid": b.AppID, "appkey": s.PaySignKey, "issubscribe": b.IsSubscribe, "noncestr": b.NonceStr,
		"openid": b.OpenID, "timestamp": b.TimeStamp,
	}
	return s.md5(values) == sign, s.sha1(signed) == b.AppSignature
}

// verified returns the values of a notify that must verify.
func (s *shop) verified(t *testing.T, n heard) map[string]string {
	t.Helper()
	if query, body := s.verifies(t, n); !query || !body {
		t.Errorf("query verifies: %v, body verifies: %v", query, body)
	}
	values := map[string]string{}
	for pair := range strings.SplitSeq(n.query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		values[key] = value
	}
	return values
}

func TestGatewaySwitches(t *testing.T) {
	t.Parallel()
	const lost = -1
	for _, row := range []struct {
		name   string
		faults simulator.GatewaySwitches
		status int    // lost for no answer
		body   string // a part of it
		done   bool
	}{
		{"none", simulator.GatewaySwitches{}, 200, `"errcode":0`, true},
		{"down", simulator.GatewaySwitches{Down: 1}, 503, "503", false},
		{"rate limited", simulator.GatewaySwitches{RateLimited: 1}, 200, `"errcode":45011`, false},
		{"cut connection", simulator.GatewaySwitches{CutConnection: 1}, lost, "", false},
		{"answer lost", simulator.GatewaySwitches{AnswerLost: 1}, lost, "", true},
		{"token refused", simulator.GatewaySwitches{TokenRefused: 1}, 200, `"errcode":40001`, false},
		{"slow", simulator.GatewaySwitches{Slow: 1, SlowBy: simulator.Duration(time.Millisecond)}, 200, `"errcode":0`, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, nil)
			token := s.token()
			s.switches(simulator.Switches{Gateway: row.faults})
			status, body := s.overTheWire("/pay/genprepay?access_token="+token, s.prepayWith(nil, nil))
			if status != row.status || !strings.Contains(body, row.body) {
				t.Errorf("answer is %d %q, want %d %q", status, body, row.status, row.body)
			}
			s.switches(simulator.Switches{})
			if _, err := s.wechat.Order("", "A1"); (err == nil) != row.done {
				t.Errorf("order was placed: %v, want %v", err == nil, row.done)
			}
			if refused := s.wechat.Stats().Refused; (refused == 1) != (row.faults.TokenRefused == 1) {
				t.Errorf("refused %d calls", refused)
			}
		})
	}
}

func TestErrorsAreOfBothKinds(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	token := s.token()
	s.switches(simulator.Switches{Gateway: simulator.GatewaySwitches{ErrorRate: 1}})
	seen := map[int]int{}
	for range 50 {
		response := s.do(http.MethodPost, "/pay/genprepay?access_token="+token, nil)
		if response.Code == http.StatusOK && !strings.Contains(response.Body.String(), `"errcode":-1`) {
			t.Errorf("answer is %s", response.Body)
		}
		seen[response.Code]++
	}
	if seen[200] == 0 || seen[500] == 0 || seen[200]+seen[500] != 50 {
		t.Errorf("answers were %v", seen)
	}
}

func TestSlowTakesItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, func(c *simulator.Config) { c.Compress = 10 })
		s.switches(simulator.Switches{Gateway: simulator.GatewaySwitches{Slow: 1, SlowBy: simulator.Duration(time.Minute)}})
		begun := time.Now()
		s.token()
		if took := time.Since(begun); took != 6*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestSwitchesOfOneOrderHoldForItAlone(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	token := s.token()
	if err := s.wechat.SwitchOrder("A1", simulator.Switches{Gateway: simulator.GatewaySwitches{Down: 1}}); err != nil {
		t.Fatal(err)
	}
	place := func(number string) int {
		values := s.order(number)
		body := s.sign(s.prepayBody(s.pack(values)))
		status, _ := s.overTheWire("/pay/genprepay?access_token="+token, body)
		return status
	}
	if got := []int{place("A1"), place("A2")}; !cmp.Equal(got, []int{503, 200}) {
		t.Errorf("answers were %v", got)
	}
	if status, _ := s.overTheWire("/pay/orderquery?access_token="+token, s.sign(s.queryBody("A1"))); status != 503 {
		t.Errorf("the query was answered with %d", status)
	}
	s.wechat.UnswitchOrder("A1")
	if got := place("A1"); got != 200 {
		t.Errorf("answer is %d", got)
	}
}

func TestSwitchesAreChecked(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name     string
		switches simulator.Switches
	}{
		{"more than certain", simulator.Switches{Notify: simulator.NotifySwitches{Silent: 1.1}}},
		{"less than never", simulator.Switches{Gateway: simulator.GatewaySwitches{Down: -0.1}}},
		{"not a number", simulator.Switches{Gateway: simulator.GatewaySwitches{Slow: math.NaN()}}},
		{"before the payment", simulator.Switches{Notify: simulator.NotifySwitches{LateBy: -1}}},
		{"before the call", simulator.Switches{Gateway: simulator.GatewaySwitches{SlowBy: -1}}},
		{"no copy", simulator.Switches{Notify: simulator.NotifySwitches{Copies: -1}}},
		{"a flood", simulator.Switches{Notify: simulator.NotifySwitches{Copies: 101}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, nil)
			before := s.wechat.Switches()
			if err := s.wechat.Switch(row.switches); err == nil {
				t.Error("taken for everyone")
			}
			if err := s.wechat.SwitchOrder("A1", row.switches); err == nil {
				t.Error("taken for an order")
			}
			if s.wechat.Switches() != before {
				t.Error("changed all the same")
			}
		})
	}
}

func TestSameRandomSameRun(t *testing.T) {
	t.Parallel()
	run := func(seed byte) (tokens []string) {
		s := open(t, func(c *simulator.Config) { c.Random = rand.NewChaCha8([32]byte{seed}) })
		s.switches(simulator.Switches{Gateway: simulator.GatewaySwitches{Down: 0.5}})
		for range 20 {
			response := s.do(http.MethodGet, "/cgi-bin/token?grant_type=client_credential&appid="+s.AppID+"&secret="+s.AppSecret, nil)
			tokens = append(tokens, response.Body.String())
		}
		return tokens
	}
	if diff := cmp.Diff(run(1), run(1)); diff != "" {
		t.Errorf("one seed gave two runs (-first +second):\n%s", diff)
	}
	if cmp.Equal(run(1), run(2)) {
		t.Error("two seeds gave one run")
	}
}

// overTheWire makes a call over a socket, where a connection can be cut; the status is -1
// if there was no answer.
func (s *shop) overTheWire(path string, body map[string]any) (status int, answer string) {
	s.t.Helper()
	server := httptest.NewServer(s.wechat)
	defer server.Close()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, server.URL+path, strings.NewReader(spelled(s.t, body)))
	if err != nil {
		s.t.Fatal(err)
	}
	response, err := server.Client().Do(request)
	if err != nil {
		return -1, ""
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, string(text)
}
