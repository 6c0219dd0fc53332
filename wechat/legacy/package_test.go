package legacy_test

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"settled/wechat/legacy"
)

func TestPackageWritesThePublishedExamples(t *testing.T) {
	t.Parallel()
	type example struct {
		Name       string
		Parameters map[string]string
		Package    string
	}
	for _, e := range readJSON[[]example](t, "package.json") {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			got, err := legacy.Package(e.Parameters, demo(t, "app").PartnerKey)
			if err != nil {
				t.Fatal(err)
			}
			if got != e.Package {
				t.Errorf("got  %s\nwant %s", got, e.Package)
			}
		})
	}
}

func TestPackageRefusesWhatItsCharsetCannotHold(t *testing.T) {
	t.Parallel()
	for name, parameters := range map[string]map[string]string{
		"a character outside GBK":       {"input_charset": "GBK", "body": "🍵"},
		"GBK where none is named":       {"body": "🍵"},
		"a charset nobody has heard of": {"input_charset": "EBCDIC", "body": "tea"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := legacy.Package(parameters, "key"); err == nil {
				t.Errorf("wrote %s", got)
			}
		})
	}
}

// What WeChat decodes is what was signed, whatever the customer is told to buy.
func FuzzPackage(f *testing.F) {
	for _, body := range []string{"支付测试", "Tea & 茶 100% (~-_.!*')+/", "a b+c=d&e", "", "🍵", "\x00\x7f"} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		if !utf8.ValidString(body) {
			return // the wire is UTF-8; validation refuses what is not
		}
		parameters := map[string]string{"bank_type": "WX", "body": body, "input_charset": legacy.UTF8}
		written, err := legacy.Package(parameters, "key")
		if err != nil {
			t.Fatal(err)
		}
		if i := strings.IndexFunc(written, func(r rune) bool { return r <= ' ' || r > '~' || r == '+' }); i >= 0 {
			t.Errorf("%q is not escaped in %s", written[i], written)
		}
		values, err := url.ParseQuery(written)
		if err != nil {
			t.Fatal(err)
		}
		if got := values.Get("body"); got != body {
			t.Errorf("body: got %q, want %q", got, body)
		}
		if got, want := values.Get("sign"), legacy.SignMD5(parameters, "key"); got != want {
			t.Errorf("sign: got %s, want %s", got, want)
		}
	})
}
