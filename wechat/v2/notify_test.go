package v2_test

import (
	"bytes"
	"crypto/aes"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"settled/wechat/v2"
)

// documentNotify is what testdata/notify.xml says.
func documentNotify() v2.Trade {
	return v2.Trade{
		State: v2.TradeSuccess, AppID: "wx2421b1c4370ec43b", MchID: "10000100", OrderID: "1409811653",
		TransactionID: "1004400740201409030005092168", Total: 1, Currency: "CNY",
		PaidAt: time.Date(2014, 9, 3, 5, 15, 40, 0, time.UTC),
		OpenID: "oUpF8uMEb4qRXf22hE3X68TekukE", BankType: "CFT", Attach: "支付测试",
	}
}

func TestReadNotifyReadsTheDocumentsSample(t *testing.T) {
	t.Parallel()
	for file, by := range map[string]v2.SignType{"notify.xml": v2.MD5, "notify_hmac.xml": v2.HMACSHA256} {
		got, err := demo(by).ReadNotify([]byte(read(t, file)))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if diff := cmp.Diff(documentNotify(), got, cmpopts.EquateApproxTime(0)); diff != "" {
			t.Errorf("%s: %s", file, diff)
		}
	}
}

func TestNoNotifyChoosesHowItIsVerified(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		agreed v2.SignType
		notify string
		want   error
	}{
		"MD5, as agreed":                          {v2.MD5, read(t, "notify.xml"), nil},
		"MD5, as agreed, and says so":             {v2.MD5, signed(t, "notify.xml", map[string]string{"sign_type": "MD5"}), nil},
		"MD5 where HMAC was agreed":               {v2.HMACSHA256, read(t, "notify.xml"), v2.ErrUnverified},
		"MD5 that says so where HMAC was agreed":  {v2.HMACSHA256, signed(t, "notify.xml", map[string]string{"sign_type": "MD5"}), v2.ErrUnverified},
		"MD5 that says HMAC":                      {v2.HMACSHA256, signed(t, "notify.xml", map[string]string{"sign_type": "HMAC-SHA256"}), v2.ErrUnverified},
		"MD5 that says HMAC where MD5 was agreed": {v2.MD5, signed(t, "notify.xml", map[string]string{"sign_type": "HMAC-SHA256"}), v2.ErrUnverified},
		"HMAC where MD5 was agreed":               {v2.MD5, read(t, "notify_hmac.xml"), v2.ErrUnverified},
		"HMAC that does not say so":               {v2.HMACSHA256, signed(t, "notify_hmac.xml", map[string]string{"sign_type": gone}), nil},
		"a type that nobody knows":                {v2.MD5, signed(t, "notify.xml", map[string]string{"sign_type": "RSA"}), v2.ErrUnverified},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := demo(test.agreed).ReadNotify([]byte(test.notify))
			wantError(t, err, test.want)
		})
	}
}

func TestReadNotifyReadsWhatIsSigned(t *testing.T) {
	t.Parallel()
	with := func(change func(*v2.Trade)) v2.Trade {
		trade := documentNotify()
		change(&trade)
		return trade
	}
	unpaid := v2.Trade{AppID: "wx2421b1c4370ec43b", MchID: "10000100", OrderID: "1409811653"}
	for name, test := range map[string]struct {
		change map[string]string
		want   v2.Trade
		err    error
	}{
		"coupons that nobody knows":        {map[string]string{"coupon_id_0": "1", "coupon_fee_0": "0", "coupon_type_0": ""}, documentNotify(), nil},
		"JSON in a later element":          {map[string]string{"promotion_detail": `{"url":"a?b=1&c=2"}`}, documentNotify(), nil},
		"another merchant's, for a person": {map[string]string{"mch_id": "10000101"}, with(func(t *v2.Trade) { t.MchID = "10000101" }), nil},
		"another app's, for a person":      {map[string]string{"appid": "wx0"}, with(func(t *v2.Trade) { t.AppID = "wx0" }), nil},
		"a payment that failed":            {map[string]string{"result_code": "FAIL", "err_code": "BANKERROR"}, unpaid, nil},
		"a message that failed":            {map[string]string{"return_code": "FAIL"}, unpaid, nil},
		"no return_code":                   {map[string]string{"return_code": gone}, unpaid, nil},
		"no out_trade_no":                  {map[string]string{"out_trade_no": gone, "result_code": "FAIL"}, v2.Trade{}, v2.ErrUnreadable},
		"no transaction_id":                {map[string]string{"transaction_id": gone}, v2.Trade{}, v2.ErrUnreadable},
		"no total_fee":                     {map[string]string{"total_fee": gone}, v2.Trade{}, v2.ErrUnreadable},
		"no time_end":                      {map[string]string{"time_end": gone}, v2.Trade{}, v2.ErrUnreadable},
		"the answer to a query":            {map[string]string{"trade_state": "NOTPAY"}, v2.Trade{}, v2.ErrUnreadable},
		"two elements that pass for one": {
			map[string]string{"total_fee": "1&trade_type=JSAPI", "trade_type": gone}, v2.Trade{}, v2.ErrUnreadable,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := demo(v2.MD5).ReadNotify([]byte(signed(t, "notify.xml", test.change)))
			if diff := cmp.Diff(test.want, got, cmpopts.EquateApproxTime(0)); diff != "" {
				t.Error(diff)
			}
			wantError(t, err, test.err)
		})
	}
}

// documentRefundNotify is what testdata/refund_notify.xml says.
func documentRefundNotify() v2.Repayment {
	return v2.Repayment{
		State: v2.RefundSuccess, AppID: "wx2421b1c4370ec43b", MchID: "10000100", OrderID: "71106718111915575302817",
		RefundID: "131811191610442717309", TransactionID: "4200000215201811190261405420",
		WechatRefundID: "50000408942018111907145868882", RefundFee: 3960, TotalFee: 3960,
		RefundedAt: time.Date(2018, 11, 19, 8, 24, 13, 0, time.UTC), Account: "支付用户零钱",
	}
}

func TestReadRefundNotifyReadsWhatReqInfoHolds(t *testing.T) {
	t.Parallel()
	got, err := demo(v2.HMACSHA256).ReadRefundNotify([]byte(read(t, "refund_notify.xml")))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(documentRefundNotify(), got, cmpopts.EquateApproxTime(0)); diff != "" {
		t.Error(diff)
	}
}

// closed closes a text as WeChat closes req_info, with padding of the test's choice.
func closed(tb testing.TB, text, padding string) string {
	tb.Helper()
	sum := md5.Sum([]byte(apiKey))
	block, err := aes.NewCipher([]byte(hex.EncodeToString(sum[:])))
	if err != nil {
		tb.Fatal(err)
	}
	raw := []byte(text + padding)
	for at := 0; at+aes.BlockSize <= len(raw); at += aes.BlockSize {
		block.Encrypt(raw[at:], raw[at:])
	}
	return base64.StdEncoding.EncodeToString(raw)
}

// padding is PKCS#7's.
func padding(text string) string {
	n := aes.BlockSize - len(text)%aes.BlockSize
	return string(bytes.Repeat([]byte{byte(n)}, n))
}

// refundNotify is a refund notify around what req_info holds.
func refundNotify(tb testing.TB, reqInfo string) string {
	tb.Helper()
	fields := fieldsOf(tb, read(tb, "refund_notify.xml"))
	fields["req_info"] = reqInfo
	return write(tb, "xml", fields)
}

func TestReadRefundNotifyReadsEveryState(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change map[string]string
		want   func(*v2.Repayment)
		err    error
	}{
		"closed":                    {map[string]string{"refund_status": "REFUNDCLOSE"}, func(r *v2.Repayment) { r.State, r.RefundedAt = v2.RefundClosed, time.Time{} }, nil},
		"not paid out":              {map[string]string{"refund_status": "CHANGE", "success_time": ""}, func(r *v2.Repayment) { r.State, r.RefundedAt = v2.RefundChange, time.Time{} }, nil},
		"nobody says when":          {map[string]string{"success_time": ""}, func(r *v2.Repayment) { r.RefundedAt = time.Time{} }, nil},
		"a state that nobody knows": {map[string]string{"refund_status": "DONE"}, nil, v2.ErrUnreadable},
		"a time of no calendar":     {map[string]string{"success_time": "2018-13-19 16:24:13"}, nil, v2.ErrUnreadable},
		"no refund":                 {map[string]string{"out_refund_no": ""}, nil, v2.ErrUnreadable},
		"an amount in yuan":         {map[string]string{"refund_fee": "39.60"}, nil, v2.ErrUnreadable},
		"another merchant inside":   {map[string]string{"mch_id": "10000101", "appid": "wx0"}, func(*v2.Repayment) {}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fields := fieldsOf(t, read(t, "refund_info.xml"))
			for name, value := range test.change {
				fields[name] = value
			}
			info := write(t, "root", fields)
			got, err := demo(v2.MD5).ReadRefundNotify([]byte(refundNotify(t, closed(t, info, padding(info)))))
			var want v2.Repayment
			if test.want != nil {
				want = documentRefundNotify()
				test.want(&want)
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateApproxTime(0)); diff != "" {
				t.Error(diff)
			}
			wantError(t, err, test.err)
		})
	}
}

func TestReadRefundNotifyRefusesAReqInfo(t *testing.T) {
	t.Parallel()
	info := read(t, "refund_info.xml")
	published := fieldsOf(t, read(t, "refund_notify.xml"))["req_info"]
	whole := strings.Repeat("x", aes.BlockSize)
	other := demo(v2.MD5)
	other.APIKey = strings.Repeat("0", 32)
	for name, test := range map[string]struct {
		by      v2.Credentials
		reqInfo string
		want    error
	}{
		"that is empty":                         {demo(v2.MD5), "", v2.ErrUnreadable},
		"that is not base64":                    {demo(v2.MD5), "*" + published[1:], v2.ErrUnreadable},
		"of no whole blocks":                    {demo(v2.MD5), base64.StdEncoding.EncodeToString([]byte("seventeen bytes..")), v2.ErrUnreadable},
		"of one byte":                           {demo(v2.MD5), "AA==", v2.ErrUnreadable},
		"closed with another key":               {other, published, v2.ErrUnverified},
		"with padding of zero bytes":            {demo(v2.MD5), closed(t, whole, strings.Repeat("\x00", 16)), v2.ErrUnverified},
		"with padding of more than a block":     {demo(v2.MD5), closed(t, whole, strings.Repeat("\x11", 16)), v2.ErrUnverified},
		"with padding longer than itself":       {demo(v2.MD5), closed(t, "", strings.Repeat("\xff", 16)), v2.ErrUnverified},
		"with padding that is not all the same": {demo(v2.MD5), closed(t, whole, strings.Repeat("\x00", 14)+"\x01\x02"), v2.ErrUnverified},
		"of padding alone":                      {demo(v2.MD5), closed(t, "", strings.Repeat("\x10", 16)), v2.ErrUnreadable},
		"of another root":                       {demo(v2.MD5), closed(t, "<xml></xml>", padding("<xml></xml>")), v2.ErrUnreadable},
		"with a DTD":                            {demo(v2.MD5), closed(t, "<!DOCTYPE root>"+info, padding("<!DOCTYPE root>"+info)), v2.ErrUnreadable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := test.by.ReadRefundNotify([]byte(refundNotify(t, test.reqInfo)))
			if !errors.Is(err, test.want) {
				t.Errorf("got %+v, %v; want %v", got, err, test.want)
			}
		})
	}
}

func TestReadRefundNotifyRefusesAMessage(t *testing.T) {
	t.Parallel()
	for name, message := range map[string]string{
		"that says FAIL":  strings.Replace(read(t, "refund_notify.xml"), "SUCCESS", "FAIL", 1),
		"that is no XML":  "hello",
		"of a payment":    read(t, "notify.xml"),
		"that is not all": read(t, "refund_notify.xml")[:300],
	} {
		if got, err := demo(v2.MD5).ReadRefundNotify([]byte(message)); !errors.Is(err, v2.ErrUnreadable) {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

func TestDecryptOpensThePublishedExamples(t *testing.T) {
	t.Parallel()
	for _, v := range readJSON[[]struct{ Name, Key, Closed, Text string }](t, "aes_ecb.json") {
		got, err := v2.Decrypt(v.Closed, []byte(v.Key))
		if string(got) != v.Text || err != nil {
			t.Errorf("%s: got %q, %v", v.Name, got, err)
		}
	}
	if got, err := v2.Decrypt("pZwJZBLuy3mDACEQT4YTBw==", []byte("short")); err == nil {
		t.Errorf("a key of 5 bytes: got %q", got)
	}
}

func TestANotifyIsOfARefundIfItHasReqInfo(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]bool{
		read(t, "refund_notify.xml"):          true,
		read(t, "notify.xml"):                 false,
		"<xml><req_info></req_info></xml>":    false,
		"<root><req_info>a</req_info></root>": false,
		"<xml><req_info>a</req_info>":         false,
		"":                                    false,
	} {
		if got := v2.OfRefund([]byte(message)); got != want {
			t.Errorf("%.60s: got %t", message, got)
		}
	}
}

func TestTheAnswersToANotifyAreToTheLetter(t *testing.T) {
	t.Parallel()
	if want := `<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>`; v2.Success != want {
		t.Errorf("got %s", v2.Success)
	}
	got := v2.Failure("not ]]> verified\x00")
	if want := `<xml><return_code><![CDATA[FAIL]]></return_code><return_msg><![CDATA[not ]]]]><![CDATA[> verified]]></return_msg></xml>`; got != want {
		t.Errorf("got %s", got)
	}
}
