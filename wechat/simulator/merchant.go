package simulator

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
)

// Legacy names the protocol of the APP payment document of 2013 to 2015, with appkey,
// package and two signatures.
const Legacy = "legacy"

// Merchant is a merchant that WeChat knows, with all that was agreed between the two.
type Merchant struct {
	// Name is what people call the merchant on /simulator/; default PartnerID.
	Name string
	// Protocol is Legacy.
	Protocol string
	// AppID and AppSecret get access tokens.
	AppID, AppSecret string
	// PaySignKey signs what the app and the notify's body say (the document's appkey).
	PaySignKey string
	// PartnerID is the merchant's number, ten digits.
	PartnerID string
	// PartnerKey signs package and the notify's query.
	PartnerKey string
	// TokenDailyQuota is how often a day cgi-bin/token may be called; default 200. Older
	// texts say 200, newer ones 2000.
	TokenDailyQuota int
}

// account is a merchant as the simulator keeps it: with the protocol it speaks.
type account struct {
	Merchant
	protocol protocol
}

func (m Merchant) withDefaults() Merchant {
	m.Name = cmp.Or(m.Name, m.PartnerID)
	m.TokenDailyQuota = cmp.Or(m.TokenDailyQuota, 200)
	return m
}

// answersTo reports whether somebody who says name means this merchant.
func (m Merchant) answersTo(name string) bool {
	return name == m.Name || name == m.AppID || name == m.PartnerID
}

var partnerID = regexp.MustCompile(`^[0-9]{10}$`)

func (m Merchant) validate() error {
	switch {
	case m.Protocol != Legacy:
		return fmt.Errorf("protocol %q is not known", m.Protocol)
	case m.AppID == "", m.AppSecret == "", m.PaySignKey == "", m.PartnerKey == "":
		return errors.New("app id, app secret, pay sign key and partner key must all be there")
	case !partnerID.MatchString(m.PartnerID):
		return errors.New("the partner id must have ten digits")
	case m.TokenDailyQuota < 0:
		return errors.New("the daily quota of tokens is negative")
	}
	return nil
}

func validateMerchants(merchants []Merchant) error {
	seen := map[string]bool{}
	for i, m := range merchants {
		if err := m.validate(); err != nil {
			return fmt.Errorf("merchant %d: %w", i+1, err)
		}
		for _, id := range []string{"app " + m.AppID, "partner " + m.PartnerID, "name " + m.Name} {
			if seen[id] {
				return fmt.Errorf("merchant %d: %s is another merchant's already", i+1, id)
			}
			seen[id] = true
		}
	}
	return nil
}
