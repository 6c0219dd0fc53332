package v2_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"settled/wechat/v2"
)

// asAnswer makes two messages of what the fuzzer gives: the bytes as they are, and, for no
// fuzzer finds a signature, lines of name=value written as XML and signed.
func asAnswer(tb testing.TB, data []byte) (raw, signed []byte) {
	tb.Helper()
	fields := map[string]string{}
	for line := range strings.Lines(string(data)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		fields[name] = value
	}
	fields["sign"] = v2.Sign(fields, apiKey, v2.HMACSHA256)
	return data, []byte(write(tb, "xml", fields))
}

// lines writes the fields of a message as asAnswer reads them.
func lines(tb testing.TB, message string) []byte {
	tb.Helper()
	var written strings.Builder
	for name, value := range fieldsOf(tb, message) {
		written.WriteString(name + "=" + value + "\n")
	}
	return []byte(written.String())
}

// seed gives the fuzzer the messages of testdata in both forms, and some that are broken.
func seed(f *testing.F, files ...string) {
	f.Helper()
	for _, file := range files {
		f.Add([]byte(read(f, file)))
		f.Add(lines(f, read(f, file)))
	}
	f.Add([]byte("return_code=SUCCESS\nresult_code=FAIL\nerr_code=ORDERPAID"))
	f.Add([]byte("<xml><return_code>FAIL</return_code><return_msg>frequency</return_msg></xml>"))
	f.Add([]byte("<xml><a><![CDATA[1]]></a><a/></xml>"))
	f.Add([]byte("\ufeff<?xml version=\"1.0\"?><!DOCTYPE xml><xml>&a;</xml>"))
}

// wantKnown checks that an error is of a kind that callers know.
func wantKnown(t *testing.T, err error) {
	t.Helper()
	var said *v2.Error
	switch {
	case errors.As(err, &said):
		_ = said.Error()
		if class := said.Verdict().Class; said.Code == "" && class != v2.Unknown && class != v2.CredentialsRefused {
			t.Errorf("%q is taken for %v", said.Message, class)
		}
	case err != nil && !errors.Is(err, v2.ErrUnreadable) && !errors.Is(err, v2.ErrUnverified):
		t.Errorf("got %v", err)
	}
}

// wantTrade checks what everyone relies on who is told of a trade.
func wantTrade(t *testing.T, trade v2.Trade, err error) {
	t.Helper()
	wantKnown(t, err)
	if err != nil && trade != (v2.Trade{}) {
		t.Errorf("failed, and yet %+v", trade)
	}
	if trade.State.Paid() && (trade.OrderID == "" || trade.TransactionID == "" || trade.PaidAt.IsZero() || trade.Total < 0 || trade.Currency == "") {
		t.Errorf("paid, but %+v", trade)
	}
	if !utf8.ValidString(trade.Attach) || strings.Contains(trade.Attach, "\x00") {
		t.Errorf("attach %q", trade.Attach)
	}
}

// wantRepayment checks what everyone relies on who is told of a refund.
func wantRepayment(t *testing.T, r v2.Repayment, err error) {
	t.Helper()
	wantKnown(t, err)
	if err != nil && r != (v2.Repayment{}) {
		t.Errorf("failed, and yet %+v", r)
	}
	if err == nil && (r.OrderID == "" || r.RefundID == "" || r.WechatRefundID == "" || r.RefundFee < 0 || r.TotalFee < 0) {
		t.Errorf("told of %+v", r)
	}
	if r.State != v2.RefundSuccess && !r.RefundedAt.IsZero() {
		t.Errorf("%s at %s", r.State, r.RefundedAt)
	}
}

func FuzzReadPrepay(f *testing.F) {
	seed(f, "unifiedorder_answer.xml")
	f.Fuzz(func(t *testing.T, data []byte) {
		raw, signed := asAnswer(t, data)
		for _, answer := range [][]byte{raw, signed} {
			for _, trade := range []v2.TradeType{v2.APP, v2.JSAPI, v2.NATIVE, v2.MWEB} {
				p, err := demo(v2.HMACSHA256).ReadPrepay(trade, answer)
				wantKnown(t, err)
				if (err == nil) != (p.PrepayID != "") {
					t.Errorf("got %+v, %v", p, err)
				}
			}
		}
	})
}

func FuzzReadQuery(f *testing.F) {
	seed(f, "orderquery_answer.xml")
	f.Fuzz(func(t *testing.T, data []byte) {
		raw, signed := asAnswer(t, data)
		for _, answer := range [][]byte{raw, signed} {
			trade, err := demo(v2.HMACSHA256).ReadQuery(answer)
			wantTrade(t, trade, err)
		}
	})
}

func FuzzReadClose(f *testing.F) {
	seed(f, "closeorder_answer.xml")
	f.Fuzz(func(t *testing.T, data []byte) {
		raw, signed := asAnswer(t, data)
		wantKnown(t, demo(v2.HMACSHA256).ReadClose(raw))
		wantKnown(t, demo(v2.HMACSHA256).ReadClose(signed))
	})
}

func FuzzReadRefund(f *testing.F) {
	seed(f, "refund_answer.xml")
	f.Fuzz(func(t *testing.T, data []byte) {
		raw, signed := asAnswer(t, data)
		for _, answer := range [][]byte{raw, signed} {
			r, err := demo(v2.HMACSHA256).ReadRefund(answer)
			wantRepayment(t, r, err)
		}
	})
}

func FuzzReadRefundQuery(f *testing.F) {
	seed(f, "refundquery_answer.xml")
	f.Fuzz(func(t *testing.T, data []byte) {
		raw, signed := asAnswer(t, data)
		for _, answer := range [][]byte{raw, signed} {
			r, err := demo(v2.HMACSHA256).ReadRefundQuery("1415701182", answer)
			wantRepayment(t, r, err)
			if err == nil && r.RefundID != "1415701182" {
				t.Errorf("asked for another refund than %+v", r)
			}
		}
	})
}

func FuzzReadNotify(f *testing.F) {
	seed(f, "notify.xml", "notify_hmac.xml", "orderquery_answer.xml", "refund_notify.xml")
	f.Fuzz(func(t *testing.T, data []byte) {
		raw, signed := asAnswer(t, data)
		for _, notify := range [][]byte{raw, signed} {
			v2.OfRefund(notify)
			trade, err := demo(v2.HMACSHA256).ReadNotify(notify)
			wantTrade(t, trade, err)
		}
	})
}

// The fuzzer gives a whole notify, and what req_info holds once it is opened.
func FuzzReadRefundNotify(f *testing.F) {
	seed(f, "refund_notify.xml", "refund_info.xml", "notify.xml")
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := demo(v2.MD5).ReadRefundNotify(data)
		wantRepayment(t, r, err)
		info := string(data)
		r, err = demo(v2.MD5).ReadRefundNotify([]byte(refundNotify(t, closed(t, info, padding(info)))))
		wantRepayment(t, r, err)
	})
}

// The fuzzer gives req_info as it stands in a notify, and as it is before it is opened.
func FuzzDecrypt(f *testing.F) {
	f.Add("pZwJZBLuy3mDACEQT4YTBw==")
	f.Add(fieldsOf(f, read(f, "refund_notify.xml"))["req_info"])
	f.Add("\x10\x10\x10\x10\x10\x10\x10\x10\x10\x10\x10\x10\x10\x10\x10\x10")
	f.Add("AA==")
	f.Add("")
	f.Fuzz(func(t *testing.T, data string) {
		for _, reqInfo := range []string{data, closed(t, data, "")} {
			text, err := v2.Decrypt(reqInfo, []byte("d96eb16afdd491fa1e705096edbc2205"))
			wantKnown(t, err)
			if err != nil && text != nil {
				t.Errorf("failed, and yet %q", text)
			}
			r, err := demo(v2.MD5).ReadRefundNotify([]byte(refundNotify(t, reqInfo)))
			wantRepayment(t, r, err)
		}
	})
}

// What we write, WeChat reads as it was meant, whatever the shop puts in.
func FuzzPrepayRequest(f *testing.F) {
	f.Add("一壶茶", "shop 7 & more", "203.0.113.7")
	f.Add("]]>\r\n<a>&amp;", "a\x00", "::1")
	f.Fuzz(func(t *testing.T, description, attach, clientIP string) {
		o := order()
		o.Description, o.Attach, o.ClientIP = description, attach, clientIP
		body, err := demo(v2.HMACSHA256).PrepayRequest(o, nonce)
		if err != nil {
			t.Fatal(err)
		}
		fields := fieldsOf(t, string(body))
		if right := v2.Sign(fields, apiKey, v2.HMACSHA256); fields["sign"] != right {
			t.Errorf("signed %s, but what is read signs %s", fields["sign"], right)
		}
		if len(fields["body"]) > 127 || len(fields["attach"]) > 127 || fields["attach"] != "" && fields["attach"] != attach {
			t.Errorf("body %q, attach %q", fields["body"], fields["attach"])
		}
		again, err := demo(v2.HMACSHA256).PrepayRequest(o, nonce)
		if err != nil || string(again) != string(body) {
			t.Errorf("the same order was written as %s, then as %s", body, again)
		}
	})
}
