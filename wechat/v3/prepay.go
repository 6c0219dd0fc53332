package v3

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
)

// unknownIP stands for the customer's address where the protocol demands one and nobody
// knows it.
const unknownIP = "127.0.0.1"

// prepayRequest is the body of a prepay call. A field that the document does not know can
// be a reason to refuse it.
type prepayRequest struct {
	AppID       string      `json:"appid"`
	MchID       string      `json:"mchid"`
	Description string      `json:"description"`
	OrderID     string      `json:"out_trade_no"`
	TimeExpire  string      `json:"time_expire,omitempty"`
	Attach      string      `json:"attach,omitempty"`
	NotifyURL   string      `json:"notify_url"`
	Amount      orderAmount `json:"amount"`
	Payer       *payer      `json:"payer,omitempty"`
	Scene       *scene      `json:"scene_info,omitempty"`
}

type orderAmount struct {
	Total    int64  `json:"total"`
	Currency string `json:"currency"`
}

type payer struct {
	OpenID string `json:"openid"`
}

type scene struct {
	ClientIP string  `json:"payer_client_ip"`
	H5       *h5Info `json:"h5_info,omitempty"`
}

type h5Info struct {
	Type string `json:"type"`
}

// PrepayRequest writes the body of one of the four prepay calls. Nothing in it depends on
// when it is sent: WeChat takes a repeat only if it says the same.
func (c Credentials) PrepayRequest(call Call, o Order) ([]byte, error) {
	request := prepayRequest{
		AppID: c.AppID, MchID: c.MchID, Description: cut(o.Description, maxDescription), OrderID: o.OrderID,
		TimeExpire: o.expire(), Attach: o.attach(), NotifyURL: o.NotifyURL,
		Amount: orderAmount{Total: o.Total, Currency: currency},
	}
	if ip := o.clientIP(); ip != "" {
		request.Scene = &scene{ClientIP: ip}
	}
	switch call {
	case PrepayAPP, PrepayNative:
	case PrepayJSAPI:
		request.Payer = &payer{OpenID: o.OpenID}
	case PrepayH5:
		request.Scene = &scene{ClientIP: cmp.Or(o.clientIP(), unknownIP), H5: &h5Info{Type: "Wap"}}
	default:
		return nil, fmt.Errorf("write prepay request: %s is another call", call)
	}
	return writeBody(request)
}

// given is what each prepay call gives for an order.
var given = map[Call]string{
	PrepayAPP: "prepay_id", PrepayJSAPI: "prepay_id", PrepayNative: "code_url", PrepayH5: "h5_url",
}

// ReadPrepay reads the verified answer to a prepay call: the prepay_id (APP and JSAPI), the
// code_url (NATIVE) or the h5_url (H5). It fails with ErrUnreadable.
func ReadPrepay(call Call, body []byte) (string, error) {
	field, ok := given[call]
	if !ok {
		return "", fmt.Errorf("%w: %s gives nothing for an order", ErrUnreadable, call)
	}
	answer, err := readObject(body)
	if err != nil {
		return "", err
	}
	value := answer.required(field)
	return value, answer.err()
}

// writeBody writes a request. Addresses may hold &, which stays as it is.
func writeBody(body any) ([]byte, error) {
	var written bytes.Buffer
	encoder := json.NewEncoder(&written)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(body); err != nil {
		return nil, fmt.Errorf("write request: %w", err)
	}
	return bytes.TrimSuffix(written.Bytes(), []byte("\n")), nil
}
