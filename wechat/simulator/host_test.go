package simulator_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settled/wechat/simulator"
)

func TestHostsFailByThemselves(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		faults simulator.GatewaySwitches
		want   []int // of the simulator itself, its main host and its backup host
	}{
		{"none", simulator.GatewaySwitches{}, []int{200, 200, 200}},
		{"the main one", simulator.GatewaySwitches{MainDown: 1}, []int{503, 503, 200}},
		{"the backup", simulator.GatewaySwitches{BackupDown: 1}, []int{200, 200, 503}},
		{"both", simulator.GatewaySwitches{MainDown: 1, BackupDown: 1}, []int{503, 503, 503}},
		{"WeChat as a whole", simulator.GatewaySwitches{Down: 1}, []int{503, 503, 503}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := openV2(t, nil)
			s.switches(simulator.Switches{Gateway: row.faults})
			order := s.order("A00001", simulator.APP)
			order["sign"] = s.signature(order)
			var got []int
			for _, host := range []http.Handler{s.wechat, s.wechat.Host(simulator.MainHost), s.wechat.Host(simulator.BackupHost)} {
				request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/pay/unifiedorder", strings.NewReader(document(order)))
				response := httptest.NewRecorder()
				host.ServeHTTP(response, request)
				got = append(got, response.Code)
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("other answers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHostsKnowTheSame(t *testing.T) {
	t.Parallel()
	s := openV2(t, nil)
	s.place(s.order("A00001", simulator.APP))
	response := httptest.NewRecorder()
	s.wechat.Host(simulator.BackupHost).ServeHTTP(response, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/simulator/orders/A00001", nil))
	if response.Code != http.StatusOK {
		t.Errorf("answer is %d %s", response.Code, response.Body)
	}
}

func TestV2GatewaySwitches(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		faults simulator.GatewaySwitches
		want   string // what is said
		signed bool
		done   bool
	}{
		{"none", simulator.GatewaySwitches{}, "", true, true},
		{"rate limited", simulator.GatewaySwitches{RateLimited: 1}, "FAIL 频率限制，请稍后再试", false, false},
		{"wrong signature", simulator.GatewaySwitches{WrongSignature: 1}, "", false, true},
		{"no token to refuse", simulator.GatewaySwitches{TokenRefused: 1}, "", true, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := openV2(t, nil)
			s.switches(simulator.Switches{Gateway: row.faults})
			order := s.order("A00001", simulator.APP)
			order["sign"] = s.signature(order)
			response := s.do(http.MethodPost, "/pay/unifiedorder", []byte(document(order)))
			answer := readDocument(t, response.Body.String())
			if got := said(answer); got != row.want || (answer["sign"] == s.signature(answer)) != row.signed {
				t.Errorf("answer is %v", answer)
			}
			if done := s.wechat.Stats().Orders == 1; done != row.done {
				t.Errorf("order was placed: %v", done)
			}
		})
	}
}

func TestV2BusyIsSaidToTheMerchant(t *testing.T) {
	t.Parallel()
	s := openV2(t, nil)
	s.switches(simulator.Switches{Gateway: simulator.GatewaySwitches{ErrorRate: 1}})
	order := document(s.order("A00001", simulator.APP))
	seen := map[string]int{}
	for _, body := range []string{order, "<xml/>"} {
		for range 30 {
			response := s.do(http.MethodPost, "/pay/unifiedorder", []byte(body))
			if response.Code == http.StatusInternalServerError {
				seen["500"]++
				continue
			}
			answer := readDocument(t, response.Body.String())
			if answer["return_code"] == "SUCCESS" && answer["sign"] != s.signature(answer) {
				t.Errorf("the answer does not verify: %v", answer)
			}
			seen[said(answer)]++
		}
	}
	if len(seen) != 3 || seen["SYSTEMERROR"] == 0 || seen["FAIL 系统错误"] == 0 || seen["500"] == 0 {
		t.Errorf("answers were %v", seen)
	}
}

func TestSwitchesOfOneOrderHoldForAllThatIsAboutIt(t *testing.T) {
	t.Parallel()
	s := openV2(t, nil)
	receipt := s.paid("A00001")
	refund := s.post("/secapi/pay/refund", s.refundOf("A00001", "R1", "500"))
	if err := s.wechat.SwitchOrder("A00001", simulator.Switches{Gateway: simulator.GatewaySwitches{Down: 1}}); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		path string
		call fields
		want int
	}{
		{"/pay/orderquery", s.asking("out_trade_no", "A00001"), 503},
		{"/pay/orderquery", s.asking("transaction_id", receipt.TransactionID), 503},
		{"/pay/refundquery", s.asking("out_refund_no", "R1"), 503},
		{"/pay/refundquery", s.asking("refund_id", refund["refund_id"]), 503},
		{"/pay/refundquery", s.asking("refund_id", "1"), 200},
		{"/pay/orderquery", s.asking("out_trade_no", "A00002"), 200},
	} {
		if got := s.do(http.MethodPost, row.path, []byte(document(row.call))).Code; got != row.want {
			t.Errorf("%s with %v: %d, want %d", row.path, row.call, got, row.want)
		}
	}
}
