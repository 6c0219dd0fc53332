package shop

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"settled/wechat/v2"
)

// notifyV2 is a notify of APIv2: XML, signed by a hash over its elements (APIv2 document,
// payment notify).
func notifyV2(n int, at time.Time) Notify {
	total := strconv.Itoa(Fen(n))
	told := map[string]string{
		"return_code": "SUCCESS", "result_code": "SUCCESS", "appid": appV2, "mch_id": numberV2, "nonce_str": nonce(n),
		"sign_type": string(v2.HMACSHA256), "openid": openID(n), "is_subscribe": "N", "trade_type": "APP", "bank_type": "CMC",
		"total_fee": total, "fee_type": "CNY", "cash_fee": total, "cash_fee_type": "CNY",
		"transaction_id": transaction(n), "out_trade_no": Order(n), "time_end": at.In(beijing).Format("20060102150405"),
	}
	told["sign"] = v2.Sign(told, keyV2, v2.HMACSHA256)
	var text strings.Builder
	text.WriteString("<xml>")
	for _, name := range slices.Sorted(maps.Keys(told)) {
		text.WriteString("<" + name + "><![CDATA[" + told[name] + "]]></" + name + ">")
	}
	text.WriteString("</xml>")
	return Notify{At: at, Header: http.Header{"Content-Type": {"text/xml"}}, Body: []byte(text.String())}
}
