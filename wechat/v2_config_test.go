package wechat_test

import (
	"strings"
	"testing"
	"time"

	"settled/wechat"
)

func TestNewV2NamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*wechat.V2Config)
		want   string // in the error; empty if there is none
	}{
		"nothing":                       {func(*wechat.V2Config) {}, ""},
		"the defaults":                  {func(c *wechat.V2Config) { c.Endpoint, c.BackupEndpoint, c.SignType = "", "", "" }, ""},
		"MD5":                           {func(c *wechat.V2Config) { c.SignType = "MD5" }, ""},
		"another algorithm":             {func(c *wechat.V2Config) { c.SignType = "RSA" }, "SignType"},
		"no merchant":                   {func(c *wechat.V2Config) { c.Merchant = "" }, "Merchant"},
		"no app":                        {func(c *wechat.V2Config) { c.AppID = "" }, "AppID"},
		"no merchant number":            {func(c *wechat.V2Config) { c.MchID = "" }, "MchID"},
		"no key":                        {func(c *wechat.V2Config) { c.APIKey = "" }, "APIKey"},
		"no clock":                      {func(c *wechat.V2Config) { c.Now = nil }, "Now"},
		"an endpoint without scheme":    {func(c *wechat.V2Config) { c.Endpoint = "api.mch.weixin.qq.com" }, "Endpoint"},
		"a backup with a user":          {func(c *wechat.V2Config) { c.BackupEndpoint = "https://a:b@api2.mch.weixin.qq.com" }, "BackupEndpoint"},
		"no notify URL":                 {func(c *wechat.V2Config) { c.NotifyURL = "" }, "NotifyURL"},
		"a notify URL with a query":     {func(c *wechat.V2Config) { c.NotifyURL += "?merchant=shop2" }, "NotifyURL"},
		"no room for that of refunds":   {func(c *wechat.V2Config) { c.NotifyURL = "https://a/" + strings.Repeat("x", 239) }, "NotifyURL"},
		"just enough for that, however": {func(c *wechat.V2Config) { c.NotifyURL = "https://a/" + strings.Repeat("x", 238) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := wechat.V2Config{
				Merchant: "shop2", AppID: v2AppID, MchID: v2MchID, APIKey: v2Key, SignType: "HMAC-SHA256",
				Endpoint: "https://api.mch.weixin.qq.com/", BackupEndpoint: "https://api2.mch.weixin.qq.com/",
				NotifyURL: v2NotifyURL, Now: time.Now,
			}
			test.change(&cfg)
			_, err := wechat.NewV2(cfg)
			if (test.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), v2Key) {
				t.Error("the error tells the key")
			}
		})
	}
}
