package simulator

import "regexp"

// merchantRule is what a merchant of some protocol must bring.
type merchantRule struct {
	field string
	is    string // what it must be, in words
	kept  func(Merchant) bool
}

var (
	partnerID = regexp.MustCompile(`^[0-9]{10}$`)
	mchID     = regexp.MustCompile(`^[0-9]{8,10}$`)
	serialHex = regexp.MustCompile(`^[0-9A-F]{1,40}$`)
)

// merchantRules are the rules by protocol.
var merchantRules = map[string][]merchantRule{
	Legacy: {
		{"the app id", "there", func(m Merchant) bool { return m.AppID != "" }},
		{"the app secret", "there", func(m Merchant) bool { return m.AppSecret != "" }},
		{"the pay sign key", "there", func(m Merchant) bool { return m.PaySignKey != "" }},
		{"the partner key", "there", func(m Merchant) bool { return m.PartnerKey != "" }},
		{"the partner id", "ten digits", func(m Merchant) bool { return partnerID.MatchString(m.PartnerID) }},
		{"the daily quota of tokens", "0 or more", func(m Merchant) bool { return m.TokenDailyQuota >= 0 }},
	},
	V2: {
		{"the app id", "there", func(m Merchant) bool { return m.AppID != "" }},
		{"the mch id", "eight to ten digits", func(m Merchant) bool { return mchID.MatchString(m.MchID) }},
		{"the api key", "32 characters", func(m Merchant) bool { return len(m.APIKey) == 32 }},
		{"the sign type", "MD5 or HMAC-SHA256", func(m Merchant) bool { return m.SignType == MD5 || m.SignType == HMACSHA256 }},
		{"the certificate's serial", "uppercase hex", func(m Merchant) bool {
			return m.CertificateSerial == "" || serialHex.MatchString(m.CertificateSerial)
		}},
	},
	V3: {
		{"the app id", "there", func(m Merchant) bool { return m.AppID != "" }},
		{"the mch id", "eight to ten digits", func(m Merchant) bool { return mchID.MatchString(m.MchID) }},
		{"the APIv3 key", "32 bytes", func(m Merchant) bool { return len(m.APIV3Key) == 32 }},
		{"the certificate's serial", "uppercase hex", func(m Merchant) bool { return serialHex.MatchString(m.CertificateSerial) }},
		{"the certificate's public key", "there", func(m Merchant) bool { return m.PublicKey != nil }},
		{"the key mode", "public_key or platform_certificates", func(m Merchant) bool {
			return m.KeyMode == PublicKey || m.KeyMode == PlatformCertificates
		}},
	},
}
