package simulator_test

import (
	"crypto/aes"
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled/wechat/simulator"
)

// posted opens a shop that keeps the notifies it hears.
func posted(t *testing.T, m simulator.Merchant) (v2shop, <-chan heard) {
	t.Helper()
	notifies := make(chan heard, 100)
	s := openV2(t, func(c *simulator.Config) {
		c.RefundAfter = time.Nanosecond
		c.HTTP.Transport = ingress(func(r *http.Request) (int, string, error) {
			body, err := io.ReadAll(r.Body)
			notifies <- heard{r.Method, r.URL.String(), r.Header, r.URL.RawQuery, string(body)}
			return http.StatusOK, v2OK, err
		})
	})
	return s.as(m), notifies
}

func TestV2NotifyOnTheWire(t *testing.T) {
	t.Parallel()
	for _, m := range []simulator.Merchant{published, careful} {
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			s, notifies := posted(t, m)
			order := s.order("A00001", simulator.APP)
			order["attach"], order["device_info"] = "a]]>b & <c>", "WEB"
			receipt, err := s.wechat.Pay(t.Context(), s.appClient(s.place(order)["prepay_id"]))
			if err != nil {
				t.Fatal(err)
			}
			n := <-notifies
			if n.method != http.MethodPost || n.path != order["notify_url"] || n.header.Get("Content-Type") != "text/xml" {
				t.Errorf("came as %s %s %v", n.method, n.path, n.header)
			}
			got := readDocument(t, n.body)
			want := maps.Clone(paidFields)
			maps.Copy(want, fields{
				"return_code": "SUCCESS", "result_code": "SUCCESS", "appid": s.AppID, "mch_id": s.MchID, "device_info": "WEB",
				"nonce_str": got["nonce_str"], "openid": receipt.OpenID, "transaction_id": receipt.TransactionID,
				"out_trade_no": "A00001", "attach": "a]]>b & <c>",
			})
			if m.SignType != "" {
				want["sign_type"] = m.SignType
			}
			want["sign"] = s.signature(want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("another notify (-want +got):\n%s", diff)
			}
			if a := s.attempt(); !a.Heard || a.Merchant != m.Name || a.OutTradeNo != "A00001" || a.OutRefundNo != "" {
				t.Errorf("attempt is %+v", a)
			}
		})
	}
}

// hidden is what a refund's notify hides.
func (s v2shop) hidden(body string) (outer, inner fields) {
	s.t.Helper()
	outer = readDocument(s.t, body)
	sealed, err := base64.StdEncoding.DecodeString(outer["req_info"])
	if err != nil || len(sealed) == 0 || len(sealed)%aes.BlockSize != 0 {
		s.t.Fatalf("req_info has %d bytes: %v", len(sealed), err)
	}
	block, err := aes.NewCipher(fmt.Appendf(nil, "%x", md5.Sum([]byte(s.APIKey))))
	if err != nil {
		s.t.Fatal(err)
	}
	for at := 0; at < len(sealed); at += aes.BlockSize {
		block.Decrypt(sealed[at:], sealed[at:])
	}
	text := string(sealed[:len(sealed)-int(sealed[len(sealed)-1])%len(sealed)])
	if !strings.HasPrefix(text, "<root>") || !strings.HasSuffix(text, "</root>") {
		return outer, nil
	}
	return outer, readDocument(s.t, text)
}

func TestV2RefundNotifyOnTheWire(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		status string
		faults simulator.GatewaySwitches
		ended  string
	}{
		{"SUCCESS", simulator.GatewaySwitches{RefundAtOnce: 1}, "2014-05-08 12:00:00"},
		{"REFUNDCLOSE", simulator.GatewaySwitches{RefundAtOnce: 1, RefundFails: 1}, ""},
		{"CHANGE", simulator.GatewaySwitches{RefundAtOnce: 1, RefundAbnormal: 1}, ""},
	} {
		t.Run(row.status, func(t *testing.T) {
			t.Parallel()
			s, notifies := posted(t, published)
			receipt := s.paid("A00001")
			<-notifies
			s.attempt()
			s.switches(simulator.Switches{Gateway: row.faults})
			call := s.refundOf("A00001", "R1", "500")
			id := s.post("/secapi/pay/refund", call)["refund_id"]
			n := <-notifies
			if n.path != call["notify_url"] {
				t.Errorf("came to %s", n.path)
			}
			outer, inner := s.hidden(n.body)
			wantOuter := fields{
				"return_code": "SUCCESS", "appid": s.AppID, "mch_id": s.MchID, "nonce_str": outer["nonce_str"], "req_info": outer["req_info"],
			}
			want := fields{
				"transaction_id": receipt.TransactionID, "out_trade_no": "A00001", "refund_id": id, "out_refund_no": "R1",
				"total_fee": "1999", "settlement_total_fee": "1999", "refund_fee": "500", "settlement_refund_fee": "500",
				"refund_status": row.status, "refund_recv_accout": "支付用户零钱", "refund_account": "REFUND_SOURCE_UNSETTLED_FUNDS",
				"refund_request_source": "API",
			}
			if row.ended != "" {
				want["success_time"] = row.ended
			}
			if diff := cmp.Diff([]fields{wantOuter, want}, []fields{outer, inner}); diff != "" {
				t.Errorf("another notify (-want +got):\n%s", diff)
			}
			if a := s.attempt(); !a.Heard || a.OutTradeNo != "A00001" || a.OutRefundNo != "R1" {
				t.Errorf("attempt is %+v", a)
			}
		})
	}
}

func TestRefundWithoutNotifyURLIsNotNotified(t *testing.T) {
	t.Parallel()
	bubbleV2(t, func(t *testing.T, s v2shop) {
		call := s.refundOf("A00001", "R1", "500")
		delete(call, "notify_url")
		s.post("/secapi/pay/refund", call)
		elapse(time.Hour)
		if r := s.lookRefund("R1"); r.State != simulator.RefundSucceeded || r.NotifiesSent != 0 {
			t.Errorf("refund is %+v", r)
		}
	})
}

func TestV2NotifyLies(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		faults simulator.NotifySwitches
		wrong  string
		want   lied
	}{
		{"not at all", simulator.NotifySwitches{}, "", lied{total: "1999", refund: "500", ours: true, signed: true}},
		{"about the amount", simulator.NotifySwitches{WrongAmount: 1}, "amount", lied{total: "2000", refund: "501", ours: true, signed: true}},
		{"about the merchant", simulator.NotifySwitches{ForeignPartner: 1}, "partner", lied{total: "1999", refund: "500", signed: true}},
		{"about who sends it", simulator.NotifySwitches{WrongSignature: 1}, "signature", lied{total: "1999", ours: true}},
		{"in no way that APIv2 has", simulator.NotifySwitches{Probe: 1}, "", lied{total: "1999", refund: "500", ours: true, signed: true}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s, notifies := posted(t, published)
			s.switches(simulator.Switches{Notify: row.faults, Gateway: simulator.GatewaySwitches{RefundAtOnce: 1}})
			s.paid("A00001")
			payment := readDocument(t, (<-notifies).body)
			s.post("/secapi/pay/refund", s.refundOf("A00001", "R1", "500"))
			outer, inner := s.hidden((<-notifies).body)
			got := lied{
				total: payment["total_fee"], refund: inner["refund_fee"],
				ours:   payment["mch_id"] == s.MchID && outer["mch_id"] == s.MchID,
				signed: payment["sign"] == s.signature(payment) && inner != nil,
			}
			if got != row.want {
				t.Errorf("the notifies say %+v, want %+v", got, row.want)
			}
			for range 2 {
				if a := s.attempt(); a.Wrong != row.wrong {
					t.Errorf("attempt says %q is wrong, want %q", a.Wrong, row.wrong)
				}
			}
		})
	}
}

// lied is what the notifies of a payment and of its refund say.
type lied struct {
	total, refund string
	ours, signed  bool
}

func TestRefundNotifiesMisbehaveLikeOthers(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		faults simulator.NotifySwitches
		want   []time.Duration // after the refund has ended
	}{
		{"not", simulator.NotifySwitches{}, []time.Duration{0}},
		{"silent", simulator.NotifySwitches{Silent: 1}, nil},
		{"late", simulator.NotifySwitches{Late: 1}, []time.Duration{30 * time.Second}},
		{"double", simulator.NotifySwitches{Double: 1}, []time.Duration{0, 0}},
		{"out of order", simulator.NotifySwitches{OutOfOrder: 1}, []time.Duration{5 * time.Second}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var arrived []time.Duration
				begun := time.Now()
				s := openV2(t, func(c *simulator.Config) {
					c.Now = time.Now
					c.HTTP.Transport = ingress(func(r *http.Request) (int, string, error) {
						mu.Lock()
						defer mu.Unlock()
						if strings.HasSuffix(r.URL.Path, "refund") {
							arrived = append(arrived, time.Since(begun))
						}
						return http.StatusOK, v2OK, nil
					})
				})
				s.paid("A00001")
				synctest.Wait()
				s.switches(simulator.Switches{Notify: row.faults, Gateway: simulator.GatewaySwitches{RefundAtOnce: 1}})
				s.post("/secapi/pay/refund", s.refundOf("A00001", "R1", "500"))
				elapse(time.Hour)
				mu.Lock()
				defer mu.Unlock()
				if diff := cmp.Diff(row.want, arrived); diff != "" {
					t.Errorf("other arrivals (-want +got):\n%s", diff)
				}
				if r := s.lookRefund("R1"); r.NotifiesSent != len(row.want) || r.Acknowledged != (len(row.want) > 0) {
					t.Errorf("refund is %+v", r)
				}
			})
		})
	}
}

func TestV2NotifyIsRepeatedOnSchedule(t *testing.T) {
	t.Parallel()
	const s, m, h = time.Second, time.Minute, time.Hour
	documented := []time.Duration{15 * s, 15 * s, 30 * s, 3 * m, 10 * m, 20 * m, 30 * m, 30 * m, 30 * m, 60 * m, 3 * h, 3 * h, 3 * h, 6 * h, 6 * h}
	synctest.Test(t, func(t *testing.T) {
		var payments, refunds []time.Time
		s := openV2(t, func(c *simulator.Config) {
			c.Now = time.Now
			c.HTTP.Transport = ingress(func(r *http.Request) (int, string, error) {
				if strings.HasSuffix(r.URL.Path, "refund") {
					refunds = append(refunds, time.Now())
				} else {
					payments = append(payments, time.Now())
				}
				return http.StatusOK, "fail", nil
			})
		})
		s.paid("A00001")
		elapse(25 * time.Hour)
		s.post("/secapi/pay/refund", s.refundOf("A00001", "R1", "500"))
		elapse(25 * time.Hour)
		for about, sent := range map[string][]time.Time{"payment": payments, "refund": refunds} {
			var pauses []time.Duration
			for i := range len(sent) - 1 {
				pauses = append(pauses, sent[i+1].Sub(sent[i]))
			}
			if diff := cmp.Diff(documented, pauses); diff != "" {
				t.Errorf("the notifies of the %s have other pauses (-want +got):\n%s", about, diff)
			}
		}
		if o, r, stats := s.look("A00001"), s.lookRefund("R1"), s.wechat.Stats(); !o.Abandoned || !r.Abandoned || stats.NotifiesAbandoned != 2 {
			t.Errorf("order is %+v, refund %+v, stats are %+v", o, r, stats)
		}
	})
}

func TestV2NotifyIsHeardByTheDocumentsAnswer(t *testing.T) {
	t.Parallel()
	const oneLine = "<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>"
	for _, row := range []struct {
		name   string
		status int
		body   string
		want   bool
	}{
		{"the document's", 200, v2OK, true},
		{"it on one line", 200, oneLine, true},
		{"in plain letters", 200, "success", false},
		{"ok", 200, "ok", false},
		{"nothing", 200, "", false},
		{"in JSON", 200, `{"code":"SUCCESS","message":"OK"}`, false},
		{"in a page", 200, "<html><body>" + oneLine + "</body></html>", false},
		{"with a backslash and an n", 200, `<xml>\n<return_code><![CDATA[SUCCESS]]></return_code>\n<return_msg><![CDATA[OK]]></return_msg>\n</xml>`, false},
		{"with a line end behind it", 200, oneLine + "\n", false},
		{"with a mark before it", 200, "\ufeff" + oneLine, false},
		{"with a declaration before it", 200, `<?xml version="1.0"?>` + oneLine, false},
		{"in lowercase", 200, strings.ToLower(oneLine), false},
		{"without CDATA", 200, "<xml><return_code>SUCCESS</return_code><return_msg>OK</return_msg></xml>", false},
		{"failure", 200, strings.Replace(oneLine, "SUCCESS", "FAIL", 1), false},
		{"created", 201, oneLine, false},
		{"an error", 500, oneLine, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := openV2(t, func(c *simulator.Config) {
				c.NotifySchedule = []time.Duration{}
				c.HTTP.Transport = ingress(func(*http.Request) (int, string, error) { return row.status, row.body, nil })
			})
			s.paid("A00001")
			if a := s.attempt(); a.Heard != row.want {
				t.Errorf("attempt is %+v", a)
			}
		})
	}
}
