package config

import (
	"regexp"
	"slices"
)

// Merchant is one shop's account with WeChat. Of Legacy, V2 and V3 the one that Protocol
// names is there.
type Merchant struct {
	Name           string
	Protocol       string // legacy, v2 or v3
	Endpoint       string // without a slash at its end
	BackupEndpoint string // used while the first one fails; empty for none
	AppID          string

	Legacy *Legacy
	V2     *V2
	V3     *V3
}

// Legacy is the account under the APP payment protocol of 2013 to 2015.
type Legacy struct {
	AppSecret       Secret
	PaySignKey      Secret // appkey
	PartnerID       string
	PartnerKey      Secret
	StableToken     bool // token_api: stable_token
	TokenDailyQuota int  // access tokens a day
	DeliverNotify   bool // tell WeChat that the goods were delivered
	AlsoVerify      AlsoVerify[LegacyKeys]
}

// AlsoVerify lists what notifies and answers may be signed with besides the merchant's
// present keys. Given is false if the file does not speak of it: then whatever verified
// before a reload goes on verifying.
type AlsoVerify[Keys any] struct {
	Given bool
	Keys  []Keys
}

// LegacyKeys are the keys that the notifies of the legacy protocol are signed with.
type LegacyKeys struct {
	PaySignKey Secret
	PartnerKey Secret
}

// V2 is the account under the XML protocol.
type V2 struct {
	MchID             string
	APIKey            Secret
	SignType          string // HMAC-SHA256 or MD5
	ClientCertificate string // path, with ClientKey; both empty where refunds are not made
	ClientKey         string
	Rate              int // calls to WeChat per second
	AlsoVerify        AlsoVerify[V2Keys]
}

// V2Keys are the keys that WeChat signs with under the XML protocol.
type V2Keys struct {
	APIKey Secret
}

// V3 is the account under the JSON protocol.
type V3 struct {
	MchID             string
	APIV3Key          Secret // 32 bytes
	PrivateKey        string // path
	CertificateSerial string
	Certificate       string // path of the merchant's own certificate, for check alone; may be empty
	PublicKeyID       string // with PublicKey; both empty where WeChat's platform certificates are used
	PublicKey         string // path
	Rate              int    // calls to WeChat per second
	AlsoVerify        AlsoVerify[V3Keys]
}

// V3Keys are a public key of WeChat's, or a key that notifies are encrypted with.
type V3Keys struct {
	PublicKeyID string // with PublicKey
	PublicKey   string // path
	APIV3Key    Secret // 32 bytes; empty where the public key stands
}

// protocol is what a merchant's section may say beyond the keys that all have.
type protocol struct {
	name             string
	endpoint, backup string // WeChat's own
	read             func(s *section, m *Merchant)
}

var protocols = []protocol{
	{"legacy", "https://api.weixin.qq.com", "", readLegacy},
	{"v2", "https://api.mch.weixin.qq.com", "https://api2.mch.weixin.qq.com", readV2},
	{"v3", "https://api.mch.weixin.qq.com", "https://api2.mch.weixin.qq.com", readV3},
}

var merchantName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func readMerchants(v value) map[string]Merchant {
	s := v.section()
	if s.empty() {
		v.problem("at least one merchant is needed")
	}
	merchants := map[string]Merchant{}
	for _, name := range s.names() {
		one := s.at(name)
		if !merchantName.MatchString(name) {
			one.problem("a merchant's name has 1 to 64 letters, digits, _ and -")
		}
		merchants[name] = readMerchant(name, one.section())
	}
	return merchants
}

func readMerchant(name string, s *section) Merchant {
	m := Merchant{
		Name:     name,
		Protocol: s.at("protocol").need(oneOf("legacy", "v2", "v3")),
		AppID:    s.at("app_id").need(),
	}
	at := slices.IndexFunc(protocols, func(p protocol) bool { return p.name == m.Protocol })
	if at < 0 {
		return m // which of the other keys belong here, nobody can say
	}
	p := protocols[at]
	m.Endpoint = s.at("endpoint").site(p.endpoint, web)
	// WeChat's backup belongs to WeChat's endpoint: what was meant for a simulator must not
	// reach WeChat because the simulator is down.
	if m.Endpoint != p.endpoint {
		p.backup = ""
	}
	m.BackupEndpoint = s.at("backup_endpoint").site(p.backup, orEmpty(web))
	p.read(s, &m)
	for _, other := range protocols {
		for _, key := range other.keys() {
			s.refuse(key, "is not a key of protocol "+p.name)
		}
	}
	s.end()
	return m
}

// keys lists the keys that read asks for.
func (p protocol) keys() []string {
	blank := value{reading: &reading{}}.section()
	p.read(blank, &Merchant{})
	return blank.known
}

func readLegacy(s *section, m *Merchant) {
	m.Legacy = &Legacy{
		AppSecret:       s.at("app_secret").secret(),
		PaySignKey:      s.at("pay_sign_key").secret(),
		PartnerID:       s.at("partner_id").need(),
		PartnerKey:      s.at("partner_key").secret(),
		StableToken:     s.at("token_api").text("token", oneOf("token", "stable_token")) == "stable_token",
		TokenDailyQuota: int(s.at("token_daily_quota").integer(200, 1, 1_000_000)),
		DeliverNotify:   s.at("deliver_notify").boolean(),
		AlsoVerify: readAlsoVerify(s, func(s *section) LegacyKeys {
			return LegacyKeys{PaySignKey: s.at("pay_sign_key").secret(), PartnerKey: s.at("partner_key").secret()}
		}),
	}
}

func readV2(s *section, m *Merchant) {
	m.V2 = &V2{
		MchID:    s.at("mch_id").need(),
		APIKey:   s.at("api_key").secret(),
		SignType: s.at("sign_type").text("HMAC-SHA256", oneOf("HMAC-SHA256", "MD5")),
		Rate:     readRate(s),
		AlsoVerify: readAlsoVerify(s, func(s *section) V2Keys {
			return V2Keys{APIKey: s.at("api_key").secret()}
		}),
	}
	m.V2.ClientCertificate, m.V2.ClientKey = readClientCertificate(s)
}

func readV3(s *section, m *Merchant) {
	m.V3 = &V3{
		MchID:             s.at("mch_id").need(),
		APIV3Key:          s.at("api_v3_key").secret(length(32)),
		PrivateKey:        s.at("private_key").needKeyFile(privateKey),
		CertificateSerial: s.at("certificate_serial").need(),
		Certificate:       s.at("certificate").path(),
		PublicKeyID:       s.at("public_key_id").text(""),
		PublicKey:         s.at("public_key").keyFile(publicKey),
		Rate:              readRate(s),
		AlsoVerify:        readAlsoVerify(s, readV3Keys),
	}
	s.together("public_key_id", "public_key")
}

func readV3Keys(s *section) V3Keys {
	keys := V3Keys{
		PublicKeyID: s.at("public_key_id").text(""), PublicKey: s.at("public_key").keyFile(publicKey),
		APIV3Key: NewSecret(s.at("api_v3_key").text("", orEmpty(length(32)))),
	}
	s.together("public_key_id", "public_key")
	if s.at("public_key_id").blank() && s.at("api_v3_key").blank() {
		s.problem("must have public_key_id with public_key, or api_v3_key")
	}
	return keys
}

// readRate reads how many calls WeChat may get from one process in a second. WeChat's own
// limit for a merchant's orders is said to be 500 to 600.
func readRate(s *section) int { return int(s.at("rate").integer(500, 1, 1_000_000)) }

func readAlsoVerify[Keys any](s *section, read func(*section) Keys) AlsoVerify[Keys] {
	v := s.at("verify_also")
	also := AlsoVerify[Keys]{Given: !v.absent()}
	for _, item := range v.list() {
		one := item.section()
		also.Keys = append(also.Keys, read(one))
		one.end()
	}
	return also
}
