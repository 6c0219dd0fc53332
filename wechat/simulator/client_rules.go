package simulator

import (
	"fmt"
	"maps"
	"slices"
)

// clientRule is what an app or a page hands to WeChat, and how its values are called.
type clientRule struct {
	fields                      []string // sorted
	app, nonce, timestamp, sign string
}

// clientRules are the documents' lists ("calling the payment" from an app and from a page).
var clientRules = map[TradeType]clientRule{
	APP: {
		[]string{"appid", "noncestr", "package", "partnerid", "prepayid", "sign", "timestamp"},
		"appid", "noncestr", "timestamp", "sign",
	},
	JSAPI: {
		[]string{"appId", "nonceStr", "package", "paySign", "signType", "timeStamp"},
		"appId", "nonceStr", "timeStamp", "paySign",
	},
}

// checkClient checks what an app or a page hands over against the order. signType is what a
// page has to name; signed reports whether the second signature is right.
func checkClient(o *order, client map[string]string, signType string, signed func(clientRule) bool) error {
	rule, known := clientRules[o.terms.trade]
	if !known {
		return &Declined{fmt.Sprintf("an order of trade type %s is not paid with a prepay id", o.terms.trade)}
	}
	if given := slices.Sorted(maps.Keys(client)); !slices.Equal(given, rule.fields) {
		return &Declined{fmt.Sprintf("the fields must be %v, are %v", rule.fields, given)}
	}
	switch {
	case client[rule.app] != o.account.AppID:
		return &Declined{"the prepay id is not this app's"}
	case o.terms.trade == APP && client["partnerid"] != o.account.MchID:
		return &Declined{"the prepay id is not this partner's"}
	case o.terms.trade == APP && client["package"] != "Sign=WXPay":
		return &Declined{"package must be Sign=WXPay"}
	case o.terms.trade == JSAPI && client["signType"] != signType:
		return &Declined{"signType must be " + signType}
	case client[rule.nonce] == "" || len(client[rule.nonce]) > 32:
		return &Declined{rule.nonce + " must have 1 to 32 bytes"}
	case !isSeconds(client[rule.timestamp]):
		return &Declined{rule.timestamp + " must be Unix time in seconds"}
	case !signed(rule):
		return &Declined{"not match signature"}
	}
	return nil
}
