package wechat

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"settled"
	v3 "settled/wechat/v3"
)

// renewal is the least time between two requests for newer certificates, whatever arrives:
// anybody can name a serial that nobody knows.
const renewal = time.Minute

// noCertificates is the text of a merchant that has public keys only.
const noCertificates = "none"

// codeCertificates says that there is nothing yet to verify an answer with.
const codeCertificates = "certificates"

// v3Keys are the keys that WeChat's signatures verify with: those of the configuration, and
// the platform certificates in the text that everyone shares. The text is what WeChat
// encrypted, so that whoever can write it can't make a certificate up. v3Keys remembers
// what it has read of it.
type v3Keys struct {
	credentials v3.Credentials
	configured  []v3.Key
	preferred   string // id of the key that answers shall be signed with; empty: the newest certificate's
	shared      Tokens // nil: there are no certificates
	now         func() time.Time
	log         *slog.Logger

	mu      sync.Mutex
	text    string // that was read last, whether or not it could be
	ring    v3.Keyring
	renewed time.Time // when newer ones were last asked for
}

func newV3Keys(cfg V3Config) *v3Keys {
	return &v3Keys{
		credentials: cfg.credentials(), configured: cfg.keys(), preferred: cfg.PublicKeyID, shared: cfg.Certificates,
		now: cfg.Now, log: cfg.Log, ring: v3.NewKeyring(cfg.keys()...),
	}
}

// known returns the keyring as it is.
func (k *v3Keys) known() v3.Keyring {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.ring
}

// current returns the keyring after a look at the shared text. Without the text it is the
// one that was known before; err says why then.
func (k *v3Keys) current(ctx context.Context) (ring v3.Keyring, err error) {
	if k.shared == nil {
		return k.known(), nil
	}
	text, err := k.shared.Token(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	if err == nil && text != k.text {
		k.take(ctx, text)
	}
	return k.ring, err
}

// take reads a text. What can't be read changes nothing: the keys that were good still are.
func (k *v3Keys) take(ctx context.Context, text string) {
	k.text = text
	var certificates []v3.Key
	if text != noCertificates {
		var err error
		if certificates, err = v3.ReadCertificates(k.credentials.APIV3Key, []byte(text)); err != nil {
			k.log.ErrorContext(ctx, "platform certificates can't be read", "error", err)
			return
		}
	}
	k.ring = v3.NewKeyring(append(certificates, k.configured...)...)
}

// serial is what a request asks its answer to be signed with; empty before any certificate
// is known. It fails with *settled.Unknown if no answer could be verified at all.
func (k *v3Keys) serial(ctx context.Context) (string, error) {
	if k.preferred != "" {
		return k.preferred, nil
	}
	ring, err := k.current(ctx)
	if err != nil && ring.Empty() {
		return "", withoutCertificates(err)
	}
	newest, _ := ring.Newest(k.now())
	return newest.ID, nil
}

// withoutCertificates makes an unknown outcome of a lack of keys, with the pause that its
// cause asks for.
func withoutCertificates(err error) error {
	unknown := settled.Unknown{Code: codeCertificates}
	var cause *settled.Unknown
	if errors.As(err, &cause) {
		unknown = *cause
	}
	unknown.Err = fmt.Errorf("take platform certificates: %w", err)
	return &unknown
}

// verify has check use the keyring. If it misses a key, it gets a second one with what the
// others know by now, and a third one with what WeChat says.
func (k *v3Keys) verify(ctx context.Context, check func(v3.Keyring) (keyID string, err error)) (keyID string, err error) {
	keyID, err = check(k.known())
	if errors.Is(err, v3.ErrUnknownSerial) && k.shared != nil {
		ring, _ := k.current(ctx) // without the text, what is known decides
		keyID, err = check(ring)
	}
	if errors.Is(err, v3.ErrUnknownSerial) && k.shared != nil {
		k.renew(ctx) // or somebody else just did, and the newer ones are on their way
		ring, _ := k.current(ctx)
		keyID, err = check(ring)
	}
	return keyID, err
}

// renew sends for newer certificates, unless somebody did a moment ago.
func (k *v3Keys) renew(ctx context.Context) {
	k.mu.Lock()
	text, now := k.text, k.now()
	due := text != "" && now.Sub(k.renewed) >= renewal
	if due {
		k.renewed = now
	}
	k.mu.Unlock()
	if !due {
		return
	}
	if err := k.shared.Refused(ctx, text); err != nil {
		k.log.WarnContext(ctx, "platform certificates can't be renewed", "error", err)
	}
}
