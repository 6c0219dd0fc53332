package simulator

import (
	"fmt"
	"maps"
	"slices"
)

// checkClient checks the second signature (documents, "calling the payment" from an app and
// from a page), made with the merchant's own key over four lines. The last of them is the
// bare prepay id for an app, and package for a page. The fields are named as in APIv2.
func (v *v3) checkClient(o *order, client map[string]string) error {
	rule, known := clientRules[o.terms.trade]
	if !known {
		return &Declined{fmt.Sprintf("an order of trade type %s is not paid with a prepay id", o.terms.trade)}
	}
	if given := slices.Sorted(maps.Keys(client)); !slices.Equal(given, rule.fields) {
		return &Declined{fmt.Sprintf("the fields must be %v, are %v", rule.fields, given)}
	}
	last := client["package"]
	if o.terms.trade == APP {
		last = client["prepayid"]
	}
	message := v3Message(client[rule.app], client[rule.timestamp], client[rule.nonce], last)
	switch {
	case client[rule.app] != o.account.AppID:
		return &Declined{"the prepay id is not this app's"}
	case o.terms.trade == APP && client["partnerid"] != o.account.MchID:
		return &Declined{"the prepay id is not this partner's"}
	case o.terms.trade == APP && client["package"] != "Sign=WXPay":
		return &Declined{"package must be Sign=WXPay"}
	case o.terms.trade == JSAPI && client["signType"] != "RSA":
		return &Declined{"signType must be RSA"}
	case client[rule.nonce] == "" || len(client[rule.nonce]) > 32:
		return &Declined{rule.nonce + " must have 1 to 32 bytes"}
	case !isSeconds(client[rule.timestamp]):
		return &Declined{rule.timestamp + " must be Unix time in seconds"}
	case !verifyV3(o.account.PublicKey, message, client[rule.sign]):
		return &Declined{"not match signature"}
	}
	return nil
}
