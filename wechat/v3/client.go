package v3

import (
	"fmt"
	"time"
)

// ClientAPP signs a prepay id for an app: the exact fields of PayReq in WeChat's SDK, all
// of them strings. The last line that is signed is the bare prepay id (APIv3 document, APP
// payment, calling the payment).
func (c Credentials) ClientAPP(prepayID, nonce string, at time.Time) (map[string]string, error) {
	timestamp := writeSeconds(at)
	signature, err := c.sign(c.AppID, timestamp, nonce, prepayID)
	if err != nil {
		return nil, fmt.Errorf("sign for the app: %w", err)
	}
	return map[string]string{
		"appid":     c.AppID,
		"partnerid": c.MchID,
		"prepayid":  prepayID,
		"package":   "Sign=WXPay",
		"noncestr":  nonce,
		"timestamp": timestamp,
		"sign":      signature,
	}, nil
}

// ClientJSAPI signs a prepay id for a page or a mini program: the exact fields that
// getBrandWCPayRequest and wx.requestPayment take, all of them strings. Here the prepay id
// is signed with its name in front (APIv3 document, JSAPI payment, calling the payment).
func (c Credentials) ClientJSAPI(prepayID, nonce string, at time.Time) (map[string]string, error) {
	timestamp, prepared := writeSeconds(at), "prepay_id="+prepayID
	signature, err := c.sign(c.AppID, timestamp, nonce, prepared)
	if err != nil {
		return nil, fmt.Errorf("sign for the page: %w", err)
	}
	return map[string]string{
		"appId":     c.AppID,
		"timeStamp": timestamp,
		"nonceStr":  nonce,
		"package":   prepared,
		"signType":  "RSA",
		"paySign":   signature,
	}, nil
}
