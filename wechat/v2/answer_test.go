package v2_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"settled/wechat/v2"
)

func TestReadPrepay(t *testing.T) {
	t.Parallel()
	const (
		prepayID = "wx201411101639507cbf6ffd8b0779950874"
		codeURL  = "weixin://wxpay/bizpayurl?pr=AbCdEf1"
		mwebURL  = "https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx2016&package=1037687096"
	)
	for name, test := range map[string]struct {
		trade  v2.TradeType
		change map[string]string
		want   v2.Prepay
		err    error
	}{
		"NATIVE":                  {v2.NATIVE, nil, v2.Prepay{PrepayID: prepayID, CodeURL: codeURL}, nil},
		"APP":                     {v2.APP, map[string]string{"trade_type": "APP", "code_url": gone}, v2.Prepay{PrepayID: prepayID}, nil},
		"JSAPI":                   {v2.JSAPI, map[string]string{"trade_type": "JSAPI", "code_url": gone}, v2.Prepay{PrepayID: prepayID}, nil},
		"MWEB, with an & in it":   {v2.MWEB, map[string]string{"trade_type": "MWEB", "mweb_url": mwebURL}, v2.Prepay{PrepayID: prepayID, MWebURL: mwebURL}, nil},
		"no trade_type":           {v2.NATIVE, map[string]string{"trade_type": gone}, v2.Prepay{PrepayID: prepayID, CodeURL: codeURL}, nil},
		"another trade_type":      {v2.APP, nil, v2.Prepay{}, v2.ErrUnreadable},
		"NATIVE without a QR":     {v2.NATIVE, map[string]string{"code_url": ""}, v2.Prepay{}, v2.ErrUnreadable},
		"MWEB without a link":     {v2.MWEB, map[string]string{"trade_type": "MWEB"}, v2.Prepay{}, v2.ErrUnreadable},
		"no prepay_id":            {v2.NATIVE, map[string]string{"prepay_id": gone}, v2.Prepay{}, v2.ErrUnreadable},
		"another app's":           {v2.NATIVE, map[string]string{"appid": "wx0000000000000000"}, v2.Prepay{}, v2.ErrUnreadable},
		"another merchant's":      {v2.NATIVE, map[string]string{"mch_id": "10000101"}, v2.Prepay{}, v2.ErrUnreadable},
		"nobody's":                {v2.NATIVE, map[string]string{"mch_id": gone, "appid": gone}, v2.Prepay{}, v2.ErrUnreadable},
		"elements of later years": {v2.NATIVE, map[string]string{"a_new_one": "1", "zero": "0", "none": ""}, v2.Prepay{PrepayID: prepayID, CodeURL: codeURL}, nil},
		"a refusal": {v2.NATIVE, map[string]string{"result_code": "FAIL", "err_code": "ORDERPAID", "err_code_des": "该订单已支付"}, v2.Prepay{},
			&v2.Error{Call: v2.UnifiedOrder, Code: "ORDERPAID", Message: "该订单已支付"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := demo(v2.HMACSHA256).ReadPrepay(test.trade, []byte(signed(t, "unifiedorder_answer.xml", test.change)))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			wantError(t, err, test.err)
		})
	}
}

// Every reader of answers goes through the same door; closeorder is the plainest of them.
func TestAnAnswerIsBelievedOnlyIfAllOfItIsSigned(t *testing.T) {
	t.Parallel()
	published := read(t, "closeorder_answer.xml")
	replaced := func(old, replacement string) string {
		if !strings.Contains(published, old) {
			t.Fatalf("the answer has no %s", old)
		}
		return strings.Replace(published, old, replacement, 1)
	}
	md5 := fieldsOf(t, published)
	md5["sign"] = v2.Sign(md5, apiKey, v2.MD5)
	claimed := fieldsOf(t, published)
	claimed["sign_type"] = "MD5"
	claimed["sign"] = v2.Sign(claimed, apiKey, v2.MD5)
	honest := fieldsOf(t, published)
	honest["sign_type"] = "MD5"
	honest["sign"] = v2.Sign(honest, apiKey, v2.HMACSHA256)
	for name, test := range map[string]struct {
		answer string
		want   error
	}{
		"the whole of it":                 {published, nil},
		"a signature in lowercase":        {replaced(md5Of(published), strings.ToLower(md5Of(published))), nil},
		"one byte changed":                {replaced("TN55wO9Pba5yENl8", "TN55wO9Pba5yENl9"), v2.ErrUnverified},
		"a space more":                    {replaced("TN55wO9Pba5yENl8", "TN55wO9Pba5yENl8 "), v2.ErrUnverified},
		"an element more":                 {replaced("</xml>", "<more>1</more></xml>"), v2.ErrUnverified},
		"an empty element more":           {replaced("</xml>", "<more></more></xml>"), nil},
		"an element of zero more":         {replaced("</xml>", "<more>0</more></xml>"), v2.ErrUnverified},
		"an element less":                 {replaced("<result_msg><![CDATA[OK]]></result_msg>", ""), v2.ErrUnverified},
		"no signature":                    {replaced(md5Of(published), ""), v2.ErrUnverified},
		"half a signature":                {replaced(md5Of(published), md5Of(published)[:32]), v2.ErrUnverified},
		"signed with MD5":                 {write(t, "xml", md5), v2.ErrUnverified},
		"signed with MD5, and says so":    {write(t, "xml", claimed), v2.ErrUnverified},
		"says MD5, whatever it is signed": {write(t, "xml", honest), v2.ErrUnverified},
		"another merchant's":              {signed(t, "closeorder_answer.xml", map[string]string{"mch_id": "10000101"}), v2.ErrUnreadable},
		"two elements that pass for one": {
			signed(t, "closeorder_answer.xml", map[string]string{"appid": "wx2421b1c4370ec43b&mch_id=10000100", "mch_id": gone}), v2.ErrUnreadable,
		},
		"no return_code":          {signed(t, "closeorder_answer.xml", map[string]string{"return_code": gone}), v2.ErrUnreadable},
		"no result_code":          {signed(t, "closeorder_answer.xml", map[string]string{"result_code": gone}), v2.ErrUnreadable},
		"a result_code of no use": {signed(t, "closeorder_answer.xml", map[string]string{"result_code": "MAYBE"}), v2.ErrUnreadable},
		"a no without a reason":   {signed(t, "closeorder_answer.xml", map[string]string{"result_code": "FAIL"}), v2.ErrUnreadable},
		"a no": {
			signed(t, "closeorder_answer.xml", map[string]string{"result_code": "FAIL", "err_code": "ORDERPAID", "err_code_des": "order paid"}),
			&v2.Error{Call: v2.CloseOrder, Code: "ORDERPAID", Message: "order paid"},
		},
		"a no to nobody": {
			signed(t, "closeorder_answer.xml", map[string]string{"result_code": "FAIL", "err_code": "MCHID_NOT_EXIST", "appid": gone, "mch_id": gone}),
			&v2.Error{Call: v2.CloseOrder, Code: "MCHID_NOT_EXIST"},
		},
		"a no to somebody else": {
			signed(t, "closeorder_answer.xml", map[string]string{"result_code": "FAIL", "err_code": "ORDERPAID", "mch_id": "10000101"}), v2.ErrUnreadable,
		},
		"a no that nobody signed": {`<xml><return_code>SUCCESS</return_code><result_code>FAIL</result_code><err_code>ORDERCLOSED</err_code></xml>`, v2.ErrUnverified},
		"not even looked at": {
			`<xml><return_code><![CDATA[FAIL]]></return_code><return_msg><![CDATA[签名错误]]></return_msg></xml>`,
			&v2.Error{Call: v2.CloseOrder, Message: "签名错误"},
		},
		"not even looked at, and yet a code": {
			`<xml><return_code>FAIL</return_code><return_msg>no</return_msg><err_code>ORDERCLOSED</err_code></xml>`,
			&v2.Error{Call: v2.CloseOrder, Message: "no"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantError(t, demo(v2.HMACSHA256).ReadClose([]byte(test.answer)), test.want)
		})
	}
}

// md5Of returns the signature that stands in a message.
func md5Of(message string) string {
	_, rest, _ := strings.Cut(message, "<sign><![CDATA[")
	sign, _, _ := strings.Cut(rest, "]]>")
	return sign
}

func TestAnErrorIsKeptInWeChatsOwnWords(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]*v2.Error{
		"unifiedorder: ORDERPAID order paid":  {Call: v2.UnifiedOrder, Code: "ORDERPAID", Message: "order paid"},
		"refund: return_code FAIL: 签名错误":      {Call: v2.RefundOrder, Message: "签名错误"},
		"orderquery: SYSTEMERROR system busy": {Call: v2.OrderQuery, Code: "SYSTEMERROR", Message: "system busy"},
	} {
		if got := err.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// paidTrade is what testdata/orderquery_answer.xml says.
func paidTrade() v2.Trade {
	return v2.Trade{
		State: v2.TradeSuccess, AppID: "wx2421b1c4370ec43b", MchID: "10000100", OrderID: "1415757673",
		TransactionID: "1008450740201411110005820873", Total: 1, Currency: "CNY",
		PaidAt: time.Date(2014, 11, 11, 9, 0, 43, 0, time.UTC),
		OpenID: "oUpF8uMEb4qRXf22hE3X68TekukE", BankType: "CCB_DEBIT", Attach: "订单额外描述",
	}
}

func TestReadQuery(t *testing.T) {
	t.Parallel()
	unpaid := func(state v2.TradeState) v2.Trade {
		return v2.Trade{State: state, AppID: "wx2421b1c4370ec43b", MchID: "10000100", OrderID: "1415757673"}
	}
	with := func(change func(*v2.Trade)) v2.Trade {
		trade := paidTrade()
		change(&trade)
		return trade
	}
	bare := func(state string) map[string]string {
		return map[string]string{
			"trade_state": state, "total_fee": gone, "time_end": gone, "transaction_id": gone, "bank_type": gone,
			"openid": gone, "fee_type": gone, "cash_fee": gone, "trade_state_desc": "订单未支付",
		}
	}
	for name, test := range map[string]struct {
		change map[string]string
		want   v2.Trade
		err    error
	}{
		"paid":                             {nil, paidTrade(), nil},
		"paid, and some of it given back":  {map[string]string{"trade_state": "REFUND"}, with(func(t *v2.Trade) { t.State = v2.TradeRefund }), nil},
		"given back without saying what":   {bare("REFUND"), v2.Trade{}, v2.ErrUnreadable},
		"paid without saying what":         {bare("SUCCESS"), v2.Trade{}, v2.ErrUnreadable},
		"not paid":                         {bare("NOTPAY"), unpaid(v2.TradeNotPay), nil},
		"closed":                           {bare("CLOSED"), unpaid(v2.TradeClosed), nil},
		"revoked":                          {bare("REVOKED"), unpaid(v2.TradeRevoked), nil},
		"about to be paid":                 {bare("USERPAYING"), unpaid(v2.TradeUserPaying), nil},
		"failed":                           {bare("PAYERROR"), unpaid(v2.TradePayError), nil},
		"taken, not made":                  {bare("ACCEPT"), unpaid(v2.TradeAccept), nil},
		"a state that nobody knows":        {bare("PAID"), v2.Trade{}, v2.ErrUnreadable},
		"a state in lowercase":             {bare("success"), v2.Trade{}, v2.ErrUnreadable},
		"no state":                         {map[string]string{"trade_state": gone}, v2.Trade{}, v2.ErrUnreadable},
		"not paid, and yet an amount":      {map[string]string{"trade_state": "NOTPAY"}, unpaid(v2.TradeNotPay), nil},
		"no fee_type, which means yuan":    {map[string]string{"fee_type": gone}, paidTrade(), nil},
		"another currency":                 {map[string]string{"fee_type": "USD"}, with(func(t *v2.Trade) { t.Currency = "USD" }), nil},
		"a currency without end":           {map[string]string{"fee_type": strings.Repeat("X", 99)}, with(func(t *v2.Trade) { t.Currency = strings.Repeat("X", 16) }), nil},
		"another merchant's, for a person": {map[string]string{"mch_id": "10000101"}, with(func(t *v2.Trade) { t.MchID = "10000101" }), nil},
		"another app's, for a person":      {map[string]string{"appid": "wx0"}, with(func(t *v2.Trade) { t.AppID = "wx0" }), nil},
		"another order's, for the asker":   {map[string]string{"out_trade_no": "7"}, with(func(t *v2.Trade) { t.OrderID = "7" }), nil},
		"an attach with an &":              {map[string]string{"attach": "a=1&b=2"}, with(func(t *v2.Trade) { t.Attach = "a=1&b=2" }), nil},
		"an attach with space around it":   {map[string]string{"attach": " a\n"}, with(func(t *v2.Trade) { t.Attach = " a\n" }), nil},
		"no transaction_id":                {map[string]string{"transaction_id": ""}, v2.Trade{}, v2.ErrUnreadable},
		"no out_trade_no":                  {map[string]string{"out_trade_no": ""}, v2.Trade{}, v2.ErrUnreadable},
		"an empty total_fee":               {map[string]string{"total_fee": ""}, v2.Trade{}, v2.ErrUnreadable},
		"a total_fee in yuan":              {map[string]string{"total_fee": "0.01"}, v2.Trade{}, v2.ErrUnreadable},
		"a total_fee below 0":              {map[string]string{"total_fee": "-1"}, v2.Trade{}, v2.ErrUnreadable},
		"a total_fee with space":           {map[string]string{"total_fee": " 1"}, v2.Trade{}, v2.ErrUnreadable},
		"a total_fee beyond int64":         {map[string]string{"total_fee": "9223372036854775808"}, v2.Trade{}, v2.ErrUnreadable},
		"an empty time_end":                {map[string]string{"time_end": ""}, v2.Trade{}, v2.ErrUnreadable},
		"a time_end of no calendar":        {map[string]string{"time_end": "20141131170043"}, v2.Trade{}, v2.ErrUnreadable},
		"a time_end with fractions":        {map[string]string{"time_end": "20141111170043.5"}, v2.Trade{}, v2.ErrUnreadable},
		"a time_end of zeros":              {map[string]string{"time_end": "00010101080000"}, v2.Trade{}, v2.ErrUnreadable},
		"an order that is not there": {
			map[string]string{"result_code": "FAIL", "err_code": "ORDERNOTEXIST", "err_code_des": "order not exist"}, v2.Trade{},
			&v2.Error{Call: v2.OrderQuery, Code: "ORDERNOTEXIST", Message: "order not exist"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := demo(v2.HMACSHA256).ReadQuery([]byte(signed(t, "orderquery_answer.xml", test.change)))
			if diff := cmp.Diff(test.want, got, cmpopts.EquateApproxTime(0)); diff != "" {
				t.Error(diff)
			}
			wantError(t, err, test.err)
		})
	}
}

func TestWhatAStateMeansForTheMoney(t *testing.T) {
	t.Parallel()
	for state, want := range map[v2.TradeState]struct{ paid, over bool }{
		v2.TradeSuccess: {paid: true}, v2.TradeRefund: {paid: true},
		v2.TradeClosed: {over: true}, v2.TradeRevoked: {over: true}, v2.TradePayError: {over: true},
		v2.TradeNotPay: {}, v2.TradeUserPaying: {}, v2.TradeAccept: {}, "": {},
	} {
		if state.Paid() != want.paid || state.Over() != want.over {
			t.Errorf("%s: paid %t, over %t", state, state.Paid(), state.Over())
		}
	}
}
