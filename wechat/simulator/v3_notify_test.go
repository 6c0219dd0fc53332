package simulator_test

import (
	"maps"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled/wechat/simulator"
)

// event reads a notify, and verifies it; what it hides is returned by itself.
func (s v3shop) event(n heard) (outer, hidden body) {
	s.t.Helper()
	s.verify(n.header, n.body)
	outer = readObject(s.t, n.body)
	return outer, readObject(s.t, s.open(outer["resource"]))
}

func TestV3NotifyOnTheWire(t *testing.T) {
	t.Parallel()
	for _, m := range []simulator.Merchant{modern(), certified()} {
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			s, notifies := postedV3(t, http.StatusNoContent, nil)
			s = s.as(m)
			order := s.told()
			receipt, err := s.wechat.Pay(t.Context(), s.appClient(s.placed(simulator.APP, order)))
			if err != nil {
				t.Fatal(err)
			}
			n := <-notifies
			if n.method != http.MethodPost || n.path != order["notify_url"] || n.header.Get("Content-Type") != "application/json" {
				t.Errorf("came as %s %s %v", n.method, n.path, n.header)
			}
			outer, hidden := s.event(n)
			resource, _ := outer["resource"].(body)
			want := body{
				"id": outer["id"], "create_time": "2014-05-08T12:00:00+08:00", "resource_type": "encrypt-resource",
				"event_type": "TRANSACTION.SUCCESS", "summary": "支付成功",
				"resource": body{
					"original_type": "transaction", "algorithm": "AEAD_AES_256_GCM", "associated_data": "transaction",
					"ciphertext": resource["ciphertext"], "nonce": resource["nonce"],
				},
			}
			if diff := cmp.Diff(want, outer); diff != "" {
				t.Errorf("another notify (-want +got):\n%s", diff)
			}
			told := settled(receipt)
			maps.Copy(told, body{"appid": s.AppID, "mchid": s.MchID})
			if diff := cmp.Diff(told, hidden); diff != "" {
				t.Errorf("it hides something else (-want +got):\n%s", diff)
			}
			if id, _ := outer["id"].(string); !regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString(id) {
				t.Errorf("id is %q", id)
			}
			if a := s.attempt(); !a.Heard || a.Merchant != m.Name || a.OutTradeNo != "A00001" || a.Status != http.StatusNoContent {
				t.Errorf("attempt is %+v", a)
			}
		})
	}
}

func TestV3RefundNotifyOnTheWire(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		event, summary, status string
		faults                 simulator.GatewaySwitches
	}{
		{"REFUND.SUCCESS", "退款成功", "SUCCESS", simulator.GatewaySwitches{RefundAtOnce: 1}},
		{"REFUND.CLOSED", "退款关闭", "CLOSED", simulator.GatewaySwitches{RefundAtOnce: 1, RefundFails: 1}},
		{"REFUND.ABNORMAL", "退款异常", "ABNORMAL", simulator.GatewaySwitches{RefundAtOnce: 1, RefundAbnormal: 1}},
	} {
		t.Run(row.event, func(t *testing.T) {
			t.Parallel()
			s, notifies := postedV3(t, http.StatusOK, nil)
			receipt := s.paid("A00001")
			<-notifies
			s.attempt()
			s.switches(simulator.Switches{Gateway: row.faults})
			answer := s.post(refunds, s.refundOf("A00001", "R1", 500))
			n := <-notifies
			outer, hidden := s.event(n)
			resource, _ := outer["resource"].(body)
			if n.path != "https://shop.example.com/notify/refund" || outer["event_type"] != row.event || outer["summary"] != row.summary ||
				resource["original_type"] != "refund" || resource["associated_data"] != "refund" {
				t.Errorf("%s came with %v", n.path, outer)
			}
			want := body{
				"mchid": s.MchID, "transaction_id": receipt.TransactionID, "out_trade_no": "A00001", "refund_id": answer.body["refund_id"],
				"out_refund_no": "R1", "refund_status": row.status, "user_received_account": "支付用户零钱",
				"amount": body{"total": 1999.0, "refund": 500.0, "payer_total": 1999.0, "payer_refund": 500.0},
			}
			if row.status == "SUCCESS" {
				want["success_time"] = "2014-05-08T12:00:00+08:00"
			}
			if diff := cmp.Diff(want, hidden); diff != "" {
				t.Errorf("it hides something else (-want +got):\n%s", diff)
			}
			if a := s.attempt(); !a.Heard || a.OutRefundNo != "R1" {
				t.Errorf("attempt is %+v", a)
			}
		})
	}
}

func TestV3NotifyIsHeard(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]bool{
		200: true, 204: true, 201: false, 202: false, 301: false, 302: false, 400: false, 401: false, 404: false, 500: false, 503: false,
	} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			s, _ := postedV3(t, status, func(c *simulator.Config) { c.NotifySchedule = []time.Duration{} })
			s.paid("A00001")
			if a := s.attempt(); a.Heard != want || a.Status != status {
				t.Errorf("attempt is %+v", a)
			}
		})
	}
}

func TestV3NotifyIsRepeatedUntilItIsHeard(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, notifies := postedV3(t, http.StatusInternalServerError, func(c *simulator.Config) { c.Now = time.Now })
		if _, err := s.wechat.PayOrder(t.Context(), "", s.placedAt(time.Now())); err != nil {
			t.Fatal(err)
		}
		elapse(25 * time.Hour)
		if len(notifies) != 16 {
			t.Fatalf("%d notifies came", len(notifies))
		}
		ids, signatures := map[any]bool{}, map[string]bool{}
		for range 16 {
			n := <-notifies
			ids[readObject(t, n.body)["id"]] = true
			signatures[n.header.Get("Wechatpay-Signature")] = true
		}
		if len(ids) != 1 || len(signatures) != 16 {
			t.Errorf("%d ids and %d signatures", len(ids), len(signatures))
		}
	})
}

// placedAt places an order for a WeChat with another clock than the shop's.
func (s v3shop) placedAt(now time.Time) string {
	s.t.Helper()
	s.clock.advance(now.Sub(s.clock.Now()))
	s.place("A00001", simulator.APP)
	return "A00001"
}

func TestV3NotifyLies(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		wrong  string
		faults simulator.NotifySwitches
		trust  string // why it is not trusted
		amount float64
		mchID  string
	}{
		{"amount", simulator.NotifySwitches{WrongAmount: 1}, "", 2000, "1900007291"},
		{"partner", simulator.NotifySwitches{ForeignPartner: 1}, "", 1999, "1900007290"},
		{"signature", simulator.NotifySwitches{WrongSignature: 1}, "the signature does not verify", 1999, "1900007291"},
		{"probe", simulator.NotifySwitches{Probe: 1}, "the signature is not base64", 1999, "1900007291"},
	} {
		t.Run(row.wrong, func(t *testing.T) {
			t.Parallel()
			s, notifies := postedV3(t, http.StatusOK, nil)
			s.switches(simulator.Switches{Notify: row.faults, Gateway: simulator.GatewaySwitches{RefundAtOnce: 1}})
			s.paid("A00001")
			n := <-notifies
			if got := s.mistrusts(n.header, n.body); got != row.trust {
				t.Errorf("not trusted because %q, want %q", got, row.trust)
			}
			hidden := readObject(t, s.open(readObject(t, n.body)["resource"]))
			if amount, _ := hidden["amount"].(body); amount["total"] != row.amount || hidden["mchid"] != row.mchID {
				t.Errorf("it hides %v", hidden)
			}
			if a := s.attempt(); a.Wrong != row.wrong {
				t.Errorf("attempt is %+v", a)
			}

			s.post(refunds, s.refundOf("A00001", "R1", 500))
			n = <-notifies
			if got := s.mistrusts(n.header, n.body); got != row.trust {
				t.Errorf("the refund's is not trusted because %q, want %q", got, row.trust)
			}
			hidden = readObject(t, s.open(readObject(t, n.body)["resource"]))
			if amount, _ := hidden["amount"].(body); amount["refund"] != row.amount-1499 || hidden["mchid"] != row.mchID {
				t.Errorf("the refund's hides %v", hidden)
			}
		})
	}
}

func TestV3ProbeIsFollowedByTheRealOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s v3shop
		arrivals := []string{}
		s = openV3(t, func(c *simulator.Config) {
			c.Now = time.Now
			c.HTTP.Transport = ingress(func(r *http.Request) (int, string, error) {
				arrivals = append(arrivals, r.Header.Get("Wechatpay-Signature"))
				if strings.HasPrefix(arrivals[len(arrivals)-1], "WECHATPAY/SIGNTEST/") {
					return http.StatusUnauthorized, `{"code":"FAIL"}`, nil
				}
				return http.StatusOK, "", nil
			})
		})
		s.switches(simulator.Switches{Notify: simulator.NotifySwitches{Probe: 1}})
		if _, err := s.wechat.PayOrder(t.Context(), "", s.placedAt(time.Now())); err != nil {
			t.Fatal(err)
		}
		elapse(time.Hour)
		if len(arrivals) != 2 || !s.look("A00001").Acknowledged {
			t.Errorf("%d notifies came: %v", len(arrivals), arrivals)
		}
	})
}
