package wechat

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"settled/wechat/legacy"
)

// defaultLegacyEndpoint is where the document's calls live.
const defaultLegacyEndpoint = "https://api.weixin.qq.com"

// LegacyConfig is one merchant of the legacy protocol. What has no word on its absence is
// required.
type LegacyConfig struct {
	Merchant   string // our own name of the merchant, for logs
	AppID      string
	AppSecret  string // LegacyTokenFetcher only
	PaySignKey string // Legacy only
	PartnerID  string // Legacy only
	PartnerKey string // Legacy only

	Endpoint      string // default https://api.weixin.qq.com
	NotifyURL     string // Legacy only; without a query, which would break the notify's signature
	DeliverNotify bool   // WeChat wants to hear of delivered goods
	StableToken   bool   // LegacyTokenFetcher only: ask stable_token instead of token
	Tokens        Tokens // Legacy only

	HTTP    *http.Client  // default: one with bounded connections; its redirects are never followed
	Timeout time.Duration // of one call; default 5 s
	Now     func() time.Time
	Random  io.Reader // read by many goroutines; default crypto/rand

	// Observe is told of every call. Default: nobody is told.
	Observe func(Call)
	Log     *slog.Logger // default: nothing is logged
}

// Tokens keeps the merchant's access token for everyone who needs it: fetching one may
// end the life of every other. Its methods may be called from many goroutines and must
// not fail with a *settled.Refusal: without a token nobody has asked WeChat anything.
type Tokens interface {
	// Token returns the current token.
	Token(ctx context.Context) (string, error)
	// Refused says that WeChat did not take a token. If it is still the current one it is
	// dropped, and the next Token is another.
	Refused(ctx context.Context, token string) error
}

func (cfg LegacyConfig) withDefaults() LegacyConfig {
	cfg.Endpoint = strings.TrimSuffix(cmp.Or(cfg.Endpoint, defaultLegacyEndpoint), "/")
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler)).With("merchant", cfg.Merchant)
	if cfg.Random == nil {
		cfg.Random = rand.Reader
	}
	if cfg.Observe == nil {
		cfg.Observe = func(Call) {}
	}
	return cfg
}

// validate names everything that is wrong, and no value: most of them are secret.
func (cfg LegacyConfig) validate(required ...requirement) error {
	var problems []error
	for _, r := range append(required,
		requirement{"Merchant", cfg.Merchant != ""},
		requirement{"AppID", cfg.AppID != ""},
		requirement{"Now", cfg.Now != nil},
	) {
		if !r.met {
			problems = append(problems, fmt.Errorf("merchant %s: %s is missing", cfg.Merchant, r.field))
		}
	}
	if !plainURL(cfg.Endpoint) {
		problems = append(problems, fmt.Errorf("merchant %s: Endpoint is not a plain http or https URL", cfg.Merchant))
	}
	return errors.Join(problems...)
}

func (cfg LegacyConfig) credentials() legacy.Credentials {
	return legacy.Credentials{
		AppID: cfg.AppID, AppSecret: cfg.AppSecret, PaySignKey: cfg.PaySignKey,
		PartnerID: cfg.PartnerID, PartnerKey: cfg.PartnerKey,
	}
}
