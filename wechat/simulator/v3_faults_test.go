package simulator_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"settled/wechat/simulator"
)

// tried is what an answer looks like to a shop that does not trust it.
func (s v3shop) tried(request *http.Request) (a answered, mistrust string) {
	s.t.Helper()
	recorder := httptest.NewRecorder()
	s.wechat.ServeHTTP(recorder, request)
	a = answered{status: recorder.Code, header: recorder.Header(), text: recorder.Body.String()}
	if a.header.Get("Wechatpay-Signature") == "" {
		return a, "not signed"
	}
	return a, s.mistrusts(a.header, a.text)
}

func TestV3AnswerIsNotToBeTrusted(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name     string
		faults   simulator.GatewaySwitches
		mistrust string
		header   string // what the signature begins with
	}{
		{"wrong signature", simulator.GatewaySwitches{WrongSignature: 1}, "the signature does not verify", ""},
		{"no signature", simulator.GatewaySwitches{Unsigned: 1}, "not signed", ""},
		{"a probe", simulator.GatewaySwitches{Probe: 1}, "the signature is not base64", "WECHATPAY/SIGNTEST/"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := openV3(t, nil)
			s.switches(simulator.Switches{Gateway: row.faults})
			order := strings.TrimSpace(spelled(t, s.order("A00001", simulator.APP)))
			answer, mistrust := s.tried(s.request(http.MethodPost, paths[simulator.APP], order))
			if answer.status != http.StatusOK || mistrust != row.mistrust || !strings.HasPrefix(answer.header.Get("Wechatpay-Signature"), row.header) {
				t.Errorf("answer is %d %v, not trusted because %q", answer.status, answer.header, mistrust)
			}
			if s.look("A00001").PrepayID == "" {
				t.Error("nothing was done")
			}
			s.switches(simulator.Switches{})
			s.place("A00001", simulator.APP)
		})
	}
}

func TestV3AnswerWithoutABodyIsSignedToo(t *testing.T) {
	t.Parallel()
	s := openV3(t, nil)
	s.place("A00001", simulator.APP)
	s.switches(simulator.Switches{Gateway: simulator.GatewaySwitches{WrongSignature: 1}})
	answer, mistrust := s.tried(s.request(http.MethodPost, transactions+"out-trade-no/A00001/close", `{"mchid":"1900007291"}`))
	if answer.status != http.StatusNoContent || mistrust != "the signature does not verify" {
		t.Errorf("answer is %d, not trusted because %q", answer.status, mistrust)
	}
}

func TestV3GatewayIsInTrouble(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		faults simulator.GatewaySwitches
		want   []string // any of them, all of them sooner or later
	}{
		{"rate limited", simulator.GatewaySwitches{RateLimited: 1}, []string{"429 RATELIMIT_EXCEEDED"}},
		{"down", simulator.GatewaySwitches{Down: 1}, []string{"503 <nil>"}},
		{"in error", simulator.GatewaySwitches{ErrorRate: 1}, []string{"500 <nil>", "500 SYSTEM_ERROR", "502 <nil>", "503 SERVICE_UNAVAILABLE"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := openV3(t, nil)
			s.switches(simulator.Switches{Gateway: row.faults})
			order := strings.TrimSpace(spelled(t, s.order("A00001", simulator.APP)))
			got := signers(100, func() string {
				answer, _ := s.tried(s.request(http.MethodPost, paths[simulator.APP], order))
				if strings.HasPrefix(answer.text, "{") {
					answer.body = readObject(t, answer.text)
				}
				if answer.header.Get("Request-ID") == "" {
					t.Error("the answer has no Request-ID")
				}
				return answer.refused()
			})
			if strings.Join(got, ", ") != strings.Join(row.want, ", ") {
				t.Errorf("answers are %v, want %v", got, row.want)
			}
			if orders := s.wechat.Stats().Orders; orders != 0 {
				t.Errorf("%d orders were placed", orders)
			}
		})
	}
}

func TestV3AnswerIsLost(t *testing.T) {
	t.Parallel()
	s := openV3(t, nil)
	s.paid("A00001")
	server := httptest.NewServer(s.wechat)
	t.Cleanup(server.Close)
	for _, row := range []struct {
		name     string
		faults   simulator.GatewaySwitches
		accepted int64
	}{
		{"before anything was done", simulator.GatewaySwitches{CutConnection: 1}, 0},
		{"after everything was done", simulator.GatewaySwitches{AnswerLost: 1}, 1},
	} {
		s.switches(simulator.Switches{Gateway: row.faults})
		request := s.request(http.MethodPost, refunds, strings.TrimSpace(spelled(t, s.refundOf("A00001", "R1", 500))))
		request.RequestURI = ""
		request.URL.Scheme, request.URL.Host = "http", strings.TrimPrefix(server.URL, "http://")
		if response, err := server.Client().Do(request); err == nil {
			response.Body.Close()
			t.Errorf("%s: answered %s", row.name, response.Status)
		}
		if accepted := s.wechat.Stats().RefundsAccepted; accepted != row.accepted {
			t.Errorf("%s: %d refunds were accepted", row.name, accepted)
		}
	}
	s.switches(simulator.Switches{})
	if answer := s.get(refunds + "/R1"); answer.status != http.StatusOK {
		t.Errorf("answer is %d %s", answer.status, answer.text)
	}
}

func TestV3SwitchesOfAnOrderHold(t *testing.T) {
	t.Parallel()
	s := openV3(t, nil)
	receipt := s.paid("A00001")
	s.post(refunds, s.refundOf("A00001", "R1", 500))
	s.paid("A00002")
	if err := s.wechat.SwitchOrder("A00001", simulator.Switches{Gateway: simulator.GatewaySwitches{Down: 1}}); err != nil {
		t.Fatal(err)
	}
	refund := s.refundOf("A00001", "R2", 500)
	delete(refund, "out_trade_no")
	refund["transaction_id"] = receipt.TransactionID
	for name, request := range map[string]*http.Request{
		"an order":              s.request(http.MethodPost, paths[simulator.APP], spelled(t, s.order("A00001", simulator.APP))),
		"a query":               s.request(http.MethodGet, transactions+"out-trade-no/A00001?mchid=1900007291", ""),
		"a query of its number": s.request(http.MethodGet, transactions+"id/"+receipt.TransactionID+"?mchid=1900007291", ""),
		"a refund":              s.request(http.MethodPost, refunds, spelled(t, refund)),
		"a query of a refund":   s.request(http.MethodGet, refunds+"/R1", ""),
	} {
		if answer, _ := s.tried(request); answer.status != http.StatusServiceUnavailable {
			t.Errorf("%s is answered %d %s", name, answer.status, answer.text)
		}
	}
	if answer := s.get(transactions + "out-trade-no/A00002?mchid=1900007291"); answer.status != http.StatusOK {
		t.Errorf("another order's answer is %d", answer.status)
	}
}

func TestV3LogTellsNoSecret(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	s := openV3(t, func(c *simulator.Config) {
		c.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	receipt := s.paid("A00001")
	s.attempt()
	order := s.order("A00002", simulator.APP)
	order["attach"] = s.APIV3Key + strings.Repeat("x", 128)
	s.post(paths[simulator.APP], order)
	s.wechat.Close()
	if !strings.Contains(log.String(), "call refused") {
		t.Error("nothing is said of the refusal")
	}
	for _, secret := range []string{s.APIV3Key, receipt.OpenID, "signature"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log tells %q", secret)
		}
	}
}
