package wechat

import (
	"cmp"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"settled/wechat/v2"
)

// defaultV2Endpoint is where the document's calls live.
const defaultV2Endpoint = "https://api.mch.weixin.qq.com"

// V2Config is one merchant of APIv2. What has no word on its absence is required.
type V2Config struct {
	Merchant string // our own name of the merchant, for logs

	AppID    string
	MchID    string
	APIKey   string // 32 characters
	SignType string // HMAC-SHA256 or MD5; default HMAC-SHA256

	Endpoint       string // default https://api.mch.weixin.qq.com
	BackupEndpoint string // used while the first one fails; empty: there is none
	NotifyURL      string // without a query; /refund is put behind it for refunds
	Rate           int    // calls a second; 0: without bounds

	// Certificate is the merchant's API certificate with its private key, which WeChat wants
	// to see before it gives money back. Nil: there is none, or HTTP shows it by itself.
	Certificate *tls.Certificate

	HTTP    *http.Client  // default: one with bounded connections; its redirects are never followed
	Timeout time.Duration // of one call; default 5 s
	Now     func() time.Time
	Random  io.Reader // read by many goroutines; default crypto/rand

	// Observe is told of every call. Default: nobody is told.
	Observe func(Call)
	// HostChanged is told when a host is left alone, and when it is back. Default: nobody is.
	HostChanged func(host string, open bool)
	Log         *slog.Logger // default: nothing is logged
}

func (cfg V2Config) withDefaults() V2Config {
	cfg.SignType = cmp.Or(cfg.SignType, string(v2.HMACSHA256))
	cfg.Endpoint = strings.TrimSuffix(cmp.Or(cfg.Endpoint, defaultV2Endpoint), "/")
	cfg.BackupEndpoint = strings.TrimSuffix(cfg.BackupEndpoint, "/")
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler)).With("merchant", cfg.Merchant)
	if cfg.Random == nil {
		cfg.Random = rand.Reader
	}
	return cfg
}

// validate names everything that is wrong, and no value: some of them are secret.
func (cfg V2Config) validate() error {
	var problems []error
	for _, r := range []requirement{
		{"Merchant", cfg.Merchant != ""},
		{"AppID", cfg.AppID != ""},
		{"MchID", cfg.MchID != ""},
		{"APIKey", cfg.APIKey != ""},
		{"Now", cfg.Now != nil},
	} {
		if !r.met {
			problems = append(problems, fmt.Errorf("%s is missing", r.field))
		}
	}
	if by := v2.SignType(cfg.SignType); by != v2.HMACSHA256 && by != v2.MD5 {
		problems = append(problems, fmt.Errorf("SignType is neither %s nor %s", v2.HMACSHA256, v2.MD5))
	}
	if err := errors.Join(append(problems, cfg.validateURLs()...)...); err != nil {
		return fmt.Errorf("merchant %s: %w", cfg.Merchant, err)
	}
	return nil
}

func (cfg V2Config) validateURLs() (problems []error) {
	for _, r := range []requirement{
		{"Endpoint", plainURL(cfg.Endpoint)},
		{"BackupEndpoint", cfg.BackupEndpoint == "" || plainURL(cfg.BackupEndpoint)},
	} {
		if !r.met {
			problems = append(problems, fmt.Errorf("%s is not a plain http or https URL", r.field))
		}
	}
	return append(problems, checkNotifyURL(cfg.NotifyURL))
}

func (cfg V2Config) credentials() v2.Credentials {
	return v2.Credentials{AppID: cfg.AppID, MchID: cfg.MchID, APIKey: cfg.APIKey, SignType: v2.SignType(cfg.SignType)}
}
