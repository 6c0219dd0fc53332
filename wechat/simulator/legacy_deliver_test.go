package simulator_test

import (
	"fmt"
	"strings"
	"testing"

	"settled/wechat/simulator"
)

func TestDeliveryIsHeard(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name      string
		edits     []func(map[string]any)
		delivered bool
	}{
		{"once", []func(map[string]any){plain}, true},
		{"with the time as a number", []func(map[string]any){set("deliver_timestamp", 1369745073)}, true},
		{"with a message in Chinese", []func(map[string]any){set("deliver_msg", "已发货")}, true},
		{"with no message", []func(map[string]any){set("deliver_msg", "")}, true},
		{"of a failure", []func(map[string]any){set("deliver_status", "0")}, false},
		{"again", []func(map[string]any){plain, plain}, true},
		{"of a failure and then a success", []func(map[string]any){set("deliver_status", "0"), plain}, true},
		{"of a success, whatever comes then", []func(map[string]any){plain, set("deliver_status", "0")}, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, nil)
			receipt := s.pay(s.order("A1"))
			for _, edit := range row.edits {
				body := s.deliverBody(receipt)
				edit(body)
				answer := s.post("/pay/delivernotify?access_token="+s.token(), s.sign(body))
				if answer["errcode"] != 0.0 || answer["errmsg"] != "ok" {
					t.Errorf("answer is %v", answer)
				}
			}
			o := s.look("A1")
			if o.Delivered != row.delivered || o.DeliveryTold != len(row.edits) {
				t.Errorf("delivered %v and told %d times, want %v and %d", o.Delivered, o.DeliveryTold, row.delivered, len(row.edits))
			}
			if got := s.wechat.Stats().Delivered == 1; got != row.delivered {
				t.Errorf("counted as delivered: %v, want %v", got, row.delivered)
			}
		})
	}
}

func TestDeliveryIsRefused(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name          string
		before, after func(map[string]any)
		want          float64
	}{
		{"without openid", without("openid"), nil, 49002},
		{"with an empty openid", set("openid", ""), nil, 49002},
		{"with an empty transid", set("transid", ""), nil, 49002},
		{"with another user", set("openid", "oX99MDgNcgwnz3zFN3DNmo8uwa-w"), nil, 49003},
		{"with a transid that is not", set("transid", "1900000109201405080000000000"), nil, 49005},
		{"with another order", set("out_trade_no", "B2"), nil, 49005},
		{"with an order that is not", set("out_trade_no", "C3"), nil, 49005},
		{"with an order that is not paid", set("out_trade_no", "D4"), nil, 49005},
		{"with another app's id", set("appid", other.AppID), nil, 49001},
		{"without deliver_timestamp", without("deliver_timestamp"), nil, 40035},
		{"with milliseconds", set("deliver_timestamp", 1369745073000), nil, 40035},
		{"with another status", set("deliver_status", "2"), nil, 40035},
		{"with a number for status", set("deliver_status", 1), nil, 40035},
		{"without deliver_msg", without("deliver_msg"), nil, 40035},
		{"with a field too many", set("noncestr", "n"), nil, 40035},
		{"with another sign_method", nil, set("sign_method", "MD5"), 40035},
		{"with a wrong app_signature", nil, set("app_signature", strings.Repeat("0", 40)), 49004},
		{"with another message than was signed", nil, set("deliver_msg", "no"), 49004},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, nil)
			receipt := s.pay(s.order("A1"))
			s.pay(s.order("B2"))
			s.prepay(s.order("D4"))
			s.attempt() // both are sent: nothing moves the stats but the call
			s.attempt()
			body := s.deliverBody(receipt)
			if row.before != nil {
				row.before(body)
			}
			body = s.sign(body)
			if row.after != nil {
				row.after(body)
			}
			s.refused("/pay/delivernotify", body, row.want)
		})
	}
}

// deliverBody is delivernotify's body, not signed yet.
func (s *shop) deliverBody(r simulator.Receipt) map[string]any {
	return map[string]any{
		"appid":             s.AppID,
		"openid":            r.OpenID,
		"transid":           r.TransactionID,
		"out_trade_no":      r.OutTradeNo,
		"deliver_timestamp": fmt.Sprint(s.clock.Now().Unix()),
		"deliver_status":    "1",
		"deliver_msg":       "ok",
	}
}

func plain(map[string]any) {}
