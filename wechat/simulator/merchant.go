package simulator

import (
	"cmp"
	"crypto/rsa"
	"fmt"
)

// The protocols that a merchant may speak.
const (
	// Legacy is the APP payment document of 2013 to 2015, with appkey, package and two
	// signatures.
	Legacy = "legacy"
	// V2 is APIv2: XML, signed with a key that both sides have.
	V2 = "v2"
	// V3 is APIv3: JSON, signed with RSA keys of which each side has its own.
	V3 = "v3"
)

// The ways in which an APIv2 merchant may have agreed to sign.
const (
	MD5        = "MD5"
	HMACSHA256 = "HMAC-SHA256"
)

// KeyMode says what an APIv3 merchant verifies WeChat's signatures with.
type KeyMode string

// The key modes of APIv3.
const (
	// PublicKey is one key without an end, named PUB_KEY_ID_ and digits.
	PublicKey KeyMode = "public_key"
	// PlatformCertificates are certificates, named by their serial, which the merchant
	// downloads and WeChat changes now and then.
	PlatformCertificates KeyMode = "platform_certificates"
)

// Merchant is a merchant that WeChat knows, with all that was agreed between the two.
type Merchant struct {
	// Name is what people call the merchant on /simulator/; default PartnerID or MchID.
	Name string
	// Protocol is Legacy, V2 or V3.
	Protocol string
	// AppID is the app, official account or mini program that the merchant takes money in.
	AppID string

	// AppSecret gets access tokens. Legacy.
	AppSecret string
	// PaySignKey signs what the app and the notify's body say (the document's appkey). Legacy.
	PaySignKey string
	// PartnerID is the merchant's number, ten digits. Legacy.
	PartnerID string
	// PartnerKey signs package and the notify's query. Legacy.
	PartnerKey string
	// TokenDailyQuota is how often a day cgi-bin/token may be called; default 200. Older
	// texts say 200, newer ones 2000. Legacy.
	TokenDailyQuota int

	// MchID is the merchant's number, eight to ten digits. V2 and V3.
	MchID string
	// APIKey signs whatever either side says, 32 characters. V2.
	APIKey string
	// SignType is how: MD5 or HMACSHA256; default MD5. V2.
	SignType string
	// CertificateSerial is the serial number of the merchant's API certificate, in uppercase
	// hex. V3 names it in each call; V2, if it is set, takes a refund over TLS from the
	// certificate that has it, as well as from one whose common name is MchID.
	CertificateSerial string
	// PublicKey is that certificate's, which the merchant's calls verify with. V3.
	PublicKey *rsa.PublicKey
	// APIV3Key encrypts notifies and platform certificates, 32 bytes. V3.
	APIV3Key string
	// KeyMode is what the merchant knows WeChat's signatures by; default PublicKey. V3.
	KeyMode KeyMode
	// WechatKey is what WeChat signs with; default one that the simulator makes. V3.
	WechatKey *rsa.PrivateKey
	// WechatKeyID names WechatKey: PUB_KEY_ID_ and digits, or a certificate's serial number in
	// uppercase hex; default one that the simulator draws. V3.
	WechatKeyID string
}

// account is a merchant as the simulator keeps it: with the protocol it speaks.
type account struct {
	Merchant
	protocol protocol
}

func (m Merchant) withDefaults() Merchant {
	m.Name = cmp.Or(m.Name, m.PartnerID, m.MchID)
	switch m.Protocol {
	case Legacy:
		m.TokenDailyQuota = cmp.Or(m.TokenDailyQuota, 200)
	case V2:
		m.SignType = cmp.Or(m.SignType, MD5)
	case V3:
		m.KeyMode = cmp.Or(m.KeyMode, PublicKey)
	}
	return m
}

// answersTo reports whether somebody who says name means this merchant.
func (m Merchant) answersTo(name string) bool {
	return name != "" && (name == m.Name || name == m.AppID || name == m.PartnerID || name == m.MchID)
}

func (m Merchant) validate() error {
	rules, known := merchantRules[m.Protocol]
	if !known {
		return fmt.Errorf("protocol %q is not known", m.Protocol)
	}
	for _, rule := range rules {
		if !rule.kept(m) {
			return fmt.Errorf("%s must be %s", rule.field, rule.is)
		}
	}
	return nil
}

func validateMerchants(merchants []Merchant) error {
	seen := map[string]bool{}
	for i, m := range merchants {
		if err := m.validate(); err != nil {
			return fmt.Errorf("merchant %d: %w", i+1, err)
		}
		for _, id := range m.identities() {
			if seen[id] {
				return fmt.Errorf("merchant %d: %s is another merchant's already", i+1, id)
			}
			seen[id] = true
		}
	}
	return nil
}

// identities are what no two merchants may share. Of the legacy API's access tokens there
// is one for an app; later protocols know merchants by their number, whatever the app.
func (m Merchant) identities() []string {
	if m.Protocol == Legacy {
		return []string{"name " + m.Name, "app " + m.AppID, "partner " + m.PartnerID}
	}
	return []string{"name " + m.Name, "mch id " + m.MchID}
}
