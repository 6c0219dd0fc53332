package simulator

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
