package wechat_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"settled"
	"settled/wechat"
)

// paidAnswer says that the payment was paid, with a coupon for 99 fen.
const paidAnswer = `{"errcode":0,"errmsg":"ok","order_info":{"ret_code":0,"ret_msg":"","input_charset":"UTF-8",` +
	`"trade_state":"0","trade_mode":"1","partner":"1900000109","bank_type":"CMB_FP","bank_billno":"207029722724",` +
	`"total_fee":"1900","fee_type":"1","transaction_id":"1900000109201405080000000017","out_trade_no":"20140508000017",` +
	`"is_split":"false","is_refund":"false","attach":"cart 77","time_end":"20140508101015","transport_fee":"0",` +
	`"product_fee":"1900","discount":"99","rmb_total_fee":""}}`

func paidTrade() settled.Trade {
	return settled.Trade{
		Paid: true, OrderID: "20140508000017", TransactionID: "1900000109201405080000000017",
		Amount: settled.Money{Total: 1999, Currency: settled.CNY},
		PaidAt: time.Unix(1399515015, 0), BankType: "CMB_FP", Attach: "cart 77",
	}
}

func TestQueryTellsWhatWeChatKnows(t *testing.T) {
	t.Parallel()
	foreign := paidTrade()
	foreign.Foreign = `partner "1900000110" is not 1900000109`
	unpaid := settled.Trade{OrderID: "20140508000017"}
	for name, test := range map[string]struct {
		answer string
		want   settled.Trade
	}{
		"paid":                    {paidAnswer, paidTrade()},
		"paid to another":         {strings.Replace(paidAnswer, `"partner":"1900000109"`, `"partner":"1900000110"`, 1), foreign},
		"not paid":                {strings.Replace(paidAnswer, `"trade_state":"0"`, `"trade_state":"1"`, 1), unpaid},
		"not known":               {`{"errcode":0,"errmsg":"ok","order_info":{"ret_code":88221009,"ret_msg":"no such trade"}}`, unpaid},
		"not told":                {`{"errcode":49005,"errmsg":"not existed transid"}`, unpaid},
		"nothing but a good code": {`{"errcode":0,"errmsg":"ok"}`, unpaid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := open(t, answer(test.answer))
			got, err := b.gateway.Query(t.Context(), payment())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, cmpopts.EquateApproxTime(0)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestQueryAsksForTheOrder(t *testing.T) {
	t.Parallel()
	b := open(t, answer(paidAnswer))
	if _, err := b.gateway.Query(t.Context(), payment()); err != nil {
		t.Fatal(err)
	}
	got := b.got()
	if len(got) != 1 || got[0].Method != "POST" || got[0].Path != "/pay/orderquery" || got[0].Query != "access_token=token-1" {
		t.Fatalf("got %+v", got)
	}
	var body map[string]string
	if err := json.Unmarshal([]byte(got[0].Body), &body); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(body["package"], "out_trade_no=20140508000017&partner=1900000109&sign=") || body["timestamp"] != "1399514976" {
		t.Errorf("got %v", body)
	}
	if diff := cmp.Diff([]string{"orderquery done 0"}, b.observed); diff != "" {
		t.Error(diff)
	}
}

func TestQueryIsUnknownIfTheAnswerSaysNothingAboutTheOrder(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer string
		want   *settled.Unknown
	}{
		"busy":                    {`{"errcode":-1,"errmsg":"system error"}`, &settled.Unknown{Code: "-1"}},
		"too often":               {`{"errcode":45011,"errmsg":"slower"}`, &settled.Unknown{Code: "45011", After: time.Minute}},
		"a wrong key":             {`{"errcode":49004,"errmsg":"not match signature"}`, &settled.Unknown{Code: "49004", After: 5 * time.Minute}},
		"a request it can't read": {`{"errcode":47001,"errmsg":"data format error"}`, &settled.Unknown{Code: "47001", After: 5 * time.Minute}},
		"another order, paid":     {strings.Replace(paidAnswer, `"20140508000017"`, `"20140508000018"`, 1), &settled.Unknown{Code: "other_order"}},
		"another order, unpaid":   {`{"errcode":0,"order_info":{"ret_code":0,"trade_state":"1","out_trade_no":"A2"}}`, &settled.Unknown{Code: "other_order"}},
		"paid at no time":         {strings.Replace(paidAnswer, `20140508101015`, ``, 1), &settled.Unknown{Code: "unreadable"}},
		"HTML":                    {`<html>`, &settled.Unknown{Code: "unreadable"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := open(t, answer(test.answer))
			got, err := b.gateway.Query(t.Context(), payment())
			wantFailure(t, err, test.want)
			if diff := cmp.Diff(settled.Trade{}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCloseHasNoCallToMake(t *testing.T) {
	t.Parallel()
	b := open(t, cut)
	if err := b.gateway.Close(t.Context(), payment()); err != nil || len(b.got()) != 0 {
		t.Errorf("got %v and %d calls", err, len(b.got()))
	}
}

func TestAcknowledgeTellsWhoGotWhat(t *testing.T) {
	t.Parallel()
	b := open(t, answer(`{"errcode":0,"errmsg":"ok"}`), func(cfg *wechat.LegacyConfig) { cfg.DeliverNotify = true })
	if !b.gateway.Acknowledges() {
		t.Error("it does not acknowledge")
	}
	if err := b.gateway.Acknowledge(t.Context(), payment()); err != nil {
		t.Fatal(err)
	}
	got := b.got()
	if len(got) != 1 || got[0].Path != "/pay/delivernotify" || got[0].Query != "access_token=token-1" {
		t.Fatalf("got %+v", got)
	}
	var body map[string]string
	if err := json.Unmarshal([]byte(got[0].Body), &body); err != nil {
		t.Fatal(err)
	}
	delete(body, "app_signature") // held against an independent computation where it is made
	want := map[string]string{
		"appid": appID, "openid": "oX99MDgNcgwnz3zFN3DNmo8uwa-w", "transid": "1900000109201405080000000017",
		"out_trade_no": "20140508000017", "deliver_timestamp": "1399514976", "deliver_status": "1", "deliver_msg": "ok",
		"sign_method": "sha1",
	}
	if diff := cmp.Diff(want, body); diff != "" {
		t.Error(diff)
	}
}

func TestAcknowledgeFailsInKnownWays(t *testing.T) {
	t.Parallel()
	unpaid := payment()
	unpaid.Paid.OpenID = ""
	for name, test := range map[string]struct {
		payment settled.Payment
		answer  string
		want    error
	}{
		"nobody knows who paid":  {unpaid, `{"errcode":0}`, &settled.Unknown{Code: "openid_missing"}},
		"an unknown transaction": {payment(), `{"errcode":49005,"errmsg":"not existed transid"}`, &settled.Refusal{Code: "49005", Message: "not existed transid"}},
		"busy":                   {payment(), `{"errcode":-1,"errmsg":"system error"}`, &settled.Unknown{Code: "-1"}},
		"an empty answer":        {payment(), `{}`, &settled.Unknown{Code: "unreadable"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := open(t, answer(test.answer))
			wantFailure(t, b.gateway.Acknowledge(t.Context(), test.payment), test.want)
		})
	}
}
