package simulator

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// notify spells a notify (document, "notify"): the order in the query, signed with MD5, the
// user in the body, signed with SHA1.
func (l *legacy) notify(ctx context.Context, o *order, told lies) (*http.Request, error) {
	paid, _ := o.paid()
	querySigned, bodySigned := true, true
	if told.signature {
		querySigned = l.s.dice.chance(0.5)
		bodySigned = !querySigned
	}
	target, err := url.Parse(o.terms.notifyURL)
	if err != nil {
		return nil, err
	}
	if target.RawQuery != "" {
		target.RawQuery += "&"
	}
	target.RawQuery += l.notifyQuery(o, paid, told, querySigned)
	body := l.notifyBody(o, paid, bodySigned)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "text/xml")
	request.Header.Set("User-Agent", "Mozilla/4.0")
	request.Header.Set("Accept", "*/*")
	request.Header.Set("Pragma", "no-cache")
	return request, nil
}

// notifyQuery is in alphabetical order, sign included. The values are in the order's
// charset, and so is what is signed; the shop's own query is not signed.
func (l *legacy) notifyQuery(o *order, paid payment, told lies, signed bool) string {
	product, transport := legacyFees(o.terms)
	values := map[string]string{
		"attach":         o.terms.attach,
		"bank_billno":    paid.bankBillNo,
		"bank_type":      paid.bankType,
		"discount":       "0",
		"fee_type":       "1",
		"input_charset":  o.terms.charset,
		"notify_id":      paid.notifyID,
		"out_trade_no":   o.number,
		"partner":        o.account.PartnerID,
		"product_fee":    product,
		"sign_type":      "MD5",
		"time_end":       paid.at.In(beijing).Format(compactTime),
		"total_fee":      strconv.FormatInt(o.terms.total, 10),
		"trade_mode":     "1",
		"trade_state":    "0",
		"transaction_id": paid.transactionID,
		"transport_fee":  transport,
	}
	if told.amount {
		values["total_fee"] = strconv.FormatInt(o.terms.total+1, 10)
	}
	if told.partner {
		values["partner"] = spoil(o.account.PartnerID)
	}
	values["sign"] = legacyMD5(values, o.account.PartnerKey)
	if !signed {
		values["sign"] = spoil(values["sign"])
	}
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if values[key] != "" {
			pairs = append(pairs, key+"="+escape(values[key]))
		}
	}
	return strings.Join(pairs, "&")
}

// notifyBody has its own time and nonce in each sending. An app's user need not have
// subscribed to anything.
func (l *legacy) notifyBody(o *order, paid payment, signed bool) string {
	values := map[string]string{
		"appid":       o.account.AppID,
		"issubscribe": "0",
		"noncestr":    l.s.dice.text(letters, 16),
		"openid":      paid.openID,
		"timestamp":   strconv.FormatInt(l.s.cfg.Now().Unix(), 10),
	}
	signature := legacySHA1(values, o.account.PaySignKey)
	if !signed {
		signature = spoil(signature)
	}
	return fmt.Sprintf(`<xml><OpenId><![CDATA[%s]]></OpenId>
<AppId><![CDATA[%s]]></AppId>
<IsSubscribe>%s</IsSubscribe>
<TimeStamp>%s</TimeStamp>
<NonceStr><![CDATA[%s]]></NonceStr>
<AppSignature><![CDATA[%s]]></AppSignature>
<SignMethod><![CDATA[sha1]]></SignMethod>
</xml>`, values["openid"], values["appid"], values["issubscribe"], values["timestamp"], values["noncestr"], signature)
}

// heard is true for exactly success: anything else, and the notify is repeated.
func (l *legacy) heard(status int, body []byte) bool {
	return status == http.StatusOK && string(body) == "success"
}

// spoil changes the last character of something that is not empty.
func spoil(text string) string {
	last := len(text) - 1
	if text[last] == '0' {
		return text[:last] + "1"
	}
	return text[:last] + "0"
}
