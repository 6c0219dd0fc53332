package simulator

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// legacyClientFields are what the app puts into the SDK's PayReq (document, "calling the
// payment from the app").
var legacyClientFields = []string{"appid", "noncestr", "package", "partnerid", "prepayid", "sign", "timestamp"}

// checkClient checks the second signature and all that it covers. package must be the
// documented literal; whether WeChat minded another spelling is not known.
func (l *legacy) checkClient(o *order, client map[string]string) error {
	if given := slices.Sorted(maps.Keys(client)); !slices.Equal(given, legacyClientFields) {
		return &Declined{fmt.Sprintf("the fields must be %v, are %v", legacyClientFields, given)}
	}
	signed := maps.Clone(client)
	delete(signed, "sign")
	switch {
	case client["appid"] != o.account.AppID:
		return &Declined{"the prepay id is not this app's"}
	case client["partnerid"] != o.account.PartnerID:
		return &Declined{"the prepay id is not this partner's"}
	case client["package"] != "Sign=WXPay":
		return &Declined{"package must be Sign=WXPay"}
	case client["noncestr"] == "" || len(client["noncestr"]) > 32:
		return &Declined{"noncestr must have 1 to 32 bytes"}
	case !isSeconds(client["timestamp"]):
		return &Declined{"timestamp must be Unix time in seconds"}
	case legacySHA1(signed, o.account.PaySignKey) != client["sign"]:
		return &Declined{"not match signature"}
	}
	return nil
}

// settle makes up a payment. A transaction id has 28 digits: the merchant's number, the
// date and a serial number.
func (l *legacy) settle(o *order, at time.Time) payment {
	return payment{
		transactionID: fmt.Sprintf("%s%s%010d", o.account.PartnerID, at.In(beijing).Format("20060102"), l.s.serial()),
		at:            at,
		openID:        "o" + l.s.dice.text(base64, 27),
		bankType:      "2011",
		bankBillNo:    l.s.dice.text(digits, 12),
		notifyID:      l.s.dice.text(base64, 100),
	}
}
