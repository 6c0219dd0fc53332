package legacy

import "time"

// queryRequest is the body of orderquery.
type queryRequest struct {
	AppID        string `json:"appid"`
	Package      string `json:"package"`
	TimeStamp    string `json:"timestamp"`
	AppSignature string `json:"app_signature"`
	SignMethod   string `json:"sign_method"`
}

// QueryRequest writes the body of orderquery, which asks what became of an order.
func (c Credentials) QueryRequest(orderID string, at time.Time) ([]byte, error) {
	parameters, err := Package(map[string]string{"out_trade_no": orderID, "partner": c.PartnerID}, c.PartnerKey)
	if err != nil {
		return nil, err
	}
	signed := map[string]string{"appid": c.AppID, "package": parameters, "timestamp": writeSeconds(at)}
	return writeBody(queryRequest{
		AppID: c.AppID, Package: parameters, TimeStamp: writeSeconds(at),
		AppSignature: SignSHA1(signed, c.PaySignKey), SignMethod: signMethod,
	})
}

// ReadQuery reads the answer to orderquery. An order is paid if errcode, ret_code and
// trade_state are all 0; whatever else they say, it is not paid yet. ReadQuery fails with
// *Error or ErrUnreadable.
func ReadQuery(answer []byte) (Trade, error) {
	var body struct {
		OrderInfo map[string]text `json:"order_info"`
	}
	if err := readAnswer(OrderQuery, answer, &body); err != nil {
		return Trade{}, err
	}
	fields := make(map[string]string, len(body.OrderInfo))
	for name, value := range body.OrderInfo {
		fields[name] = string(value)
	}
	if fields["ret_code"] != "0" {
		return Trade{Partner: fields["partner"], OrderID: fields["out_trade_no"]}, nil
	}
	return readTrade(fields)
}
