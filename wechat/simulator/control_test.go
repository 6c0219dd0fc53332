package simulator_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled/wechat/simulator"
)

func TestPayOverHTTP(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		body func(client map[string]string) any
		want int
	}{
		{"with the client object", func(c map[string]string) any { return c }, 200},
		{"with the event that told of it", func(c map[string]string) any {
			return map[string]any{"payment_id": "7", "merchant": "classic", "amount": map[string]any{"total": 1999}, "client": c}
		}, 200},
		{"with the number and the merchant's name", func(map[string]string) any {
			return map[string]string{"merchant": "classic", "out_trade_no": "A1"}
		}, 200},
		{"with the number and the app", func(map[string]string) any {
			return map[string]string{"appid": demo.AppID, "out_trade_no": "A1"}
		}, 200},
		{"with the number alone", func(map[string]string) any { return map[string]string{"out_trade_no": "A1"} }, 200},
		{"with a wrong client", func(c map[string]string) any { c["sign"] = "0"; return c }, 422},
		{"with a number that nobody placed", func(map[string]string) any { return map[string]string{"out_trade_no": "B2"} }, 404},
		{"with numbers where texts belong", func(map[string]string) any { return map[string]any{"prepayid": 7} }, 400},
		{"with a number for the number", func(map[string]string) any { return map[string]any{"out_trade_no": 7} }, 400},
		{"with no object", func(map[string]string) any { return "client" }, 400},
		{"with nothing known", func(map[string]string) any { return map[string]string{} }, 422},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, nil)
			client := s.client(s.prepay(s.order("A1")))
			response := s.do(http.MethodPost, "/simulator/pay", []byte(spelled(t, row.body(client))))
			if response.Code != row.want {
				t.Fatalf("answer is %d %s, want %d", response.Code, response.Body, row.want)
			}
			var answer struct {
				simulator.Receipt
				Error string `json:"error"`
			}
			if err := json.Unmarshal(response.Body.Bytes(), &answer); err != nil {
				t.Fatal(err)
			}
			paid := row.want == http.StatusOK
			if (answer.Error == "") != paid || (answer.TransactionID != "") != paid || (s.look("A1").Charges == 1) != paid {
				t.Errorf("answer is %s, order %+v", response.Body, s.look("A1"))
			}
		})
	}
}

func TestOrderOverHTTP(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	receipt := s.pay(s.order("A1"))
	s.attempt()
	got := s.get("/simulator/orders/A1?merchant=classic")
	want := map[string]any{
		"appid": s.AppID, "partnerid": s.PartnerID, "out_trade_no": "A1", "state": "paid", "total_fee": 1999.0,
		"prepayid": got["prepayid"], "transaction_id": receipt.TransactionID, "openid": receipt.OpenID,
		"paid_at": opening.Format(time.RFC3339), "charges": 1.0, "notifies_sent": 1.0, "acknowledged": true,
		"abandoned": false, "delivery_told": 0.0, "delivered": false,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("another order (-want +got):\n%s", diff)
	}
	if response := s.do(http.MethodGet, "/simulator/orders/A1?merchant=corner", nil); response.Code != http.StatusNotFound {
		t.Errorf("another merchant's order: %d %s", response.Code, response.Body)
	}
	s.as(other).prepay(s.as(other).order("A1"))
	if response := s.do(http.MethodGet, "/simulator/orders/A1", nil); response.Code != http.StatusBadRequest {
		t.Errorf("an order of two merchants: %d %s", response.Code, response.Body)
	}
}

func TestStatsOverHTTP(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.prepay(s.order("A1"))
	s.pay(s.order("A2"))
	s.attempt()
	want := map[string]any{
		"orders": 2.0, "paid": 1.0, "charged_twice": 0.0, "notifies_sent": 1.0, "notifies_acknowledged": 1.0,
		"notifies_abandoned": 0.0, "notifies_silenced": 0.0, "delivered": 0.0, "refunds_requested": 0.0, "refunds_accepted": 0.0,
		"refunds_completed": 0.0, "refunds_failed": 0.0, "refunded_twice": 0.0, "refused": 0.0, "other_content": 0.0,
	}
	if diff := cmp.Diff(want, s.get("/simulator/orders")); diff != "" {
		t.Errorf("other stats (-want +got):\n%s", diff)
	}
}

func TestSwitchesOverHTTP(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	want := simulator.Switches{
		Notify:  simulator.NotifySwitches{Late: 0.25, LateBy: simulator.Duration(90 * time.Second), Copies: 2},
		Gateway: simulator.GatewaySwitches{Down: 1, SlowBy: simulator.Duration(time.Second)},
	}
	body := `{"notify": {"late": 0.25, "late_by": "1m30s"}, "gateway": {"down": 1}}`
	if response := s.do(http.MethodPost, "/simulator/switches", []byte(body)); response.Code != http.StatusOK {
		t.Fatalf("answer is %d %s", response.Code, response.Body)
	}
	if got := s.wechat.Switches(); got != want {
		t.Errorf("switches are %+v, want %+v", got, want)
	}
	response := s.do(http.MethodGet, "/simulator/switches", nil)
	var got simulator.Switches
	if err := json.Unmarshal(response.Body.Bytes(), &got); err != nil || got != want {
		t.Errorf("switches are told as %s: %v", response.Body, err)
	}
	if response := s.do(http.MethodPost, "/simulator/switches", []byte(`{}`)); response.Code != http.StatusOK {
		t.Fatalf("answer is %d %s", response.Code, response.Body)
	}
	if got := s.wechat.Switches(); got.Gateway.Down != 0 || got.Notify.Late != 0 {
		t.Errorf("switches are %+v after they were set to nothing", got)
	}
}

func TestSwitchesOverHTTPAreRefused(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, body string }{
		{"with a switch that is not", `{"notify": {"quiet": 1}}`},
		{"with a probability that is none", `{"notify": {"silent": 2}}`},
		{"with a number for a duration", `{"notify": {"late_by": 90}}`},
		{"with words for a duration", `{"notify": {"late_by": "soon"}}`},
		{"with no JSON", `silent=1`},
		{"with more behind it", `{} {}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, nil)
			if response := s.do(http.MethodPost, "/simulator/switches", []byte(row.body)); response.Code != http.StatusBadRequest {
				t.Errorf("answer is %d %s", response.Code, response.Body)
			}
		})
	}
}

func TestTokensExpireOverHTTP(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	fetched, stable := s.token(), s.stable(false)
	if response := s.do(http.MethodPost, "/simulator/tokens/expire", nil); response.Code != http.StatusNoContent {
		t.Errorf("answer is %d", response.Code)
	}
	if got := []float64{s.try(fetched), s.try(stable)}; !cmp.Equal(got, []float64{42001, 42001}) {
		t.Errorf("errcodes are %v", got)
	}
}
