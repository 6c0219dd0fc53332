package legacy

import (
	"fmt"
	"strconv"
	"time"
)

// prepayRequest is the body of genprepay. appkey is signed and never sent.
type prepayRequest struct {
	AppID        string `json:"appid"`
	TraceID      string `json:"traceid,omitempty"`
	NonceStr     string `json:"noncestr"`
	Package      string `json:"package"`
	TimeStamp    int64  `json:"timestamp"`
	AppSignature string `json:"app_signature"`
	SignMethod   string `json:"sign_method"`
}

// PrepayRequest writes the body of genprepay, which asks for a prepay id. nonce is random
// and has at most 32 characters.
func (c Credentials) PrepayRequest(o Order, nonce string, at time.Time) ([]byte, error) {
	parameters, err := Package(o.parameters(c.PartnerID), c.PartnerKey)
	if err != nil {
		return nil, err
	}
	signed := map[string]string{
		"appid": c.AppID, "noncestr": nonce, "package": parameters, "timestamp": writeSeconds(at),
	}
	if o.TraceID != "" {
		signed["traceid"] = o.TraceID
	}
	return writeBody(prepayRequest{
		AppID: c.AppID, TraceID: o.TraceID, NonceStr: nonce, Package: parameters, TimeStamp: at.Unix(),
		AppSignature: SignSHA1(signed, c.PaySignKey), SignMethod: signMethod,
	})
}

// ReadPrepay reads the answer to genprepay. It fails with *Error or ErrUnreadable.
func ReadPrepay(answer []byte) (prepayID string, err error) {
	var body struct {
		PrepayID text `json:"prepayid"`
	}
	if err := readAnswer(GenPrepay, answer, &body); err != nil {
		return "", err
	}
	if body.PrepayID == "" {
		return "", fmt.Errorf("%w: no prepayid", ErrUnreadable)
	}
	return string(body.PrepayID), nil
}

// Client signs a prepay id for the app: the exact fields of PayReq in WeChat's SDK, all
// of them strings.
func (c Credentials) Client(prepayID, nonce string, at time.Time) map[string]string {
	client := map[string]string{
		"appid":     c.AppID,
		"partnerid": c.PartnerID,
		"prepayid":  prepayID,
		"package":   "Sign=WXPay",
		"noncestr":  nonce,
		"timestamp": writeSeconds(at),
	}
	client["sign"] = SignSHA1(client, c.PaySignKey)
	return client
}

// writeSeconds writes Unix seconds in decimal.
func writeSeconds(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
