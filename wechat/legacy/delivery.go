package legacy

import "time"

// Delivery says whether the goods of an order were delivered.
type Delivery struct {
	OpenID        string // of the customer, as the notify told
	TransactionID string
	OrderID       string
	At            time.Time
	Delivered     bool
	Message       string
}

// deliveryRequest is the body of delivernotify.
type deliveryRequest struct {
	AppID            string `json:"appid"`
	OpenID           string `json:"openid"`
	TransactionID    string `json:"transid"`
	OrderID          string `json:"out_trade_no"`
	DeliverTimeStamp string `json:"deliver_timestamp"`
	DeliverStatus    string `json:"deliver_status"`
	DeliverMessage   string `json:"deliver_msg"`
	AppSignature     string `json:"app_signature"`
	SignMethod       string `json:"sign_method"`
}

// DeliveryRequest writes the body of delivernotify, which WeChat expects within 24 hours
// for virtual goods and 72 hours for physical ones.
func (c Credentials) DeliveryRequest(d Delivery) ([]byte, error) {
	status := "0"
	if d.Delivered {
		status = "1"
	}
	signed := map[string]string{
		"appid": c.AppID, "openid": d.OpenID, "transid": d.TransactionID, "out_trade_no": d.OrderID,
		"deliver_timestamp": writeSeconds(d.At), "deliver_status": status, "deliver_msg": d.Message,
	}
	return writeBody(deliveryRequest{
		AppID: c.AppID, OpenID: d.OpenID, TransactionID: d.TransactionID, OrderID: d.OrderID,
		DeliverTimeStamp: writeSeconds(d.At), DeliverStatus: status, DeliverMessage: d.Message,
		AppSignature: SignSHA1(signed, c.PaySignKey), SignMethod: signMethod,
	})
}

// ReadDelivery reads the answer to delivernotify. It fails with *Error or ErrUnreadable.
func ReadDelivery(answer []byte) error { return readAnswer(DeliverNotify, answer, &struct{}{}) }
