package v2

import (
	"fmt"
	"strconv"
	"time"
)

// PrepayRequest writes the body of unifiedorder, which asks for a prepay id. nonce is
// random and has at most 32 characters. It fails on a trade type that nobody knows and on
// text that XML can't hold.
func (c Credentials) PrepayRequest(o Order, nonce string) ([]byte, error) {
	fields, err := o.fields()
	if err != nil {
		return nil, fmt.Errorf("unifiedorder: %w", err)
	}
	return c.request(fields, nonce)
}

// Prepay is what WeChat gives for an order.
type Prepay struct {
	PrepayID string // good for two hours
	CodeURL  string // NATIVE alone: what the QR code says; good for two hours
	MWebURL  string // MWEB alone: where the browser goes; good for five minutes
}

// ReadPrepay verifies and reads the answer to unifiedorder for an order of a trade type.
// It fails with *Error, ErrUnverified or ErrUnreadable.
func (c Credentials) ReadPrepay(trade TradeType, answer []byte) (Prepay, error) {
	fields, err := c.readAnswer(UnifiedOrder, answer)
	if err != nil {
		return Prepay{}, err
	}
	if err := c.own(fields); err != nil {
		return Prepay{}, err
	}
	if told := fields["trade_type"]; told != "" && told != string(trade) {
		return Prepay{}, fmt.Errorf("%w: trade_type %.16q instead of %s", ErrUnreadable, told, trade)
	}
	p := Prepay{PrepayID: fields["prepay_id"]}
	if trade == NATIVE {
		p.CodeURL = fields["code_url"]
	}
	if trade == MWEB {
		p.MWebURL = fields["mweb_url"]
	}
	if p.PrepayID == "" || trade == NATIVE && p.CodeURL == "" || trade == MWEB && p.MWebURL == "" {
		return Prepay{}, fmt.Errorf("%w: no prepay_id, code_url or mweb_url", ErrUnreadable)
	}
	return p, nil
}

// Client signs a prepay id for the app or the page, with the very names that WeChat's SDK
// expects: PayReq of APP, and chooseWXPay or requestPayment of JSAPI. It is nil for NATIVE
// and MWEB, which need none.
func (c Credentials) Client(trade TradeType, prepayID, nonce string, at time.Time) map[string]string {
	switch trade {
	case APP:
		client := map[string]string{
			"appid":     c.AppID,
			"partnerid": c.MchID,
			"prepayid":  prepayID,
			"package":   "Sign=WXPay",
			"noncestr":  nonce,
			"timestamp": writeSeconds(at),
		}
		client["sign"] = c.sign(client)
		return client
	case JSAPI:
		client := map[string]string{
			"appId":     c.AppID,
			"timeStamp": writeSeconds(at),
			"nonceStr":  nonce,
			"package":   "prepay_id=" + prepayID,
			"signType":  string(c.SignType),
		}
		client["paySign"] = c.sign(client)
		return client
	case NATIVE, MWEB:
	}
	return nil
}

// writeSeconds writes Unix seconds in decimal.
func writeSeconds(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
