package simulator

import "net/http"

// legacyCode is one of WeChat's global return codes.
type legacyCode int64

// The codes that this API is refused with.
const (
	legacyBusy          legacyCode = -1
	legacyBadCredential legacyCode = 40001 // a wrong secret, or a token that is not the latest
	legacyBadGrantType  legacyCode = 40002
	legacyBadAppID      legacyCode = 40013
	legacyBadToken      legacyCode = 40014
	legacyBadCharset    legacyCode = 40033
	legacyInvalid       legacyCode = 40035
	legacyBadSecret     legacyCode = 40125
	legacyTokenMissing  legacyCode = 41001
	legacyAppIDMissing  legacyCode = 41002
	legacySecretMissing legacyCode = 41004
	legacyTokenExpired  legacyCode = 42001
	legacyNeedsGet      legacyCode = 43001
	legacyNeedsPost     legacyCode = 43002
	legacyBodyEmpty     legacyCode = 44002
	legacyQuotaUsed     legacyCode = 45009
	legacyTooOften      legacyCode = 45011
	legacyMalformed     legacyCode = 47001
	legacyForeignApp    legacyCode = 49001
	legacyPayerMissing  legacyCode = 49002
	legacyForeignPayer  legacyCode = 49003
	legacyBadSignature  legacyCode = 49004
	legacyNoTransaction legacyCode = 49005
	legacyBadPartner    legacyCode = 49010
	legacyNumberUsed    legacyCode = 201      // not in the list: what merchants report of a number used twice
	legacyNoTrade       legacyCode = 88221009 // Tenpay's, in ret_code: there is no such trade
)

// legacyMessages are WeChat's own words for the codes.
var legacyMessages = map[legacyCode]string{
	legacyBusy:          "system error",
	legacyBadCredential: "invalid credential",
	legacyBadGrantType:  "invalid grant_type",
	legacyBadAppID:      "invalid appid",
	legacyBadToken:      "invalid access_token",
	legacyBadCharset:    "invalid charset. please check your request, if include \\uxxxx will create fail!",
	legacyInvalid:       "invalid argument",
	legacyBadSecret:     "invalid appsecret",
	legacyTokenMissing:  "access_token missing",
	legacyAppIDMissing:  "appid missing",
	legacySecretMissing: "appsecret missing",
	legacyTokenExpired:  "access_token expired",
	legacyNeedsGet:      "require GET method",
	legacyNeedsPost:     "require POST method",
	legacyBodyEmpty:     "empty post data",
	legacyQuotaUsed:     "reach max api daily quota limit",
	legacyTooOften:      "api minute-quota reach limit, must slower, retry next minute",
	legacyMalformed:     "data format error",
	legacyForeignApp:    "not same appid with appid of access_token",
	legacyPayerMissing:  "empty openid or transid",
	legacyForeignPayer:  "not match openid with appid",
	legacyBadSignature:  "not match signature",
	legacyNoTransaction: "not existed transid",
	legacyBadPartner:    "invalid partner id",
	legacyNumberUsed:    "duplicate merchant order number",
}

// legacyMethods says how a wrong method is refused, by the right one.
var legacyMethods = map[string]legacyCode{
	http.MethodGet:  legacyNeedsGet,
	http.MethodPost: legacyNeedsPost,
}

// legacyTroubles are the answers to a call when nothing is looked at.
var legacyTroubles = troubles{
	busy:    legacyReply(refuse(legacyBusy, "")),
	limited: legacyReply(refuse(legacyTooOften, "")),
}

// legacyRefusal is an answer that says no, exactly as it is sent.
type legacyRefusal struct {
	Code    legacyCode `json:"errcode"`
	Message string     `json:"errmsg"`
}

// Error is WeChat's message.
func (r *legacyRefusal) Error() string { return r.Message }

// refuse makes a refusal of a code, with a hint for the person who has to mend it.
func refuse(code legacyCode, hint string) *legacyRefusal {
	message := legacyMessages[code]
	if hint != "" {
		message += " hint: [" + hint + "]"
	}
	return &legacyRefusal{Code: code, Message: message}
}
