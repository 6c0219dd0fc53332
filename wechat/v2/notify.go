package v2

import (
	"bytes"
	"fmt"
)

// Success is what WeChat hears in answer to a notify, as text/xml and to the letter.
// Whatever else it hears makes it send the notify again.
const Success = "<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>"

// Failure is what WeChat hears when a notify was not taken, and why.
func Failure(reason string) string {
	return "<xml><return_code><![CDATA[FAIL]]></return_code><return_msg><![CDATA[" +
		inCDATA.Replace(writable(reason)) + "]]></return_msg></xml>"
}

// OfRefund reports whether a notify tells of a refund: it alone has req_info.
func OfRefund(body []byte) bool {
	if !bytes.Contains(body, []byte("req_info")) { // reading a message is most of a notify's cost
		return false
	}
	fields, err := readXML(rootXML, body)
	return err == nil && fields["req_info"] != ""
}

// ReadNotify verifies and reads the notify of a payment. It fails with ErrUnverified or
// ErrUnreadable. A trade without a state was not paid: WeChat says that something failed.
func (c Credentials) ReadNotify(body []byte) (Trade, error) {
	fields, err := readXML(rootXML, body)
	if err != nil {
		return Trade{}, err
	}
	if err := c.verify(fields); err != nil {
		return Trade{}, err
	}
	switch {
	case fields["out_trade_no"] == "":
		return Trade{}, fmt.Errorf("%w: no out_trade_no", ErrUnreadable)
	case fields["trade_state"] != "":
		// The same key signs the answer to a query, and that tells of unpaid orders too.
		return Trade{}, fmt.Errorf("%w: trade_state in a notify", ErrUnreadable)
	case fields["return_code"] == success && fields["result_code"] == success:
		return readTrade(fields, TradeSuccess)
	default:
		return readTrade(fields, "")
	}
}

// ReadRefundNotify opens and reads the notify of a refund. It is encrypted with the API key
// and not signed, block by block: whoever has seen others may have put it together from
// their pieces. So it is a reason to ask, and no proof. It fails with ErrUnverified or
// ErrUnreadable.
func (c Credentials) ReadRefundNotify(body []byte) (Repayment, error) {
	outer, err := readXML(rootXML, body)
	if err != nil {
		return Repayment{}, err
	}
	if outer["return_code"] != success {
		return Repayment{}, fmt.Errorf("%w: return_code %.16q", ErrUnreadable, outer["return_code"])
	}
	info, err := Decrypt(outer["req_info"], c.infoKey())
	if err != nil {
		return Repayment{}, fmt.Errorf("req_info: %w", err)
	}
	fields, err := readXML(rootInfo, info)
	if err != nil {
		return Repayment{}, fmt.Errorf("req_info: %w", err)
	}
	fields["appid"], fields["mch_id"] = outer["appid"], outer["mch_id"]
	r, err := readRepayment(fields, RefundState(fields["refund_status"]), "")
	if err != nil {
		return Repayment{}, err
	}
	return r.ended(fields["refund_recv_accout"], fields["success_time"])
}
