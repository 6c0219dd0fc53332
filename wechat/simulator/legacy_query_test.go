package simulator_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/simplifiedchinese"
)

func TestQueryTellsOfAnOrder(t *testing.T) {
	t.Parallel()
	unpaid := map[string]any{
		"ret_code": 0.0, "ret_msg": "", "input_charset": "UTF-8", "trade_state": "1", "trade_mode": "1",
		"partner": demo.PartnerID, "bank_type": "", "bank_billno": "", "total_fee": "1999", "fee_type": "1",
		"transaction_id": "", "out_trade_no": "A1", "is_split": "false", "is_refund": "false", "attach": "",
		"time_end": "", "transport_fee": "0", "product_fee": "1999", "discount": "0", "rmb_total_fee": "",
	}
	for _, row := range []struct {
		name string
		edit func(map[string]string)
		paid bool
		want func(info map[string]any)
	}{
		{name: "unpaid", want: func(map[string]any) {}},
		{name: "paid", paid: true, want: func(info map[string]any) {
			info["trade_state"], info["time_end"] = "0", "20140508120000"
		}},
		{
			name: "with its parts", edit: func(o map[string]string) { o["product_fee"], o["transport_fee"] = "1899", "100" },
			want: func(info map[string]any) { info["product_fee"], info["transport_fee"] = "1899", "100" },
		},
		{
			name: "with an attach in GBK, told in UTF-8", edit: func(o map[string]string) {
				raw, err := simplifiedchinese.GBK.NewEncoder().String("一壶茶 & <杯>")
				if err != nil {
					t.Error(err)
				}
				o["input_charset"], o["attach"] = "GBK", raw
			},
			want: func(info map[string]any) { info["input_charset"], info["attach"] = "GBK", "一壶茶 & <杯>" },
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, nil)
			order := s.order("A1")
			if row.edit != nil {
				row.edit(order)
			}
			want := map[string]any{}
			for key, value := range unpaid {
				want[key] = value
			}
			row.want(want)
			if row.paid {
				want["transaction_id"] = s.pay(order).TransactionID
			} else {
				s.prepay(order)
			}
			got := s.query("A1")
			info, _ := got["order_info"].(map[string]any)
			if row.paid {
				want["bank_type"], want["bank_billno"] = present(t, info["bank_type"]), present(t, info["bank_billno"])
			}
			if diff := cmp.Diff(map[string]any{"errcode": 0.0, "errmsg": "ok", "order_info": want}, got); diff != "" {
				t.Errorf("another answer (-want +got):\n%s", diff)
			}
		})
	}
}

func TestQueryForAnUnknownOrder(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.as(other).prepay(s.as(other).order("A1"))
	answer := s.query("A1")
	info, _ := answer["order_info"].(map[string]any)
	if answer["errcode"] != 0.0 || info["ret_code"] != 88221009.0 || info["ret_msg"] == "" || info["trade_state"] != "" {
		t.Errorf("answer is %v", answer)
	}
}

func TestQueryIsRefused(t *testing.T) {
	t.Parallel()
	pack := func(edit func(string) string) func(map[string]any) {
		return func(b map[string]any) { b["package"] = edit(b["package"].(string)) }
	}
	for _, row := range []struct {
		name          string
		before, after func(map[string]any)
		want          float64
	}{
		{"with another app's id", set("appid", other.AppID), nil, 49001},
		{"without package", without("package"), nil, 40035},
		{"without timestamp", without("timestamp"), nil, 40035},
		{"with a noncestr", set("noncestr", "n"), nil, 40035},
		{"with a traceid", set("traceid", "t"), nil, 40035},
		{"with a wrong app_signature", nil, set("app_signature", strings.Repeat("0", 40)), 49004},
		{"with another order than was signed", pack(replace("A1", "A2")), nil, 49004},
		{"with another partner", pack(replace(demo.PartnerID, other.PartnerID)), nil, 49010},
		{"with its sign in lowercase", pack(func(p string) string {
			front, sign, _ := strings.Cut(p, "sign=")
			return front + "sign=" + strings.ToLower(sign)
		}), nil, 49004},
		{"with keys out of order", pack(func(p string) string {
			order, rest, _ := strings.Cut(p, "&")
			partner, sign, _ := strings.Cut(rest, "&")
			return partner + "&" + order + "&" + sign
		}), nil, 40035},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := open(t, nil)
			s.prepay(s.order("A1"))
			body := s.queryBody("A1")
			if row.before != nil {
				row.before(body)
			}
			body = s.sign(body)
			if row.after != nil {
				row.after(body)
			}
			s.refused("/pay/orderquery", body, row.want)
		})
	}
}

// present returns a value that must be there, whatever it is.
func present(t *testing.T, value any) any {
	t.Helper()
	if text, _ := value.(string); text == "" {
		t.Errorf("value is %v, want some text", value)
	}
	return value
}
