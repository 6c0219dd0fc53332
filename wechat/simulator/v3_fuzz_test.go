package simulator

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func FuzzV3Object(f *testing.F) {
	for _, seed := range []string{
		`{"amount":{"total":1999},"limit_pay":["no_credit"],"support_fapiao":true,"attach":null}`,
		`{"a":1,"a":2}`, `{"a":1e400}`, `{"a":"\ud800"}`, `[[[[[[[[[[1]]]]]]]]]]`, `{"a":`, ``, `1`, "\xff",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		read, err := readV3Object(content)
		if err != nil {
			return
		}
		spelled, err := spellV3(read)
		if err != nil {
			t.Fatal(err)
		}
		again, err := readV3Object(spelled)
		if err != nil || !cmp.Equal(read, again) {
			t.Errorf("%s was read as %v, and that as %v: %v", content, read, again, err)
		}
	})
}

func FuzzV3Authorization(f *testing.F) {
	for _, seed := range []string{
		`WECHATPAY2-SHA256-RSA2048 mchid="1",nonce_str="2",signature="3",timestamp="4",serial_no="5"`,
		`WECHATPAY2-SHA256-RSA2048 `, `WECHATPAY2-SHA256-RSA2048 ,,,`, `WECHATPAY2-SHA256-RSA2048 mchid="1",mchid="2"`, ``,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		read, err := readAuthorization(http.Header{"Authorization": {value}})
		if err != nil {
			return
		}
		again, err := readAuthorization(http.Header{"Authorization": {v3Scheme + ` mchid="` + read.mchID + `",nonce_str="` + read.nonce +
			`",signature="` + read.signature + `",timestamp="` + read.timestamp + `",serial_no="` + read.serial + `"`}})
		if err != nil || read != again {
			t.Errorf("%q was read as %+v, and that as %+v: %v", value, read, again, err)
		}
	})
}
