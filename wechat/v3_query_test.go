package wechat_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"settled"
)

// v3Paid says that the payment was paid, with a coupon for 99 fen.
const v3Paid = `{"mchid":"1900007291","appid":"wxd930ea5d5a258f4f","out_trade_no":"T|20140508*17","transaction_id":"4200000017",` +
	`"trade_type":"APP","trade_state":"SUCCESS","trade_state_desc":"支付成功","bank_type":"CMB_FP","attach":"cart 77",` +
	`"success_time":"2014-05-08T10:10:15+08:00","payer":{"openid":"oX99MDgNcgwnz3zFN3DNmo8uwa-w"},` +
	`"amount":{"total":1999,"payer_total":1900,"currency":"CNY","payer_currency":"CNY"}}`

func v3PaidTrade() settled.Trade {
	return settled.Trade{
		Paid: true, OrderID: "T|20140508*17", TransactionID: "4200000017",
		Amount: settled.Money{Total: 1999, Currency: settled.CNY}, PaidAt: time.Unix(1399515015, 0),
		OpenID: "oX99MDgNcgwnz3zFN3DNmo8uwa-w", BankType: "CMB_FP", Attach: "cart 77",
	}
}

// in says the same with something else in it.
func in(body, old, instead string) string { return strings.Replace(body, old, instead, 1) }

func TestV3QueryTellsWhatWeChatKnows(t *testing.T) {
	t.Parallel()
	ofMerchant, ofApp := v3PaidTrade(), v3PaidTrade()
	ofMerchant.Foreign = `merchant "1900007292" is not 1900007291`
	ofApp.Foreign = `app "wxf8b4f85f3a794e77" is not wxd930ea5d5a258f4f`
	unpaid := settled.Trade{OrderID: "T|20140508*17"}
	closed := settled.Trade{OrderID: "T|20140508*17", Closed: true}
	for name, test := range map[string]struct {
		answer v3Answer
		want   settled.Trade
	}{
		"paid":                    {signed(v3Paid), v3PaidTrade()},
		"given back":              {signed(in(v3Paid, "SUCCESS", "REFUND")), v3PaidTrade()},
		"paid to another":         {signed(in(v3Paid, "1900007291", "1900007292")), ofMerchant},
		"paid for another app":    {signed(in(v3Paid, appID, "wxf8b4f85f3a794e77")), ofApp},
		"not paid":                {signed(in(v3Paid, "SUCCESS", "NOTPAY")), unpaid},
		"being paid":              {signed(in(v3Paid, "SUCCESS", "USERPAYING")), unpaid},
		"closed":                  {signed(in(v3Paid, "SUCCESS", "CLOSED")), closed},
		"revoked":                 {signed(in(v3Paid, "SUCCESS", "REVOKED")), closed},
		"failed":                  {signed(in(v3Paid, "SUCCESS", "PAYERROR")), closed},
		"not known":               {refused(404, "ORDER_NOT_EXIST"), unpaid},
		"not known, in new words": {refused(404, "RESOURCE_NOT_EXISTS"), unpaid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := openV3(t, nil, test.answer)
			got, err := b.gateway.Query(t.Context(), v3Payment())
			if err != nil {
				t.Fatal(err)
			}
			test.want.RequestID = v3AnswerName
			if diff := cmp.Diff(test.want, got, cmpopts.EquateApproxTime(0)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestV3QueryAsksForTheOrderInItsSignedForm(t *testing.T) {
	t.Parallel()
	b := openV3(t, nil, signed(v3Paid))
	if _, err := b.gateway.Query(t.Context(), v3Payment()); err != nil {
		t.Fatal(err)
	}
	got := b.got()
	const want = "/v3/pay/transactions/out-trade-no/T%7C20140508%2A17?mchid=1900007291"
	if len(got) != 1 || got[0].Method != "GET" || got[0].URI != want || got[0].Body != "" {
		t.Fatalf("got %+v", got)
	}
	checkSigned(t, got[0])
	if diff := cmp.Diff([]string{"query main done 0 " + v3AnswerName}, b.observed); diff != "" {
		t.Error(diff)
	}
}

func TestV3QueryIsUnknownIfTheAnswerSaysNothingAboutTheOrder(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer v3Answer
		want   *settled.Unknown
	}{
		"busy":                       {refused(500, "SYSTEM_ERROR"), &settled.Unknown{Code: "SYSTEM_ERROR"}},
		"too often":                  {refused(429, "RATELIMIT_EXCEEDED"), &settled.Unknown{Code: "RATELIMIT_EXCEEDED", After: 5 * time.Second}},
		"a wrong key":                {refused(401, "SIGN_ERROR"), &settled.Unknown{Code: "SIGN_ERROR", After: 5 * time.Minute}},
		"a request it can't read":    {refused(400, "PARAM_ERROR"), &settled.Unknown{Code: "PARAM_ERROR", After: 5 * time.Minute}},
		"a code of later years":      {refused(400, "LATER"), &settled.Unknown{Code: "LATER", After: 5 * time.Minute}},
		"nobody's 404":               {v3Answer{status: 404, body: "<html>"}, &settled.Unknown{Code: "status_404"}},
		"another order, paid":        {signed(in(v3Paid, "T|20140508*17", "T|20140508*18")), &settled.Unknown{Code: "other_order"}},
		"an amount in quotes":        {signed(in(v3Paid, `"total":1999`, `"total":"1999"`)), &settled.Unknown{Code: "unreadable"}},
		"paid at no time":            {signed(in(v3Paid, "2014-05-08T10:10:15+08:00", "")), &settled.Unknown{Code: "unreadable"}},
		"paid, says nobody we know":  {v3Answer{status: 200, body: v3Paid}, &settled.Unknown{Code: "unverified"}},
		"paid, says another key":     {v3Answer{status: 200, body: v3Paid, serial: "C3"}, &settled.Unknown{Code: "unverified"}},
		"paid, in an error":          {v3Answer{status: 500, body: v3Paid, serial: v3PublicID}, &settled.Unknown{Code: "status_500"}},
		"paid, in a page of a proxy": {v3Answer{status: 200, body: "<html>"}, &settled.Unknown{Code: "unverified"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := openV3(t, nil, test.answer).gateway.Query(t.Context(), v3Payment())
			wantFailure(t, err, test.want)
			if diff := cmp.Diff(settled.Trade{}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestV3WithoutAnAnswerTheOutcomeIsUnknown(t *testing.T) {
	t.Parallel()
	_, err := openV3(t, nil).gateway.Query(t.Context(), v3Payment())
	wantFailure(t, err, &settled.Unknown{Code: "connection"})
}

func TestV3CloseClosesWhatIsNotPaid(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer v3Answer
		want   error
	}{
		"closed":              {v3Answer{status: 204, serial: v3PublicID}, nil},
		"closed before":       {refused(400, "ORDER_CLOSED"), nil},
		"never there":         {refused(404, "ORDER_NOT_EXIST"), nil},
		"paid":                {refused(400, "ORDER_PAID"), &settled.Refusal{Code: "ORDER_PAID", Message: "m", Contested: true, Paid: true, RequestID: v3AnswerName}},
		"paid, in old words":  {refused(403, "ORDERPAID"), &settled.Refusal{Code: "ORDERPAID", Message: "m", Contested: true, Paid: true, RequestID: v3AnswerName}},
		"busy":                {refused(500, "SYSTEM_ERROR"), &settled.Unknown{Code: "SYSTEM_ERROR"}},
		"a wrong key":         {refused(401, "SIGN_ERROR"), &settled.Unknown{Code: "SIGN_ERROR", After: 5 * time.Minute}},
		"closed, says nobody": {v3Answer{status: 204}, &settled.Unknown{Code: "unverified"}},
		"nobody's 404":        {v3Answer{status: 404}, &settled.Unknown{Code: "status_404"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := openV3(t, nil, test.answer)
			if err := b.gateway.Close(t.Context(), v3Payment()); test.want != nil {
				wantFailure(t, err, test.want)
			} else if err != nil {
				t.Error(err)
			}
			got := b.got()
			if len(got) != 1 || got[0].URI != "/v3/pay/transactions/out-trade-no/T%7C20140508%2A17/close" || got[0].Body != `{"mchid":"1900007291"}` {
				t.Fatalf("got %+v", got)
			}
			checkSigned(t, got[0])
		})
	}
}

func TestV3AcknowledgesNothing(t *testing.T) {
	t.Parallel()
	b := openV3(t, nil)
	if err := b.gateway.Acknowledge(t.Context(), v3Payment()); err != nil || b.gateway.Acknowledges() || len(b.got()) != 0 {
		t.Errorf("got %v and %d calls", err, len(b.got()))
	}
}

func TestV3CredentialsThatAreRefusedAreSomebodysWork(t *testing.T) {
	t.Parallel()
	b := openV3(t, nil, refused(403, "NO_AUTH"))
	if _, err := b.gateway.Query(t.Context(), v3Payment()); err == nil {
		t.Error("no error")
	}
	if !strings.Contains(b.log.String(), "level=ERROR msg=\"wechat refuses the credentials\"") {
		t.Errorf("logged %s", b.log.String())
	}
}
