package simulator

// v2Code is one of the error codes of APIv2's documents.
type v2Code string

// The codes that this API is refused with.
const (
	v2Busy             v2Code = "SYSTEMERROR"
	v2BadMethod        v2Code = "REQUIRE_POST_METHOD"
	v2BodyEmpty        v2Code = "POST_DATA_EMPTY"
	v2BadCharset       v2Code = "NOT_UTF8"
	v2Malformed        v2Code = "XML_FORMAT_ERROR"
	v2BadSignature     v2Code = "SIGNERROR"
	v2NoMerchant       v2Code = "MCHID_NOT_EXIST"
	v2NoApp            v2Code = "APPID_NOT_EXIST"
	v2ForeignApp       v2Code = "APPID_MCHID_NOT_MATCH"
	v2Lacking          v2Code = "LACK_PARAMS"
	v2InvalidRequest   v2Code = "INVALID_REQUEST"
	v2InvalidParameter v2Code = "PARAM_ERROR"
	v2NumberUsed       v2Code = "OUT_TRADE_NO_USED"
	v2OrderPaid        v2Code = "ORDERPAID"
	v2OrderClosed      v2Code = "ORDERCLOSED"
	v2NoOrder          v2Code = "ORDERNOTEXIST"
	v2NoTransaction    v2Code = "INVALID_TRANSACTIONID"
	v2NoRefund         v2Code = "REFUNDNOTEXIST"
	v2OtherFee         v2Code = "REFUND_FEE_MISMATCH"
	v2Overdue          v2Code = "TRADE_OVERDUE"
	v2BadCertificate   v2Code = "CERT_ERROR"
	v2Error            v2Code = "ERROR"
	// v2Unformed is not in any table: calls that have no code of their own for it say so in
	// return_msg, as the document of return_msg has it.
	v2Unformed v2Code = ""
)

// v2Messages are WeChat's own words for the codes.
var v2Messages = map[v2Code]string{
	v2Busy:             "系统错误",
	v2BadMethod:        "请使用post方法",
	v2BodyEmpty:        "post数据为空",
	v2BadCharset:       "编码格式错误",
	v2Malformed:        "XML格式错误",
	v2BadSignature:     "签名错误",
	v2NoMerchant:       "MCHID不存在",
	v2NoApp:            "APPID不存在",
	v2ForeignApp:       "appid和mch_id不匹配",
	v2Lacking:          "缺少参数",
	v2InvalidRequest:   "参数错误",
	v2InvalidParameter: "参数错误",
	v2NumberUsed:       "商户订单号重复",
	v2OrderPaid:        "该订单已支付",
	v2OrderClosed:      "订单已关闭",
	v2NoOrder:          "订单不存在",
	v2NoTransaction:    "无效transaction_id",
	v2NoRefund:         "退款订单查询失败",
	v2OtherFee:         "订单金额或退款金额与之前请求不一致，请核实后再试",
	v2Overdue:          "订单已经超过可退款的最大期限",
	v2BadCertificate:   "证书校验错误",
	v2Error:            "业务错误",
	v2Unformed:         "参数格式校验错误",
}

// unsigned reports whether a refusal says no more than return_code FAIL: nobody is known
// yet to whom WeChat could sign. The documents list most of these codes among those of
// err_code, and say that err_code comes with return_code SUCCESS alone; such an answer
// without a signature would be anybody's. So return_msg is all that tells of them here.
func (c v2Code) unsigned() bool {
	switch c {
	case v2BadMethod, v2BodyEmpty, v2BadCharset, v2Malformed, v2BadSignature, v2NoMerchant, v2Unformed:
		return true
	default:
		return false
	}
}

// v2Refusal is an answer that says no.
type v2Refusal struct {
	code    v2Code
	message string
}

// Error is the code and WeChat's message.
func (r *v2Refusal) Error() string { return string(r.code) + ": " + r.message }

// refuseV2 makes a refusal of a code, with a hint for the person who has to mend it.
func refuseV2(code v2Code, hint string) *v2Refusal {
	message := v2Messages[code]
	if hint != "" {
		message += ": " + hint
	}
	return &v2Refusal{code, message}
}
