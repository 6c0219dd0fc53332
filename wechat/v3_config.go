package wechat

import (
	"cmp"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	v3 "settled/wechat/v3"
)

// defaultV3Endpoint is where the document's calls live.
const defaultV3Endpoint = "https://api.mch.weixin.qq.com"

// V3Config is one merchant of APIv3. What has no word on its absence is required.
type V3Config struct {
	Merchant string // our own name of the merchant, for logs

	AppID             string
	MchID             string
	APIV3Key          string          // 32 bytes
	PrivateKey        *rsa.PrivateKey // of the merchant's API certificate
	CertificateSerial string          // of the merchant's API certificate, in hex

	// What WeChat's signatures verify with. V3 needs one of the three; while WeChat moves a
	// merchant from one to another, all of them may be there at once.

	PublicKeyID  string         // PUB_KEY_ID_ and digits; empty: there is no public key
	PublicKey    *rsa.PublicKey // nil: there is none
	AlsoVerify   []v3.Key       // further public keys or certificates, during a change of them
	Certificates Tokens         // the text that a V3CertificateFetcher fetches; nil: platform certificates are not used

	Endpoint       string // default https://api.mch.weixin.qq.com
	BackupEndpoint string // used while the first one fails; empty: there is none
	Rate           int    // calls a second; 0: without bounds
	NotifyURL      string // V3 only; without a query; /refund is put behind it for refunds

	HTTP    *http.Client  // default: one with bounded connections; its redirects are never followed
	Timeout time.Duration // of one call; default 5 s
	Now     func() time.Time
	Random  io.Reader // read by many goroutines; default crypto/rand

	// Observe is told of every call. Default: nobody is told.
	Observe func(Call)
	// HostChanged is told when a host is left alone, and when it is back. Default: nobody is.
	HostChanged func(host string, open bool)
	// Verified is told which key has verified what: the name of a call, or "notify". Default:
	// nobody is told.
	Verified func(keyID, what string)
	Log      *slog.Logger // default: nothing is logged
}

func (cfg V3Config) withDefaults() V3Config {
	cfg.Endpoint = strings.TrimSuffix(cmp.Or(cfg.Endpoint, defaultV3Endpoint), "/")
	cfg.BackupEndpoint = strings.TrimSuffix(cfg.BackupEndpoint, "/")
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler)).With("merchant", cfg.Merchant)
	if cfg.Random == nil {
		cfg.Random = rand.Reader
	}
	if cfg.Verified == nil {
		cfg.Verified = func(string, string) {}
	}
	return cfg
}

// validate names everything that is wrong, and no value: some of them are secret.
func (cfg V3Config) validate(more ...error) error {
	problems := append(more, cfg.credentials().Validate())
	for _, r := range []requirement{{"Merchant", cfg.Merchant != ""}, {"Now", cfg.Now != nil}} {
		if !r.met {
			problems = append(problems, fmt.Errorf("%s is missing", r.field))
		}
	}
	if (cfg.PublicKeyID == "") != (cfg.PublicKey == nil) {
		problems = append(problems, errors.New("PublicKeyID and PublicKey go together"))
	}
	for field, endpoint := range map[string]string{"Endpoint": cfg.Endpoint, "BackupEndpoint": cfg.BackupEndpoint} {
		if endpoint != "" && !plainURL(endpoint) {
			problems = append(problems, fmt.Errorf("%s is not a plain http or https URL", field))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("merchant %s: %w", cfg.Merchant, err)
	}
	return nil
}

// checkGateway names what V3 needs and a fetcher does not.
func (cfg V3Config) checkGateway() error {
	var nothing error
	if cfg.PublicKey == nil && len(cfg.AlsoVerify) == 0 && cfg.Certificates == nil {
		nothing = errors.New("nothing verifies: PublicKey, AlsoVerify and Certificates are missing")
	}
	return errors.Join(nothing, checkNotifyURL(cfg.NotifyURL))
}

func (cfg V3Config) credentials() v3.Credentials {
	return v3.Credentials{
		AppID: cfg.AppID, MchID: cfg.MchID, APIV3Key: cfg.APIV3Key,
		PrivateKey: cfg.PrivateKey, CertificateSerial: cfg.CertificateSerial,
	}
}

// keys are those that are configured, whatever WeChat hands out.
func (cfg V3Config) keys() []v3.Key {
	keys := append([]v3.Key(nil), cfg.AlsoVerify...)
	if cfg.PublicKey != nil {
		keys = append(keys, v3.Key{ID: cfg.PublicKeyID, Public: cfg.PublicKey})
	}
	return keys
}
