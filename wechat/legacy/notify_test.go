package legacy_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/text/encoding/simplifiedchinese"

	"settled/wechat/legacy"
)

// documentNotify is what testdata/notify_query.txt and notify_body.xml say.
func documentNotify() legacy.Notify {
	return legacy.Notify{
		Trade: legacy.Trade{
			Paid: true, Partner: "1900000109", OrderID: "843254536943809900",
			TransactionID: "1900000109201306060282555397", Total: 1, Currency: "CNY", BankType: "0",
			PaidAt: time.Date(2013, 6, 5, 17, 53, 31, 0, time.UTC),
		},
		AppID: "wxd930ea5d5a258f4f", OpenID: "111222",
	}
}

func TestReadNotifyReadsTheDocumentsSample(t *testing.T) {
	t.Parallel()
	got, err := demo(t, "app").ReadNotify(read(t, "notify_query.txt"), []byte(read(t, "notify_body.xml")))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(documentNotify(), got, cmpopts.EquateApproxTime(0)); diff != "" {
		t.Error(diff)
	}
}

// signQuery writes a notify's query around what the test changes: values are raw bytes.
func signQuery(t *testing.T, change map[string]string) string {
	t.Helper()
	values, err := url.ParseQuery(read(t, "notify_query.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range change {
		values.Set(name, value)
	}
	parameters := map[string]string{}
	for name := range values {
		parameters[name] = values.Get(name)
	}
	values.Set("sign", legacy.SignMD5(parameters, demo(t, "app").PartnerKey))
	return values.Encode()
}

func TestReadNotifyReadsWhatIsSigned(t *testing.T) {
	t.Parallel()
	gbk, err := simplifiedchinese.GBK.NewEncoder().String("可乐")
	if err != nil {
		t.Fatal(err)
	}
	with := func(change func(*legacy.Notify)) legacy.Notify {
		n := documentNotify()
		change(&n)
		return n
	}
	for name, test := range map[string]struct {
		query map[string]string
		want  legacy.Notify
	}{
		"a discount":      {map[string]string{"discount": "99"}, with(func(n *legacy.Notify) { n.Total = 100 })},
		"no discount":     {map[string]string{"discount": ""}, documentNotify()},
		"attach in GBK":   {map[string]string{"attach": gbk}, with(func(n *legacy.Notify) { n.Attach = "可乐" })},
		"attach in UTF-8": {map[string]string{"attach": "可乐", "input_charset": "utf-8"}, with(func(n *legacy.Notify) { n.Attach = "可乐" })},
		"attach in what nobody can read": {
			map[string]string{"attach": "a\xff", "input_charset": "UTF-8"}, with(func(n *legacy.Notify) { n.Attach = "a\ufffd" }),
		},
		"attach with an &":                 {map[string]string{"attach": "a=1&b=2"}, with(func(n *legacy.Notify) { n.Attach = "a=1&b=2" })},
		"parameters that nobody knows":     {map[string]string{"zebra": "1", "aardvark": "2"}, documentNotify()},
		"no sign_type, which means MD5":    {map[string]string{"sign_type": ""}, documentNotify()},
		"another merchant's, for a person": {map[string]string{"partner": "1900000110"}, with(func(n *legacy.Notify) { n.Partner = "1900000110" })},
		"not paid": {map[string]string{"trade_state": "1", "time_end": ""}, with(func(n *legacy.Notify) {
			n.Trade = legacy.Trade{Partner: n.Partner, OrderID: n.OrderID}
		})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := demo(t, "app").ReadNotify(signQuery(t, test.query), []byte(read(t, "notify_body.xml")))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, cmpopts.EquateApproxTime(0)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReadNotifyRefusesAQuery(t *testing.T) {
	t.Parallel()
	published := read(t, "notify_query.txt")
	const sign = "8EF1F69D5D9D4EC39D3787526F27924E"
	for name, test := range map[string]struct {
		query string
		want  error
	}{
		"that is empty":                                      {"", legacy.ErrUnverified},
		"with another amount":                                {strings.Replace(published, "total_fee=1", "total_fee=2", 1), legacy.ErrUnverified},
		"with one parameter more":                            {published + "&more=1", legacy.ErrUnverified},
		"with one parameter less":                            {strings.Replace(published, "&discount=0", "", 1), legacy.ErrUnverified},
		"without a signature":                                {strings.Replace(published, "sign="+sign, "", 1), legacy.ErrUnverified},
		"with an empty signature":                            {strings.Replace(published, sign, "", 1), legacy.ErrUnverified},
		"signed by nobody":                                   {strings.Replace(published, sign, "8F55C19AD70BA7673158090BCFE8F6DF", 1), legacy.ErrUnverified},
		"signed with RSA":                                    {strings.Replace(published, "sign_type=MD5", "sign_type=RSA", 1), legacy.ErrUnverified},
		"with an amount that stands twice":                   {published + "&total_fee=1", legacy.ErrUnreadable},
		"with a name that stands twice, written in two ways": {published + "&total%5Ffee=1", legacy.ErrUnreadable},
		"with two parameters that pass for one": {
			strings.Replace(published, "&transport_fee=0", "%26transport_fee%3D0", 1),
			legacy.ErrUnreadable,
		},
		"with a broken escape":    {published + "&a=%zz", legacy.ErrUnreadable},
		"with U+0000":             {published + "&a=%00", legacy.ErrUnreadable},
		"without a transaction":   {signQuery(t, map[string]string{"transaction_id": ""}), legacy.ErrUnreadable},
		"without an order":        {signQuery(t, map[string]string{"out_trade_no": "", "trade_state": "1"}), legacy.ErrUnreadable},
		"with a price in yuan":    {signQuery(t, map[string]string{"total_fee": "0.01"}), legacy.ErrUnreadable},
		"without a time":          {signQuery(t, map[string]string{"time_end": ""}), legacy.ErrUnreadable},
		"that is longer than any": {published + "&a=" + strings.Repeat("x", 64<<10), legacy.ErrUnreadable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := demo(t, "app").ReadNotify(test.query, []byte(read(t, "notify_body.xml"))); !errors.Is(err, test.want) {
				t.Errorf("got %+v, %v; want %v", got, err, test.want)
			}
		})
	}
}

func TestReadNotifyTakesASignatureInEitherCase(t *testing.T) {
	t.Parallel()
	query := strings.Replace(read(t, "notify_query.txt"), "8EF1F69D5D9D4EC39D3787526F27924E", "8ef1f69d5d9d4ec39d3787526f27924e", 1)
	if _, err := demo(t, "app").ReadNotify(query, []byte(read(t, "notify_body.xml"))); err != nil {
		t.Error(err)
	}
}

func TestReadNotifyTakesABody(t *testing.T) {
	t.Parallel()
	published := read(t, "notify_body.xml")
	for name, body := range map[string]string{
		"with a declaration":         `<?xml version="1.0" encoding="utf-8"?>` + "\n" + published + "\n",
		"with elements nobody knows": strings.Replace(published, "</xml>", "<Later>1</Later></xml>", 1),
		"in one line, without CDATA": "<xml><OpenId>111222</OpenId><AppId>wxd930ea5d5a258f4f</AppId><IsSubscribe>1</IsSubscribe>" +
			"<TimeStamp>1369743511</TimeStamp><NonceStr>jALldRTHAFd5Tgs5</NonceStr>" +
			"<AppSignature>4d117f7f0f4885a995a05eafbc9a405782d03bc5</AppSignature><SignMethod>sha1</SignMethod></xml>",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := demo(t, "app").ReadNotify(read(t, "notify_query.txt"), []byte(body))
			if err != nil || got.OpenID != "111222" {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestReadNotifyRefusesABody(t *testing.T) {
	t.Parallel()
	published := read(t, "notify_body.xml")
	for name, test := range map[string]struct {
		body string
		want error
	}{
		"that is empty":                          {"", legacy.ErrUnverified},
		"of another customer":                    {strings.Replace(published, "111222", "111223", 1), legacy.ErrUnverified},
		"of another app":                         {strings.Replace(published, "wxd930ea5d5a258f4f", "wxf8b4f85f3a794e77", 1), legacy.ErrUnverified},
		"signed in another way":                  {strings.Replace(published, "[sha1]", "[md5]", 1), legacy.ErrUnverified},
		"without a signature":                    {strings.Replace(published, "AppSignature", "Other", 2), legacy.ErrUnverified},
		"with a customer twice":                  {strings.Replace(published, "</xml>", "<OpenId>111222</OpenId></xml>", 1), legacy.ErrUnreadable},
		"with a customer twice, in another case": {strings.Replace(published, "</xml>", "<openid>1</openid></xml>", 1), legacy.ErrUnreadable},
		"with a DTD":                             {`<!DOCTYPE xml [<!ENTITY a "111222">]>` + published, legacy.ErrUnreadable},
		"with an entity of its own":              {strings.Replace(published, "<![CDATA[111222]]>", "&a;", 1), legacy.ErrUnreadable},
		"with a comment":                         {strings.Replace(published, "<OpenId>", "<!-- --><OpenId>", 1), legacy.ErrUnreadable},
		"with a stylesheet":                      {`<?xml-stylesheet href="a"?>` + published, legacy.ErrUnreadable},
		"with depth":                             {strings.Replace(published, "<![CDATA[111222]]>", "<a>111222</a>", 1), legacy.ErrUnreadable},
		"with text between elements":             {strings.Replace(published, "</xml>", "111222</xml>", 1), legacy.ErrUnreadable},
		"with two roots":                         {published + published, legacy.ErrUnreadable},
		"with another root":                      {strings.NewReplacer("<xml>", "<html>", "</xml>", "</html>").Replace(published), legacy.ErrUnreadable},
		"that is cut off":                        {published[:len(published)-10], legacy.ErrUnreadable},
		"that is no XML":                         {`{"OpenId":"111222"}`, legacy.ErrUnreadable},
		"that is longer than any":                {published + strings.Repeat(" ", 64<<10), legacy.ErrUnreadable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := demo(t, "app").ReadNotify(read(t, "notify_query.txt"), []byte(test.body)); !errors.Is(err, test.want) {
				t.Errorf("got %+v, %v; want %v", got, err, test.want)
			}
		})
	}
}

// Only one order and one customer were ever signed with the demo keys here: whatever is
// done to the notify, it is refused or it says the same.
func FuzzReadNotify(f *testing.F) {
	query, body := read(f, "notify_query.txt"), read(f, "notify_body.xml")
	f.Add(query, []byte(body))
	f.Add(query+"&buyer_alias=", []byte(`<?xml version="1.0"?>`+body))
	f.Add(strings.ReplaceAll(query, "0", "%30"), []byte(strings.ReplaceAll(body, "1", "&#49;")))
	f.Add("&&=&a", []byte("<xml/>"))
	credentials := demo(f, "app")
	f.Fuzz(func(t *testing.T, query string, body []byte) {
		got, err := credentials.ReadNotify(query, body)
		switch {
		case errors.Is(err, legacy.ErrUnverified), errors.Is(err, legacy.ErrUnreadable):
		case err != nil:
			t.Errorf("got %v", err)
		default:
			if diff := cmp.Diff(documentNotify(), got, cmpopts.EquateApproxTime(0)); diff != "" {
				t.Error(diff)
			}
		}
	})
}
