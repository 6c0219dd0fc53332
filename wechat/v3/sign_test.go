package v3_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v3 "settled/wechat/v3"
)

// The document signs all of its examples at this time and with this nonce.
const (
	exampleTime  = "1554208460"
	exampleNonce = "593BEC0C930BF1AFEB40B4A08C8FB242"
)

// published is a signed request of the document.
type published struct {
	Name, Method, Path, Body, Signature string
}

// The published signatures are made of these lines, and ours are made of the same.
func TestAuthorizationSignsTheLinesOfTheDocument(t *testing.T) {
	t.Parallel()
	parts := regexp.MustCompile(`^WECHATPAY2-SHA256-RSA2048 mchid="1900007291",nonce_str="` + exampleNonce +
		`",signature="([A-Za-z0-9+/=]+)",timestamp="` + exampleTime + `",serial_no="408B07E79B8269FEC3D5D3E6AB8ED163A6A380DB"$`)
	for _, example := range readJSON[[]published](t, "requests.json") {
		t.Run(example.Name, func(t *testing.T) {
			t.Parallel()
			var body []byte
			if example.Body != "" {
				body = read(t, example.Body)
			}
			text := example.Method + "\n" + example.Path + "\n" + exampleTime + "\n" + exampleNonce + "\n" + string(body) + "\n"
			if !verifies(readPublic(t, "example_public.pem"), text, example.Signature) {
				t.Fatal("the published signature is of something else")
			}
			got, err := credentials().Authorization(example.Method, example.Path, body, exampleNonce, time.Unix(1554208460, 0))
			if err != nil {
				t.Fatal(err)
			}
			found := parts.FindStringSubmatch(got)
			if found == nil || !verifies(&merchantKey().PublicKey, text, found[1]) {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestClientSignsTheLinesOfTheDocument(t *testing.T) {
	t.Parallel()
	const prepayID = "wx201410272009395522657a690389285100"
	c := credentials()
	c.AppID = "wx2421b1c4370ec43b"
	for name, test := range map[string]struct {
		client    func(prepayID, nonce string, at time.Time) (map[string]string, error)
		signature string // where it stands
		want      map[string]string
	}{
		"APP": {c.ClientAPP, "sign", map[string]string{
			"appid": "wx2421b1c4370ec43b", "partnerid": "1900007291", "prepayid": prepayID, "package": "Sign=WXPay",
			"noncestr": exampleNonce, "timestamp": exampleTime,
		}},
		"JSAPI": {c.ClientJSAPI, "paySign", map[string]string{
			"appId": "wx2421b1c4370ec43b", "timeStamp": exampleTime, "nonceStr": exampleNonce,
			"package": "prepay_id=" + prepayID, "signType": "RSA",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := test.client(prepayID, exampleNonce, time.Unix(1554208460, 0))
			if err != nil {
				t.Fatal(err)
			}
			text := clientText(t, name)
			if !verifies(&merchantKey().PublicKey, text, got[test.signature]) {
				t.Errorf("got a signature that is not of %q", text)
			}
			delete(got, test.signature)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// clientText is what the document's own signature for an app or a page is of.
func clientText(t *testing.T, name string) string {
	t.Helper()
	for _, example := range readJSON[[]struct{ Name, Last, Signature string }](t, "clients.json") {
		text := "wx2421b1c4370ec43b\n" + exampleTime + "\n" + exampleNonce + "\n" + example.Last + "\n"
		if !verifies(readPublic(t, "example_public.pem"), text, example.Signature) {
			t.Fatalf("the published signature for %s is of something else", example.Name)
		}
		if example.Name == name {
			return text
		}
	}
	t.Fatalf("no example for %s", name)
	return ""
}

func TestNothingIsSignedWithoutAKey(t *testing.T) {
	t.Parallel()
	var c v3.Credentials
	if got, err := c.Authorization("GET", "/", nil, "nonce", at); err == nil {
		t.Errorf("got %q", got)
	}
	if got, err := c.ClientAPP("id", "nonce", at); err == nil {
		t.Errorf("got %v", got)
	}
	if got, err := c.ClientJSAPI("id", "nonce", at); err == nil {
		t.Errorf("got %v", got)
	}
}

func TestValidateNamesWhatIsWrongAndNoValue(t *testing.T) {
	t.Parallel()
	if err := credentials().Validate(); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func(*v3.Credentials)
		want   string
	}{
		"no app":             {func(c *v3.Credentials) { c.AppID = "" }, "app id"},
		"no merchant":        {func(c *v3.Credentials) { c.MchID = "" }, "merchant number"},
		"a key of 16 bytes":  {func(c *v3.Credentials) { c.APIV3Key = "testMchAPIv3Key0" }, "APIv3 key"},
		"a key of 33 bytes":  {func(c *v3.Credentials) { c.APIV3Key += "x" }, "APIv3 key"},
		"no private key":     {func(c *v3.Credentials) { c.PrivateKey = nil }, "private key"},
		"no serial":          {func(c *v3.Credentials) { c.CertificateSerial = "" }, "serial"},
		"a serial in quotes": {func(c *v3.Credentials) { c.CertificateSerial = `"40"` }, "serial"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := credentials()
			test.change(&c)
			err := c.Validate()
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), c.APIV3Key) {
				t.Error("the error tells a key")
			}
		})
	}
	odd := credentials()
	odd.CertificateSerial = "abc"
	if err := odd.Validate(); err != nil {
		t.Errorf("an odd number of digits: %v", err)
	}
}
