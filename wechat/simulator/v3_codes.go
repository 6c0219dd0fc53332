package simulator

import (
	"net/http"
	"strconv"
)

// v3Code is one of the error codes of APIv3's documents.
type v3Code string

// The codes that this API is refused with.
const (
	v3InvalidParameter v3Code = "PARAM_ERROR"
	v3InvalidRequest   v3Code = "INVALID_REQUEST"
	v3ForeignApp       v3Code = "APPID_MCHID_NOT_MATCH"
	v3OrderPaid        v3Code = "ORDER_PAID"
	v3OrderClosed      v3Code = "ORDER_CLOSED"
	v3BadSignature     v3Code = "SIGN_ERROR"
	v3NumberUsed       v3Code = "OUT_TRADE_NO_USED"
	v3NoOrder          v3Code = "ORDER_NOT_EXIST"
	v3NoResource       v3Code = "RESOURCE_NOT_EXISTS"
	v3Limited          v3Code = "RATELIMIT_EXCEEDED"
	v3NoBill           v3Code = "NO_STATEMENT_EXIST"
	v3BillMaking       v3Code = "STATEMENT_CREATING"
	v3Busy             v3Code = "SYSTEM_ERROR"
	v3Unavailable      v3Code = "SERVICE_UNAVAILABLE"
	// v3BadMethod is in no table: the documents give the status alone.
	v3BadMethod v3Code = "METHOD_NOT_ALLOWED"
)

// v3Answers are the status that a code comes with, and WeChat's own words for it. The
// documents give ORDER_PAID both 400 and 403.
var v3Answers = map[v3Code]struct {
	status  int
	message string
}{
	v3InvalidParameter: {http.StatusBadRequest, "参数错误"},
	v3InvalidRequest:   {http.StatusBadRequest, "无效请求"},
	v3ForeignApp:       {http.StatusBadRequest, "appid和mch_id不匹配"},
	v3OrderPaid:        {http.StatusBadRequest, "该订单已支付"},
	v3OrderClosed:      {http.StatusBadRequest, "订单已关闭"},
	v3BadSignature:     {http.StatusUnauthorized, "签名错误"},
	v3NumberUsed:       {http.StatusForbidden, "商户订单号重复"},
	v3NoOrder:          {http.StatusNotFound, "订单不存在"},
	v3NoResource:       {http.StatusNotFound, "查询的资源不存在"},
	v3BadMethod:        {http.StatusMethodNotAllowed, "请求方法不正确"},
	v3NoBill:           {http.StatusBadRequest, "账单文件不存在"},
	v3BillMaking:       {http.StatusBadRequest, "账单生成中"},
	v3Limited:          {http.StatusTooManyRequests, "频率超限"},
	v3Busy:             {http.StatusInternalServerError, "系统错误"},
	v3Unavailable:      {http.StatusServiceUnavailable, "服务不可用，请稍后重试"},
}

// v3Internal are the numbers behind the last dash of Request-ID, where they are published.
var v3Internal = map[v3Code]int{
	v3InvalidParameter: 268435461,
	v3ForeignApp:       268445527,
	v3OrderPaid:        268449538,
	v3BadSignature:     268443699,
	v3NoOrder:          268512771,
	v3Limited:          268447840,
}

// v3Refusal is an answer that says no.
type v3Refusal struct {
	code    v3Code
	message string
	detail  any // nil for none
}

// Error is the code and WeChat's message.
func (r *v3Refusal) Error() string { return string(r.code) + ": " + r.message }

// refuseV3 makes a refusal of a code, with a hint for the person who has to mend it.
func refuseV3(code v3Code, hint string) *v3Refusal {
	message := v3Answers[code].message
	if hint != "" {
		message += ": " + hint
	}
	return &v3Refusal{code: code, message: message}
}

// v3Detail says which value is wrong, as far as it is one of the call's (document, "error
// codes").
type v3Detail struct {
	Field    string `json:"field"` // a JSON pointer in a body, a name elsewhere
	Value    string `json:"value"`
	Issue    string `json:"issue"`
	Location string `json:"location"` // body, query, uri_template or header
}

// refuseValue makes a PARAM_ERROR of a value.
func refuseValue(location, field, value, issue string) *v3Refusal {
	refusal := refuseV3(v3InvalidParameter, field+" "+issue)
	refusal.detail = v3Detail{Field: field, Value: value, Issue: issue, Location: location}
	return refusal
}

// requestID draws the name of a call, with the number of what became of it.
func (v *v3) requestID(code v3Code) string {
	return "08" + v.s.dice.text(upperHex, 36) + "-" + strconv.Itoa(v3Internal[code])
}
