package legacy_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"settled/wechat/legacy"
)

func TestReadPrepay(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer string
		want   string
		err    error
	}{
		"the document's":                {`{"prepayid":"1101000000140429eb40476f8896f4c9","errcode":0,"errmsg":"Success"}`, "1101000000140429eb40476f8896f4c9", nil},
		"numbers for strings":           {`{"prepayid":1101,"errcode":"0"}`, "1101", nil},
		"a byte order mark":             {"\ufeff {\"prepayid\":\"1\",\"errcode\":0}\n", "1", nil},
		"fields of later years":         {`{"prepayid":"1","errcode":0,"rid":{"a":[1]}}`, "1", nil},
		"no prepayid":                   {`{"errcode":0,"errmsg":"ok"}`, "", legacy.ErrUnreadable},
		"an empty prepayid":             {`{"errcode":0,"prepayid":""}`, "", legacy.ErrUnreadable},
		"a prepayid of no kind":         {`{"errcode":0,"prepayid":{}}`, "", legacy.ErrUnreadable},
		"no errcode":                    {`{"prepayid":"1"}`, "", legacy.ErrUnreadable},
		"an empty errcode":              {`{"prepayid":"1","errcode":""}`, "", legacy.ErrUnreadable},
		"an errcode of null":            {`{"prepayid":"1","errcode":null}`, "", legacy.ErrUnreadable},
		"an errcode in words":           {`{"prepayid":"1","errcode":"ok"}`, "", legacy.ErrUnreadable},
		"nothing":                       {``, "", legacy.ErrUnreadable},
		"null":                          {`null`, "", legacy.ErrUnreadable},
		"a list":                        {`[]`, "", legacy.ErrUnreadable},
		"HTML":                          {`<html>502</html>`, "", legacy.ErrUnreadable},
		"half an answer":                {`{"prepayid":"1","errcode":0`, "", legacy.ErrUnreadable},
		"two answers":                   {`{"prepayid":"1","errcode":0}{}`, "", legacy.ErrUnreadable},
		"U+0000, which no row can hold": {`{"prepayid":"\u0000","errcode":0}`, "", legacy.ErrUnreadable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := legacy.ReadPrepay([]byte(test.answer))
			if got != test.want || !errors.Is(err, test.err) {
				t.Errorf("got %q, %v; want %q, %v", got, err, test.want, test.err)
			}
		})
	}
}

func TestAnErrcodeIsKeptInWeChatsOwnWords(t *testing.T) {
	t.Parallel()
	_, err := legacy.ReadPrepay([]byte(`{"errcode":48001,"errmsg":"api unauthorized"}`))
	var got *legacy.Error
	if !errors.As(err, &got) {
		t.Fatalf("got %v", err)
	}
	if diff := cmp.Diff(&legacy.Error{Call: legacy.GenPrepay, Code: 48001, Message: "api unauthorized"}, got); diff != "" {
		t.Error(diff)
	}
	if want := "genprepay: 48001 api unauthorized"; got.Error() != want {
		t.Errorf("got %q, want %q", got.Error(), want)
	}
}

func TestReadToken(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer string
		want   legacy.AccessToken
		err    error
	}{
		"the document's":       {`{"access_token":"T","expires_in":7200}`, legacy.AccessToken{Value: "T", Life: 2 * time.Hour}, nil},
		"life as a string":     {`{"access_token":"T","expires_in":"60"}`, legacy.AccessToken{Value: "T", Life: time.Minute}, nil},
		"with an errcode of 0": {`{"errcode":0,"access_token":"T","expires_in":60}`, legacy.AccessToken{Value: "T", Life: time.Minute}, nil},
		"no token":             {`{"expires_in":7200}`, legacy.AccessToken{}, legacy.ErrUnreadable},
		"no life":              {`{"access_token":"T"}`, legacy.AccessToken{}, legacy.ErrUnreadable},
		"a life of 0":          {`{"access_token":"T","expires_in":0}`, legacy.AccessToken{}, legacy.ErrUnreadable},
		"a life below 0":       {`{"access_token":"T","expires_in":-1}`, legacy.AccessToken{}, legacy.ErrUnreadable},
		"a life of centuries":  {`{"access_token":"T","expires_in":99999999999}`, legacy.AccessToken{}, legacy.ErrUnreadable},
		"an empty object":      {`{}`, legacy.AccessToken{}, legacy.ErrUnreadable},
		"an error":             {`{"errcode":40013,"errmsg":"invalid appid"}`, legacy.AccessToken{}, &legacy.Error{Call: legacy.Token, Code: 40013, Message: "invalid appid"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := legacy.ReadToken(legacy.Token, []byte(test.answer))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			var wanted *legacy.Error
			if errors.As(test.err, &wanted) {
				if diff := cmp.Diff(test.err, err); diff != "" {
					t.Error(diff)
				}
			} else if !errors.Is(err, test.err) {
				t.Errorf("got %v, want %v", err, test.err)
			}
		})
	}
}

// paidTrade is what testdata/orderquery_answer.json says.
func paidTrade() legacy.Trade {
	return legacy.Trade{
		Paid: true, Partner: "1900000109", OrderID: "7240b65810859cbf2a8d9f76a638c0a3",
		TransactionID: "1900000109201406260282555397", Total: 1, Currency: "CNY", BankType: "CMB_FP",
		PaidAt: time.Date(2014, 6, 26, 9, 14, 15, 0, time.UTC),
	}
}

func TestReadQuery(t *testing.T) {
	t.Parallel()
	unpaid := legacy.Trade{Partner: "1900000109", OrderID: "7240b65810859cbf2a8d9f76a638c0a3"}
	with := func(change func(*legacy.Trade)) legacy.Trade {
		trade := paidTrade()
		change(&trade)
		return trade
	}
	for name, test := range map[string]struct {
		replace []string // in the published answer, old and new in turn
		want    legacy.Trade
		err     error
	}{
		"paid":                          {nil, paidTrade(), nil},
		"numbers for strings":           {[]string{`"trade_state":"0"`, `"trade_state":0`, `"total_fee":"1"`, `"total_fee":1`, `"ret_code":0`, `"ret_code":"0"`}, paidTrade(), nil},
		"a discount":                    {[]string{`"discount":"0"`, `"discount":"19"`}, with(func(t *legacy.Trade) { t.Total = 20 }), nil},
		"an empty discount":             {[]string{`"discount":"0"`, `"discount":""`}, paidTrade(), nil},
		"another currency":              {[]string{`"fee_type":"1"`, `"fee_type":"2"`}, with(func(t *legacy.Trade) { t.Currency = "fee_type 2" }), nil},
		"no fee_type, which means yuan": {[]string{`"fee_type":"1",`, ``}, paidTrade(), nil},
		"another trade_state":           {[]string{`"trade_state":"0"`, `"trade_state":"1"`}, unpaid, nil},
		"an empty trade_state":          {[]string{`"trade_state":"0"`, `"trade_state":""`}, unpaid, nil},
		"no trade_state":                {[]string{`"trade_state":"0",`, ``}, unpaid, nil},
		"a ret_code":                    {[]string{`"ret_code":0`, `"ret_code":88221009`}, unpaid, nil},
		"no ret_code":                   {[]string{`"ret_code":0,`, ``}, unpaid, nil},
		"an unpaid order's empty times": {[]string{`"trade_state":"0"`, `"trade_state":"2"`, `20140626171415`, ``, `"total_fee":"1"`, `"total_fee":""`}, unpaid, nil},
		"no order_info":                 {[]string{`"order_info"`, `"other"`}, legacy.Trade{}, nil},
		"no transaction_id":             {[]string{`1900000109201406260282555397`, ``}, legacy.Trade{}, legacy.ErrUnreadable},
		"no out_trade_no":               {[]string{`7240b65810859cbf2a8d9f76a638c0a3`, ``}, legacy.Trade{}, legacy.ErrUnreadable},
		"an empty total_fee":            {[]string{`"total_fee":"1"`, `"total_fee":""`}, legacy.Trade{}, legacy.ErrUnreadable},
		"a total_fee in yuan":           {[]string{`"total_fee":"1"`, `"total_fee":"0.01"`}, legacy.Trade{}, legacy.ErrUnreadable},
		"a total_fee below 0":           {[]string{`"total_fee":"1"`, `"total_fee":"-1"`}, legacy.Trade{}, legacy.ErrUnreadable},
		"a discount below 0":            {[]string{`"discount":"0"`, `"discount":"-1"`}, legacy.Trade{}, legacy.ErrUnreadable},
		"a total_fee beyond int64":      {[]string{`"total_fee":"1"`, `"total_fee":"9223372036854775807"`}, legacy.Trade{}, legacy.ErrUnreadable},
		"an empty time_end":             {[]string{`20140626171415`, ``}, legacy.Trade{}, legacy.ErrUnreadable},
		"a time_end of no calendar":     {[]string{`20140626171415`, `20140631171415`}, legacy.Trade{}, legacy.ErrUnreadable},
		"a time_end with fractions":     {[]string{`20140626171415`, `20140626171415.5`}, legacy.Trade{}, legacy.ErrUnreadable},
		"a time_end of zeros":           {[]string{`20140626171415`, `00010101080000`}, legacy.Trade{}, legacy.ErrUnreadable},
		"an errcode":                    {[]string{`"errcode":0`, `"errcode":-1`, `"errmsg":"ok"`, `"errmsg":"system error"`}, legacy.Trade{}, &legacy.Error{Call: legacy.OrderQuery, Code: -1, Message: "system error"}},
		"no errcode":                    {[]string{`"errcode":0,`, ``}, legacy.Trade{}, legacy.ErrUnreadable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := read(t, "orderquery_answer.json")
			for i := 0; i < len(test.replace); i += 2 {
				if !strings.Contains(answer, test.replace[i]) {
					t.Fatalf("the answer has no %s", test.replace[i])
				}
				answer = strings.Replace(answer, test.replace[i], test.replace[i+1], 1)
			}
			got, err := legacy.ReadQuery([]byte(answer))
			if diff := cmp.Diff(test.want, got, cmpopts.EquateApproxTime(0)); diff != "" && err == nil {
				t.Error(diff)
			}
			var wanted *legacy.Error
			if errors.As(test.err, &wanted) {
				if diff := cmp.Diff(test.err, err); diff != "" {
					t.Error(diff)
				}
			} else if !errors.Is(err, test.err) {
				t.Errorf("got %v, want %v", err, test.err)
			}
		})
	}
}

// No bytes make a reader panic, and none of its errors is of a kind nobody knows.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte(read(f, "orderquery_answer.json")))
	f.Add([]byte(`{"prepayid":"1","errcode":0}`))
	f.Add([]byte(`{"access_token":"T","expires_in":7200}`))
	f.Add([]byte(`{"errcode":40001,"errmsg":"invalid credential"}`))
	f.Add([]byte("\ufeff[{}]"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		_, token := legacy.ReadToken(legacy.Token, answer)
		_, prepay := legacy.ReadPrepay(answer)
		trade, query := legacy.ReadQuery(answer)
		for _, err := range []error{token, prepay, query, legacy.ReadDelivery(answer)} {
			var said *legacy.Error
			if err != nil && !errors.As(err, &said) && !errors.Is(err, legacy.ErrUnreadable) {
				t.Errorf("got %v", err)
			}
		}
		if query == nil && trade.Paid && (trade.TransactionID == "" || trade.PaidAt.IsZero() || trade.Total < 0) {
			t.Errorf("paid, but %+v", trade)
		}
	})
}
