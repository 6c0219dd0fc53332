package wechat_test

import (
	"strings"
	"testing"
	"time"

	"settled/wechat"
)

func TestNewLegacyNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*wechat.LegacyConfig)
		want   string // in the error; empty if there is none
	}{
		"nothing":              {func(*wechat.LegacyConfig) {}, ""},
		"the default endpoint": {func(c *wechat.LegacyConfig) { c.Endpoint = "" }, ""},
		"no merchant":          {func(c *wechat.LegacyConfig) { c.Merchant = "" }, "Merchant"},
		"no app":               {func(c *wechat.LegacyConfig) { c.AppID = "" }, "AppID"},
		"no clock":             {func(c *wechat.LegacyConfig) { c.Now = nil }, "Now"},
		"no tokens":            {func(c *wechat.LegacyConfig) { c.Tokens = nil }, "Tokens"},
		"no PaySignKey":        {func(c *wechat.LegacyConfig) { c.PaySignKey = "" }, "PaySignKey"},
		"no partner":           {func(c *wechat.LegacyConfig) { c.PartnerID = "" }, "PartnerID"},
		"no partner key, which would make every signature right": {func(c *wechat.LegacyConfig) { c.PartnerKey = "" }, "PartnerKey"},
		"an endpoint without scheme":                             {func(c *wechat.LegacyConfig) { c.Endpoint = "api.weixin.qq.com" }, "Endpoint"},
		"an endpoint with a user":                                {func(c *wechat.LegacyConfig) { c.Endpoint = "https://a:b@api.weixin.qq.com" }, "Endpoint"},
		"a notify URL with a query, which would break the signature": {
			func(c *wechat.LegacyConfig) { c.NotifyURL = "https://pay.example.com/notify?merchant=classic" }, "NotifyURL",
		},
		"a notify URL that is too long": {
			func(c *wechat.LegacyConfig) { c.NotifyURL = "https://pay.example.com/" + strings.Repeat("x", 255) }, "NotifyURL",
		},
		"no notify URL": {func(c *wechat.LegacyConfig) { c.NotifyURL = "" }, "NotifyURL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := wechat.LegacyConfig{
				Merchant: "classic", AppID: appID, PaySignKey: paySignKey, PartnerID: partnerID, PartnerKey: partnerKey,
				Endpoint: "https://api.weixin.qq.com/", NotifyURL: "https://pay.example.com/notify/classic",
				Tokens: &tokens{}, Now: time.Now,
			}
			test.change(&cfg)
			_, err := wechat.NewLegacy(cfg)
			if (test.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), partnerKey) {
				t.Error("the error tells a key")
			}
		})
	}
}

func TestNewLegacyTokenFetcherNeedsTheSecret(t *testing.T) {
	t.Parallel()
	cfg := wechat.LegacyConfig{Merchant: "classic", AppID: appID, Now: time.Now}
	if _, err := wechat.NewLegacyTokenFetcher(cfg); err == nil || !strings.Contains(err.Error(), "AppSecret") {
		t.Errorf("got %v", err)
	}
	cfg.AppSecret = appSecret
	if _, err := wechat.NewLegacyTokenFetcher(cfg); err != nil {
		t.Error(err)
	}
}
