package simulator

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// unifiedorder places an order. The same number again needs the same content, whatever its
// nonce; what merchants report of other content is INVALID_REQUEST, and the code made for a
// number that is used stands for an order of another trade type.
func (v *v2) unifiedorder(r v2Request) (v2Fields, error) {
	if err := checkV2Order(r.fields); err != nil {
		return nil, err
	}
	trade := TradeType(r.fields["trade_type"])
	before := v.s.book.find(r.account, r.fields["out_trade_no"])
	issued, err := v.s.prepay(r.account, r.fields["out_trade_no"], v2Terms(r.fields), func() ticket { return v.s.ticket(trade) })
	switch {
	case errors.Is(err, errPaid):
		return nil, refuseV2(v2OrderPaid, "")
	case errors.Is(err, errClosed):
		return nil, refuseV2(v2OrderClosed, "")
	case errors.Is(err, errOtherContent) && before != nil && before.terms.trade != trade:
		return nil, refuseV2(v2NumberUsed, "the order has another trade_type")
	case errors.Is(err, errOtherContent):
		return nil, refuseV2(v2InvalidRequest, "201 商户订单号重复: "+err.Error())
	case err != nil:
		return nil, refuseV2(v2InvalidRequest, err.Error())
	}
	return v2Fields{
		"trade_type": r.fields["trade_type"],
		"prepay_id":  issued.prepayID,
		"code_url":   issued.codeURL,
		"mweb_url":   issued.h5URL,
	}, nil
}

// checkV2Order checks what the rules of single elements can't say.
func checkV2Order(f v2Fields) error {
	need := map[string]string{"JSAPI": "openid", "NATIVE": "product_id", "MWEB": "scene_info"}[f["trade_type"]]
	if need != "" && f[need] == "" {
		return refuseV2(v2Lacking, need+" is missing, which trade_type "+f["trade_type"]+" needs")
	}
	if f["trade_type"] == "MWEB" && !isH5Scene(f["scene_info"]) {
		return refuseV2(v2InvalidRequest, "scene_info must have h5_info with a type of Wap, IOS or Android, and what belongs to it")
	}
	// Older texts want five minutes between the two.
	start, expire := parseCompactTime(f["time_start"]), parseCompactTime(f["time_expire"])
	if !start.IsZero() && !expire.IsZero() && expire.Sub(start) < time.Minute {
		return refuseV2(v2InvalidRequest, "time_expire must be a minute or more after time_start")
	}
	return nil
}

// isH5Scene checks scene_info of a payment in a browser (document, "H5 unified order").
func isH5Scene(text string) bool {
	var scene struct {
		H5 map[string]string `json:"h5_info"`
	}
	if json.Unmarshal([]byte(text), &scene) != nil {
		return false
	}
	needs, known := map[string][]string{
		"Wap": {"wap_url", "wap_name"}, "IOS": {"app_name", "bundle_id"}, "Android": {"app_name", "package_name"},
	}[scene.H5["type"]]
	return known && !slices.ContainsFunc(needs, func(name string) bool { return scene.H5[name] == "" })
}

// v2Terms are what checked elements order.
func v2Terms(f v2Fields) terms {
	total, _ := strconv.ParseInt(f["total_fee"], 10, 64)
	return terms{
		content:    v2Content(f),
		trade:      TradeType(f["trade_type"]),
		openID:     f["openid"],
		total:      total,
		charset:    "UTF-8",
		deviceInfo: f["device_info"],
		attach:     f["attach"],
		notifyURL:  f["notify_url"],
		expiresAt:  parseCompactTime(f["time_expire"]),
	}
}

// v2Content is all that a request says, but not how it is signed.
func v2Content(f v2Fields) string {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(f)) {
		if name != "sign" && name != "sign_type" && name != "nonce_str" {
			text.WriteString(name + "=" + strconv.Quote(f[name]) + "\n")
		}
	}
	return text.String()
}

// closeorder closes an order. How soon it may be closed was five minutes in older texts, and
// is not checked.
func (v *v2) closeorder(r v2Request) (v2Fields, error) {
	o := v.s.book.find(r.account, r.fields["out_trade_no"])
	if o == nil {
		return nil, refuseV2(v2NoOrder, "")
	}
	switch err := o.close(); {
	case errors.Is(err, errPaid):
		return nil, refuseV2(v2OrderPaid, "")
	case errors.Is(err, errClosed):
		return nil, refuseV2(v2OrderClosed, "")
	}
	return v2Fields{"result_msg": "OK"}, nil
}
