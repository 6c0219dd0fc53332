package wechat_test

import (
	"strings"
	"testing"
	"time"

	"settled/wechat"
	v3 "settled/wechat/v3"
)

func TestNewV3NamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*wechat.V3Config)
		want   string // in the error; empty if there is none
	}{
		"nothing":                    {func(*wechat.V3Config) {}, ""},
		"the default endpoint":       {func(c *wechat.V3Config) { c.Endpoint = "" }, ""},
		"certificates alone":         {platform(&texts{}), ""},
		"a further key alone":        {func(c *wechat.V3Config) { c.PublicKeyID, c.PublicKey, c.AlsoVerify = "", nil, []v3.Key{{ID: "1"}} }, ""},
		"nothing to verify with":     {platform(nil), "nothing verifies"},
		"a public key without id":    {func(c *wechat.V3Config) { c.PublicKeyID = "" }, "PublicKeyID"},
		"an id without a public key": {func(c *wechat.V3Config) { c.PublicKey = nil }, "PublicKeyID"},
		"no merchant":                {func(c *wechat.V3Config) { c.Merchant = "" }, "Merchant"},
		"no app":                     {func(c *wechat.V3Config) { c.AppID = "" }, "app id"},
		"no merchant number":         {func(c *wechat.V3Config) { c.MchID = "" }, "merchant number"},
		"a short APIv3 key":          {func(c *wechat.V3Config) { c.APIV3Key = v3Key[1:] }, "APIv3 key"},
		"no private key":             {func(c *wechat.V3Config) { c.PrivateKey = nil }, "private key"},
		"no serial":                  {func(c *wechat.V3Config) { c.CertificateSerial = "" }, "serial"},
		"no clock":                   {func(c *wechat.V3Config) { c.Now = nil }, "Now"},
		"an endpoint without scheme": {func(c *wechat.V3Config) { c.Endpoint = "api.mch.weixin.qq.com" }, "Endpoint"},
		"a backup without scheme":    {func(c *wechat.V3Config) { c.BackupEndpoint = "api2.mch.weixin.qq.com" }, "BackupEndpoint"},
		"no notify URL":              {func(c *wechat.V3Config) { c.NotifyURL = "" }, "NotifyURL"},
		"a notify URL with a query":  {func(c *wechat.V3Config) { c.NotifyURL += "?a=b" }, "NotifyURL"},
		"a notify URL that has no room for refunds": {
			func(c *wechat.V3Config) { c.NotifyURL = "https://pay.example.com/" + strings.Repeat("x", 230) }, "NotifyURL",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := wechat.V3Config{
				Merchant: "shop3", AppID: appID, MchID: v3MchID, APIV3Key: v3Key, PrivateKey: v3Merchant(), CertificateSerial: v3Serial,
				PublicKeyID: v3PublicID, PublicKey: &v3Wechat[v3PublicID]().PublicKey,
				Endpoint: "https://api.mch.weixin.qq.com/", NotifyURL: v3NotifyURL, Now: time.Now,
			}
			test.change(&cfg)
			_, err := wechat.NewV3(cfg)
			if (test.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), v3Key[1:]) {
				t.Error("the error tells a key")
			}
		})
	}
}

func TestAFetcherNeedsNothingToVerifyWith(t *testing.T) {
	t.Parallel()
	cfg := wechat.V3Config{
		Merchant: "shop3", AppID: appID, MchID: v3MchID, APIV3Key: v3Key, PrivateKey: v3Merchant(), CertificateSerial: v3Serial, Now: time.Now,
	}
	if _, err := wechat.NewV3CertificateFetcher(cfg); err != nil {
		t.Error(err)
	}
	cfg.APIV3Key = ""
	if _, err := wechat.NewV3CertificateFetcher(cfg); err == nil || !strings.Contains(err.Error(), "merchant shop3: ") {
		t.Errorf("got %v", err)
	}
}
