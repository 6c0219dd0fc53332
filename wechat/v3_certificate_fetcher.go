package wechat

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	v3 "settled/wechat/v3"
)

// certificatesLife is how long the platform certificates are used before they are asked
// for again (APIv3 document, platform certificates: every twelve hours at least).
const certificatesLife = 12 * time.Hour

// V3CertificateFetcher fetches WeChat's platform certificates for a merchant, as the text
// that V3Config.Certificates hands out: the answer as it came, still encrypted.
type V3CertificateFetcher struct {
	line       *v3Line
	configured []v3.Key
	now        func() time.Time

	mu   sync.Mutex
	none time.Time // until when the merchant is known to have public keys only
}

// NewV3CertificateFetcher returns a fetcher ready for use. It makes no call.
func NewV3CertificateFetcher(cfg V3Config) (*V3CertificateFetcher, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	return &V3CertificateFetcher{line: newV3Line(cfg), configured: cfg.keys(), now: cfg.Now}, nil
}

// FetchToken asks WeChat for its certificates, checks them, and says how long their text is
// good for. That a merchant has none, only public keys, is a text as well, and is
// remembered. It fails with *settled.Unknown alone, with After if it is of no use to ask
// again at once.
func (f *V3CertificateFetcher) FetchToken(ctx context.Context) (text string, life time.Duration, err error) {
	if left := f.withoutFor(); left > 0 {
		return noCertificates, left, nil
	}
	text, _, err = askV3(ctx, f.line, v3Request{call: v3.Certificates, class: urgent}, f.open, reading[string]{
		read:    func(body []byte) (string, error) { return string(body), nil },
		nothing: func() string { return noCertificates },
	})
	if err != nil {
		return "", 0, fmt.Errorf("fetch platform certificates: %w", err)
	}
	if text == noCertificates {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.none = f.now().Add(certificatesLife)
	}
	return text, certificatesLife, nil
}

func (f *V3CertificateFetcher) withoutFor() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.none.Sub(f.now())
}

// open verifies the answer with the certificates that stand in it.
func (f *V3CertificateFetcher) open(_ context.Context, call v3.Call, answer v3.Answer) (keyID string, err error) {
	if answer.Status != http.StatusOK {
		return v3.Keyring{}.Open(call, answer, f.now())
	}
	keys, err := v3.ReadCertificates(f.line.credentials.APIV3Key, answer.Body)
	if err != nil {
		return "", err
	}
	return v3.NewKeyring(append(keys, f.configured...)...).Open(call, answer, f.now())
}
