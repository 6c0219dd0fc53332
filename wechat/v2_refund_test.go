package wechat_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"settled"
	"settled/wechat"
)

// v2Refund is a refund with its request stored.
func v2Refund() settled.Refund {
	return settled.Refund{
		ID: "0b5a6f0e-7b0c-4a53-8f0e-4f2f5a1d9a01", Merchant: "shop2", OrderID: "20140508000017", RefundID: "20140508000017-1",
		Amount: 500, Total: 1999, Currency: settled.CNY, Reason: "a cracked pot",
		Request: []byte("<xml><stored>refund</stored></xml>"),
	}
}

// v2Accepted is what WeChat says to the refund.
var v2Accepted = map[string]string{
	"out_trade_no": "20140508000017", "transaction_id": "1008450740201405080005820873", "out_refund_no": "20140508000017-1",
	"refund_id": "2008450740201405080000174436", "refund_fee": "500", "total_fee": "1999",
}

// v2Refunds is what WeChat says of the order's refunds, of which ours is the second.
var v2Refunds = map[string]string{
	"out_trade_no": "20140508000017", "transaction_id": "1008450740201405080005820873", "total_fee": "1999", "refund_count": "2",
	"out_refund_no_0": "20140508000017-0", "refund_id_0": "2008450740201405080000174435", "refund_fee_0": "1", "refund_status_0": "PROCESSING",
	"out_refund_no_1": "20140508000017-1", "refund_id_1": "2008450740201405080000174436", "refund_fee_1": "500", "refund_status_1": "SUCCESS",
	"refund_recv_accout_1": "招商银行信用卡0403", "refund_success_time_1": "2014-05-08 10:30:00",
}

func v2Repayment(state settled.RepaymentState) settled.Repayment {
	r := settled.Repayment{
		State: state, OrderID: "20140508000017", RefundID: "20140508000017-1", TransactionID: "1008450740201405080005820873",
		WechatRefundID: "2008450740201405080000174436", Amount: 500, Total: 1999,
	}
	if state == settled.RepaymentSucceeded {
		r.Account, r.RefundedAt = "招商银行信用卡0403", time.Unix(1399516200, 0)
	}
	return r
}

func TestV2RefundRequestIsMadeOfPaymentAndRefundAlone(t *testing.T) {
	t.Parallel()
	b := openV2(t, cut)
	body, err := b.gateway.RefundRequest(v2Payment(settled.APP), v2Refund())
	if err != nil {
		t.Fatal(err)
	}
	want := v2Asked(map[string]string{
		"out_trade_no": "20140508000017", "out_refund_no": "20140508000017-1", "refund_fee": "500", "total_fee": "1999",
		"refund_fee_type": "CNY", "refund_desc": "a cracked pot", "notify_url": v2NotifyURL + "/refund",
	})
	if diff := cmp.Diff(want, v2Read(t, string(body))); diff != "" {
		t.Error(diff)
	}
	if len(b.got()) != 0 {
		t.Error("it made a call")
	}
}

func TestV2RefundSendsWhatIsStoredAndIsNotBackYet(t *testing.T) {
	t.Parallel()
	b := openV2(t, answer(v2Yes(v2Accepted)))
	got, err := b.gateway.Refund(t.Context(), v2Refund())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(v2Repayment(settled.RepaymentProcessing), got); diff != "" {
		t.Error(diff)
	}
	sent := []v2Request{{
		Host: "main", Method: "POST", Path: "/secapi/pay/refund", Media: "text/xml; charset=utf-8", Body: string(v2Refund().Request),
	}}
	if diff := cmp.Diff(sent, b.got()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"refund main done 0"}, b.observed); diff != "" {
		t.Error(diff)
	}
}

func TestV2RefundIsNeverRefusedWithoutAQuestionLeft(t *testing.T) {
	t.Parallel()
	contested := func(code string) error {
		return &settled.Refusal{Code: code, Message: "no", Contested: true}
	}
	for name, test := range map[string]struct {
		answer string
		want   error
	}{
		"another amount before":  {v2No("REFUND_FEE_MISMATCH", "no"), contested("REFUND_FEE_MISMATCH")},
		"an account gone":        {v2No("USER_ACCOUNT_ABNORMAL", "no"), contested("USER_ACCOUNT_ABNORMAL")},
		"a code of later years":  {v2No("NEW_RULE", "no"), contested("NEW_RULE")},
		"short of money":         {v2No("NOTENOUGH", "no"), &settled.Unknown{Code: "NOTENOUGH", After: 10 * time.Minute}},
		"a certificate not seen": {v2No("CERT_ERROR", "no"), &settled.Unknown{Code: "CERT_ERROR", After: 5 * time.Minute}},
		"busy":                   {v2No("BIZERR_NEED_RETRY", "no"), &settled.Unknown{Code: "BIZERR_NEED_RETRY"}},
		"another refund":         {v2Yes(v2With(v2Accepted, "out_refund_no", "20140508000017-2")), &settled.Unknown{Code: "other_order"}},
		"of another order":       {v2Yes(v2With(v2Accepted, "out_trade_no", "20140508000018")), &settled.Unknown{Code: "other_order"}},
		"says anybody":           {v2Message("another key", v2Accepted), &settled.Unknown{Code: "unverified"}},
		"no number of WeChat's":  {v2Yes(v2With(v2Accepted, "refund_id", "")), &settled.Unknown{Code: "unreadable"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := openV2(t, answer(test.answer)).gateway.Refund(t.Context(), v2Refund())
			wantFailure(t, err, test.want)
			if diff := cmp.Diff(settled.Repayment{}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestV2QueryRefundTellsWhatWeChatKnows(t *testing.T) {
	t.Parallel()
	foreign := v2Repayment(settled.RepaymentSucceeded)
	foreign.Foreign = `merchant "10000101" is not 10000100`
	of := func(state string) string {
		return v2Yes(v2With(v2Refunds, "refund_status_1", state, "refund_recv_accout_1", "", "refund_success_time_1", ""))
	}
	for name, test := range map[string]struct {
		answer string
		want   settled.Repayment
	}{
		"back":               {v2Yes(v2Refunds), v2Repayment(settled.RepaymentSucceeded)},
		"another merchant's": {v2Yes(v2With(v2Refunds, "mch_id", "10000101")), foreign},
		"on its way":         {of("PROCESSING"), v2Repayment(settled.RepaymentProcessing)},
		"given up":           {of("REFUNDCLOSE"), v2Repayment(settled.RepaymentClosed)},
		"stuck":              {of("CHANGE"), v2Repayment(settled.RepaymentAbnormal)},
		"not known": {
			v2No("REFUNDNOTEXIST", "no such refund"),
			settled.Repayment{State: settled.RepaymentAbsent, OrderID: "20140508000017", RefundID: "20140508000017-1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := openV2(t, answer(test.answer))
			got, err := b.gateway.QueryRefund(t.Context(), v2Refund())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, cmpopts.EquateApproxTime(0)); diff != "" {
				t.Error(diff)
			}
			sent := b.got()
			if len(sent) != 1 || sent[0].Path != "/pay/refundquery" {
				t.Fatalf("sent %+v", sent)
			}
			if diff := cmp.Diff(v2Asked(map[string]string{"out_refund_no": "20140508000017-1"}), v2Read(t, sent[0].Body)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestV2QueryRefundIsUnknownIfTheAnswerSaysNothingAboutIt(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer string
		want   *settled.Unknown
	}{
		"of another order":          {v2Yes(v2With(v2Refunds, "out_trade_no", "20140508000018")), &settled.Unknown{Code: "other_order"}},
		"others alone":              {v2Yes(v2With(v2Refunds, "out_refund_no_1", "20140508000017-2")), &settled.Unknown{Code: "unreadable"}},
		"a state that nobody knows": {v2Yes(v2With(v2Refunds, "refund_status_1", "NEW")), &settled.Unknown{Code: "unreadable"}},
		"an order not known":        {v2No("ORDERNOTEXIST", "no"), &settled.Unknown{Code: "ORDERNOTEXIST", After: 5 * time.Minute}},
		"says anybody":              {v2Message("another key", v2Refunds), &settled.Unknown{Code: "unverified"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := openV2(t, answer(test.answer)).gateway.QueryRefund(t.Context(), v2Refund())
			wantFailure(t, err, test.want)
			if diff := cmp.Diff(settled.Repayment{}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestV2ShowsItsCertificateToGiveMoneyBackAlone(t *testing.T) {
	t.Parallel()
	b := openV2(t, cut, func(b *v2Bundle, cfg *wechat.V2Config) {
		server := httptest.NewUnstartedServer(b.host(t, "main", answers(v2Yes(v2Accepted), v2Yes(v2Refunds), v2Yes(v2Paid))))
		server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
		server.StartTLS()
		t.Cleanup(server.Close)
		cfg.Endpoint, cfg.HTTP, cfg.Certificate = server.URL, server.Client(), v2Certificate(t)
	})
	_, refund := b.gateway.Refund(t.Context(), v2Refund())
	_, refunded := b.gateway.QueryRefund(t.Context(), v2Refund())
	_, query := b.gateway.Query(t.Context(), v2Payment(settled.APP))
	if refund != nil || refunded != nil || query != nil {
		t.Fatal(refund, refunded, query)
	}
	shown := map[string]string{}
	for _, r := range b.got() {
		shown[r.Path] = r.Certificate
	}
	if diff := cmp.Diff(map[string]string{"/secapi/pay/refund": v2MchID, "/pay/refundquery": "", "/pay/orderquery": ""}, shown); diff != "" {
		t.Error(diff)
	}
}

// v2Certificate makes an API certificate of the merchant's.
func v2Certificate(t *testing.T) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: v2MchID}, NotBefore: now, NotAfter: now.AddDate(30, 0, 0),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{certificate}, PrivateKey: key}
}
