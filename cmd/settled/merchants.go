package main

import (
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"time"

	"settled"
	"settled/cmd/settled/config"
	"settled/store/hints"
	"settled/wechat"
)

// openMerchants makes each merchant's gateway, behind a switch by which its keys can be
// replaced while the program runs.
func (p *process) openMerchants() error {
	for name := range p.cfg.Merchants {
		if err := p.openMerchant(name); err != nil {
			return misuse{fmt.Errorf("merchants.%s: %w", name, err)}
		}
	}
	return nil
}

func (p *process) openMerchant(name string) error {
	m := p.cfg.Merchants[name]
	a, err := p.account(m)
	if err != nil {
		return err
	}
	p.merchants[name] = p.newSwitch(m, a)
	p.sights.holds(name, a.tokens)
	return nil
}

// newSwitch puts a gateway behind a switch. Of the protocols whose keys have no names, the
// switch knows whether the present or a former key has verified a notify.
func (p *process) newSwitch(m config.Merchant, a account) *wechat.Switch {
	s := wechat.NewSwitch(a.gateway, a.former...)
	if m.V3 == nil {
		s.Verified = func(byFormer bool) {
			key := presentKey
			if byFormer {
				key = formerKey
			}
			p.sighted(m.Name, key, sightedNotify)
		}
	}
	return s
}

// account is what stands behind a merchant's switch.
type account struct {
	gateway settled.Gateway
	former  []settled.Notifies // of the keys that still verify
	tokens  *hints.Tokens      // access tokens; nil for a protocol without
}

// account makes what a merchant's section asks for. Nothing uses it yet.
func (p *process) account(m config.Merchant) (account, error) {
	switch {
	case m.V2 != nil:
		return p.v2(m)
	case m.V3 != nil:
		return p.v3(m)
	default:
		return p.legacy(m)
	}
}

// notifyURL is where WeChat sends the merchant's notifies.
func (p *process) notifyURL(m config.Merchant) string {
	return p.cfg.Ingress.PublicURL + "/notify/" + m.Name
}

// observe counts a merchant's calls to WeChat, and writes them into the journal.
func (p *process) observe(m config.Merchant) func(wechat.Call) {
	return func(c wechat.Call) {
		p.metrics.called(m.Name, c)
		p.store.Note(callLine(m.Name, c, p.store.Now()))
		if p.called != nil {
			p.called(m.Name, c)
		}
	}
}

// callLine is a call that has just ended, as a line of the journal.
func callLine(merchant string, c wechat.Call, ended time.Time) settled.Entry {
	if c.Code == "0" {
		c.Code = "" // all was well
	}
	return settled.Entry{
		At: ended.Add(-c.Took), PaymentID: c.PaymentID, Merchant: merchant, OrderID: c.OrderID, Kind: settled.EntryCall,
		Name: c.Name, Host: c.Host, Outcome: c.Outcome, Code: c.Code, RequestID: c.RequestID, Took: c.Took,
	}
}

// hostChanged shows when one of WeChat's hosts is left alone, and when no longer.
func (p *process) hostChanged(m config.Merchant) func(host string, open bool) {
	return func(host string, open bool) {
		p.metrics.hostChanged(m.Name, host, open)
		p.sights.host(m.Name, host, open, p.store.Now())
	}
}

func (p *process) legacy(m config.Merchant) (account, error) {
	cfg := wechat.LegacyConfig{
		Merchant: m.Name, AppID: m.AppID, AppSecret: m.Legacy.AppSecret.Reveal(), PaySignKey: m.Legacy.PaySignKey.Reveal(),
		PartnerID: m.Legacy.PartnerID, PartnerKey: m.Legacy.PartnerKey.Reveal(),
		Endpoint: m.Endpoint, NotifyURL: p.notifyURL(m),
		DeliverNotify: m.Legacy.DeliverNotify, StableToken: m.Legacy.StableToken,
		Now: p.store.Now, Random: rand.Reader, Log: p.log, Observe: p.observe(m),
	}
	fetcher, err := wechat.NewLegacyTokenFetcher(cfg)
	if err != nil {
		return account{}, err
	}
	tokens := p.hints.Tokens(hints.TokenConfig{
		Merchant: m.Name, Key: tokenKey(m), Fetch: fetcher.FetchToken, DailyQuota: m.Legacy.TokenDailyQuota,
	})
	cfg.Tokens = tokens
	var former []settled.Notifies
	for _, keys := range m.Legacy.AlsoVerify.Keys {
		old := cfg
		old.PaySignKey, old.PartnerKey = keys.PaySignKey.Reveal(), keys.PartnerKey.Reveal()
		gateway, err := wechat.NewLegacy(old)
		if err != nil {
			return account{}, err
		}
		former = append(former, gateway)
	}
	gateway, err := wechat.NewLegacy(cfg)
	return account{gateway, former, tokens}, err
}

// tokenKey names what a merchant's tokens depend on: with another app, secret or way of
// fetching them, the tokens that are kept are not the merchant's any more.
func tokenKey(m config.Merchant) string {
	return fmt.Sprintf("%s %s %s %t", m.Endpoint, m.AppID, m.Legacy.AppSecret.Reveal(), m.Legacy.StableToken)
}

func (p *process) v2(m config.Merchant) (account, error) {
	cfg := wechat.V2Config{
		Merchant: m.Name, AppID: m.AppID, MchID: m.V2.MchID, APIKey: m.V2.APIKey.Reveal(), SignType: m.V2.SignType,
		Endpoint: m.Endpoint, BackupEndpoint: m.BackupEndpoint, NotifyURL: p.notifyURL(m), Rate: m.V2.Rate,
		Now: p.store.Now, Random: rand.Reader, Log: p.log, Observe: p.observe(m), HostChanged: p.hostChanged(m),
	}
	if m.V2.ClientCertificate != "" {
		certificate, err := tls.LoadX509KeyPair(m.V2.ClientCertificate, m.V2.ClientKey)
		if err != nil {
			return account{}, fmt.Errorf("read client_certificate and client_key: %w", err)
		}
		cfg.Certificate = &certificate
	}
	var former []settled.Notifies
	for _, keys := range m.V2.AlsoVerify.Keys {
		old := cfg
		old.APIKey = keys.APIKey.Reveal()
		gateway, err := wechat.NewV2(old)
		if err != nil {
			return account{}, err
		}
		former = append(former, gateway)
	}
	gateway, err := wechat.NewV2(cfg)
	return account{gateway: gateway, former: former}, err
}

func (p *process) v3(m config.Merchant) (account, error) {
	cfg, err := p.v3Config(m)
	if err != nil {
		return account{}, err
	}
	fetcher, err := wechat.NewV3CertificateFetcher(cfg)
	if err != nil {
		return account{}, err
	}
	// The certificates come as WeChat sent them, encrypted: whoever can write to Redis can't
	// make one up.
	cfg.Certificates = p.hints.Tokens(hints.TokenConfig{
		Merchant: m.Name, What: "platform certificates", Key: "certificates " + m.Endpoint + " " + m.V3.MchID + " " + m.V3.APIV3Key.Reveal(),
		Fetch: fetcher.FetchToken,
		Pause: 50 * time.Millisecond, MostPause: 2 * time.Second, // anybody can name a serial that sends for them
		Observe: func(event string) { p.metrics.certificates.WithLabelValues(event).Inc() },
	})
	var former []settled.Notifies
	for _, keys := range m.V3.AlsoVerify.Keys {
		if keys.APIV3Key.Reveal() == "" {
			continue
		}
		old := cfg
		old.APIV3Key = keys.APIV3Key.Reveal()
		gateway, err := wechat.NewV3(old)
		if err != nil {
			return account{}, err
		}
		former = append(former, gateway)
	}
	gateway, err := wechat.NewV3(cfg)
	return account{gateway: gateway, former: former}, err
}

// v3Config reads the key files of a merchant of APIv3.
func (p *process) v3Config(m config.Merchant) (wechat.V3Config, error) {
	cfg := wechat.V3Config{
		Merchant: m.Name, AppID: m.AppID, MchID: m.V3.MchID, APIV3Key: m.V3.APIV3Key.Reveal(), CertificateSerial: m.V3.CertificateSerial,
		Endpoint: m.Endpoint, BackupEndpoint: m.BackupEndpoint, NotifyURL: p.notifyURL(m), Rate: m.V3.Rate,
		Now: p.store.Now, Random: rand.Reader, Log: p.log, Observe: p.observe(m), HostChanged: p.hostChanged(m),
		Verified: func(keyID, what string) {
			if what != sightedNotify {
				what = sightedAnswer // whichever call it answers
			}
			p.sighted(m.Name, keyID, what)
		},
	}
	var err error
	if cfg.PrivateKey, err = readPrivateKey(m.V3.PrivateKey); err != nil {
		return cfg, fmt.Errorf("read private_key: %w", err)
	}
	if m.V3.PublicKeyID != "" {
		key, err := readPublicKey(m.V3.PublicKeyID, m.V3.PublicKey)
		if err != nil {
			return cfg, fmt.Errorf("read public_key: %w", err)
		}
		cfg.PublicKeyID, cfg.PublicKey = key.ID, key.Public
	}
	for i, k := range m.V3.AlsoVerify.Keys {
		if k.PublicKeyID == "" {
			continue
		}
		key, err := readPublicKey(k.PublicKeyID, k.PublicKey)
		if err != nil {
			return cfg, fmt.Errorf("read verify_also[%d].public_key: %w", i, err)
		}
		cfg.AlsoVerify = append(cfg.AlsoVerify, key)
	}
	return cfg, nil
}

// sighted notes that a key of WeChat's has verified something.
func (p *process) sighted(merchant, key, what string) {
	p.metrics.verified.WithLabelValues(merchant, key, what).Inc()
	p.hints.Sighted(merchant, key, what)
}
