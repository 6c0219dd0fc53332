package wechat_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"settled"
	"settled/wechat"
)

// v3Notify is a notify of a type around an encrypted text, signed at the time of the tests.
func v3Notify(t *testing.T, serial, kind, text string) settled.Notify {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"id": "EV-1", "create_time": "2014-05-08T10:10:15+08:00", "event_type": kind, "resource_type": "encrypt-resource",
		"resource": v3Seal(t, "0123456789ab", "notify", text),
	})
	if err != nil {
		t.Fatal(err)
	}
	return settled.Notify{Method: "POST", Header: v3Headers(t, serial, string(body), now), Body: body, ReceivedAt: now}
}

// v3RefundNotify is what a notify tells of a refund: the state has another name there, and
// the amount no currency.
var v3RefundNotify = strings.NewReplacer(`"status"`, `"refund_status"`, `,"currency":"CNY"`, ``, `{"refund_id"`, `{"mchid":"1900007291","refund_id"`).Replace(v3Refunded)

func TestV3NotifyBelievesWhatIsSigned(t *testing.T) {
	t.Parallel()
	paid, foreign := v3PaidTrade(), v3PaidTrade()
	foreign.Foreign = `merchant "1900007292" is not 1900007291`
	repaid, abnormal, foreignRefund := v3Repaid(), v3Repaid(), v3Repaid()
	abnormal.State, abnormal.RefundedAt = settled.RepaymentAbnormal, time.Time{}
	foreignRefund.Foreign = foreign.Foreign
	for name, test := range map[string]struct {
		kind, text string
		want       settled.News
	}{
		"paid":              {"TRANSACTION.SUCCESS", v3Paid, settled.News{Trade: &paid}},
		"paid to another":   {"TRANSACTION.SUCCESS", in(v3Paid, "1900007291", "1900007292"), settled.News{Trade: &foreign}},
		"repaid":            {"REFUND.SUCCESS", v3RefundNotify, settled.News{Repayment: &repaid}},
		"not repaid":        {"REFUND.ABNORMAL", in(v3RefundNotify, "SUCCESS", "ABNORMAL"), settled.News{Repayment: &abnormal}},
		"repaid by another": {"REFUND.SUCCESS", in(v3RefundNotify, "1900007291", "1900007292"), settled.News{Repayment: &foreignRefund}},
		"something else":    {"PAYSCORE.USER_OPEN_SERVICE", `{}`, settled.News{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := openV3(t, nil)
			got, err := b.gateway.Notify(t.Context(), v3Notify(t, v3PublicID, test.kind, test.text))
			if err != nil {
				t.Fatal(err)
			}
			test.want.Type = test.kind
			if diff := cmp.Diff(test.want, got, cmpopts.EquateApproxTime(0)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{v3PublicID + " notify"}, b.verified); diff != "" || len(b.got()) != 0 {
				t.Error(diff)
			}
		})
	}
}

func TestV3NotifyIsJudgedByWhenItCame(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		received time.Time
		clock    time.Duration // that has passed when it is read
		ok       bool
	}{
		"at once":                        {now, 0, true},
		"after an outage":                {now.Add(300 * time.Second), 10 * time.Hour, true},
		"too late":                       {now.Add(301 * time.Second), 0, false},
		"before its time":                {now.Add(-301 * time.Second), 0, false},
		"when nobody says, now":          {time.Time{}, 0, true},
		"when nobody says, an hour past": {time.Time{}, time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := openV3(t, nil)
			b.pass(test.clock)
			n := v3Notify(t, v3PublicID, "TRANSACTION.SUCCESS", v3Paid)
			n.ReceivedAt = test.received
			if _, err := b.gateway.Notify(t.Context(), n); (err == nil) != test.ok {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestV3NotifyIsUnverifiedIfAnythingIsWrong(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*settled.Notify){
		"nothing":        func(n *settled.Notify) { *n = settled.Notify{} },
		"no headers":     func(n *settled.Notify) { n.Header = nil },
		"another body":   func(n *settled.Notify) { n.Body = append(n.Body, ' ') },
		"an unknown key": func(n *settled.Notify) { n.Header["Wechatpay-Serial"] = []string{"C3"} },
		"a probe":        func(n *settled.Notify) { n.Header["Wechatpay-Signature"] = []string{"WECHATPAY/SIGNTEST/x"} },
		"a nonce twice":  func(n *settled.Notify) { n.Header["wechatpay-nonce"] = []string{v3Nonce} },
		"no resource":    func(n *settled.Notify) { *n = v3Signed(t, `{"event_type":"TRANSACTION.SUCCESS"}`) },
		"no JSON":        func(n *settled.Notify) { *n = v3Signed(t, `<xml/>`) },
		"nothing in it":  func(n *settled.Notify) { *n = v3Notify(t, v3PublicID, "TRANSACTION.SUCCESS", "{}") },
		"a wrong APIv3":  func(n *settled.Notify) { *n = v3Signed(t, in(string(n.Body), "0123456789ab", "0123456789ac")) },
		"a short nonce":  func(n *settled.Notify) { *n = v3Signed(t, in(string(n.Body), "0123456789ab", "0123456789a")) },
		"an amount twice": func(n *settled.Notify) {
			*n = v3Notify(t, v3PublicID, "TRANSACTION.SUCCESS", in(v3Paid, `"total"`, `"total":1,"total"`))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := v3Notify(t, v3PublicID, "TRANSACTION.SUCCESS", v3Paid)
			change(&n)
			got, err := openV3(t, nil).gateway.Notify(t.Context(), n)
			if !errors.Is(err, settled.ErrUnverified) || got != (settled.News{}) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

// v3Signed is a notify of any body.
func v3Signed(t *testing.T, body string) settled.Notify {
	t.Helper()
	return settled.Notify{Header: v3Headers(t, v3PublicID, body, now), Body: []byte(body), ReceivedAt: now}
}

func TestV3AnswerIsTheProtocolsOwn(t *testing.T) {
	t.Parallel()
	for acknowledgement, want := range map[settled.Acknowledgement]settled.Answer{
		settled.Success:    {Status: http.StatusNoContent},
		settled.Unverified: {Status: http.StatusUnauthorized, ContentType: "application/json", Body: []byte(`{"code":"FAIL","message":"not verified"}`)},
		settled.Busy:       {Status: http.StatusServiceUnavailable, ContentType: "application/json", Body: []byte(`{"code":"FAIL","message":"try again"}`)},
	} {
		t.Run(string(acknowledgement), func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(want, openV3(t, nil).gateway.Answer(acknowledgement)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestV3WhileKeysChangeBothKindsVerify(t *testing.T) {
	t.Parallel()
	both := func(cfg *wechat.V3Config) {
		cfg.Certificates = &texts{all: []string{v3Certificates(t, v3OldSerial, v3NewSerial)}}
	}
	b := openV3(t, both, signed(v3Paid), v3Answer{status: 200, body: v3Paid, serial: v3OldSerial})
	for _, serial := range []string{v3PublicID, v3OldSerial, v3NewSerial} {
		if _, err := b.gateway.Notify(t.Context(), v3Notify(t, serial, "TRANSACTION.SUCCESS", v3Paid)); err != nil {
			t.Errorf("%s: %v", serial, err)
		}
	}
	for range 2 {
		if _, err := b.gateway.Query(t.Context(), v3Payment()); err != nil {
			t.Error(err)
		}
	}
	want := []string{
		v3PublicID + " notify", v3OldSerial + " notify", v3NewSerial + " notify", v3PublicID + " query", v3OldSerial + " query",
	}
	if diff := cmp.Diff(want, b.verified); diff != "" {
		t.Error(diff)
	}
	for _, r := range b.got() {
		if r.Serial != v3PublicID { // the public key is asked for, whatever is taken
			t.Errorf("asked for %q", r.Serial)
		}
	}
}
