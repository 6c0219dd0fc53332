package legacy_test

import (
	"testing"
	"time"

	"settled/wechat/legacy"
)

func TestWhatAnErrcodeMeansDependsOnTheCall(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		call    legacy.Call
		code    int64
		message string
		class   legacy.Class
		after   time.Duration
	}{
		"busy says nothing":                       {legacy.GenPrepay, -1, "system error", legacy.Unknown, 0},
		"busy at a query":                         {legacy.OrderQuery, -1, "", legacy.Unknown, 0},
		"a wrong secret":                          {legacy.Token, 40001, "", legacy.CredentialsRefused, 5 * time.Minute},
		"a wrong secret, stable":                  {legacy.StableToken, 40001, "", legacy.CredentialsRefused, 5 * time.Minute},
		"an address that is not allowed":          {legacy.Token, 40164, "invalid ip", legacy.CredentialsRefused, 5 * time.Minute},
		"a token that is not the latest":          {legacy.GenPrepay, 40001, "", legacy.TokenRefused, 0},
		"an invalid token":                        {legacy.OrderQuery, 40014, "", legacy.TokenRefused, 0},
		"an expired token":                        {legacy.DeliverNotify, 42001, "", legacy.TokenRefused, 0},
		"a forgotten token is no reason to fetch": {legacy.GenPrepay, 41001, "", legacy.Refused, 0},
		"the day's quota":                         {legacy.Token, 45009, "", legacy.Unknown, 10 * time.Minute},
		"the minute's quota":                      {legacy.OrderQuery, 45011, "", legacy.Unknown, time.Minute},
		"a permission":                            {legacy.GenPrepay, 48001, "api unauthorized", legacy.Refused, 0},
		"a signature":                             {legacy.GenPrepay, 49004, "", legacy.Refused, 0},
		"a signature, as WeChat really says it":   {legacy.GenPrepay, 268500741, "not match signature", legacy.Refused, 0},
		"a signature under any other code":        {legacy.GenPrepay, 7, "Not match signature!", legacy.Refused, 0},
		"a signature at a query":                  {legacy.OrderQuery, 7, "Not match signature!", legacy.CredentialsRefused, 5 * time.Minute},
		"a partner":                               {legacy.OrderQuery, 49010, "", legacy.CredentialsRefused, 5 * time.Minute},
		"a body that can't be read":               {legacy.GenPrepay, 47001, "", legacy.Refused, 0},
		"tells nothing about the order":           {legacy.OrderQuery, 47001, "", legacy.Unknown, 5 * time.Minute},
		"a number used before":                    {legacy.GenPrepay, 201, "", legacy.Refused, 0},
		"an order that is not there":              {legacy.OrderQuery, 49005, "", legacy.Refused, 0},
		"a delivery of nothing":                   {legacy.DeliverNotify, 49005, "", legacy.Refused, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := (&legacy.Error{Call: test.call, Code: test.code, Message: test.message}).Verdict()
			if want := (legacy.Verdict{Class: test.class, After: test.after}); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}
