package simulator

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// checkClient checks the second signature and all that it covers. It is made like the
// first one, with the same key in the same way.
func (v *v2) checkClient(o *order, client map[string]string) error {
	rule, known := clientRules[o.terms.trade]
	if !known {
		return &Declined{fmt.Sprintf("an order of trade type %s is not paid with a prepay id", o.terms.trade)}
	}
	if given := slices.Sorted(maps.Keys(client)); !slices.Equal(given, rule.fields) {
		return &Declined{fmt.Sprintf("the fields must be %v, are %v", rule.fields, given)}
	}
	signed := v2Fields(maps.Clone(client))
	delete(signed, rule.sign)
	switch {
	case client[rule.app] != o.account.AppID:
		return &Declined{"the prepay id is not this app's"}
	case o.terms.trade == APP && client["partnerid"] != o.account.MchID:
		return &Declined{"the prepay id is not this partner's"}
	case o.terms.trade == APP && client["package"] != "Sign=WXPay":
		return &Declined{"package must be Sign=WXPay"}
	case o.terms.trade == JSAPI && client["signType"] != o.account.SignType:
		return &Declined{"signType must be " + o.account.SignType}
	case client[rule.nonce] == "" || len(client[rule.nonce]) > 32:
		return &Declined{rule.nonce + " must have 1 to 32 bytes"}
	case !isSeconds(client[rule.timestamp]):
		return &Declined{rule.timestamp + " must be Unix time in seconds"}
	case signV2(signed, o.account.SignType, o.account.APIKey) != client[rule.sign]:
		return &Declined{"not match signature"}
	}
	return nil
}

func (v *v2) settle(o *order, at time.Time) payment { return v.s.settlement(o, at) }
