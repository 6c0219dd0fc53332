package simulator

import (
	"fmt"
	"strconv"
)

// refund accepts a refund. Over TLS the merchant's certificate is asked for; over plain
// HTTP, where nobody can show one, it is not.
func (v *v2) refund(r v2Request) (v2Fields, error) {
	if r.secure && !r.certified() {
		return nil, refuseV2(v2BadCertificate, "the client certificate must be the merchant's")
	}
	o, err := v.find(r, v2InvalidParameter)
	switch {
	case err != nil:
		return nil, err
	case o == nil && r.fields["transaction_id"] != "":
		return nil, refuseV2(v2NoTransaction, "")
	case o == nil:
		return nil, refuseV2(v2NoOrder, "")
	}
	if err := v.checkRefund(r.fields, o); err != nil {
		return nil, err
	}
	accepted, err := v.s.refund(v, o, r.fields["out_refund_no"], v2RefundTerms(r.fields), v.s.refundID)
	if err != nil {
		return nil, refuseV2(v2RefundCodes[err], err.Error())
	}
	told := v2Fields{"cash_refund_fee": strconv.FormatInt(accepted.terms.amount, 10)}
	tellV2Order(told, o)
	for name, value := range accepted.tellV2() {
		told[name] = value
	}
	return told, nil
}

// certified reports whether the certificate is the merchant's.
func (r v2Request) certified() bool {
	if r.certificate == nil {
		return false
	}
	serial := fmt.Sprintf("%X", r.certificate.SerialNumber)
	return r.certificate.Subject.CommonName == r.account.MchID || serial == r.account.CertificateSerial
}

// checkRefund checks what the rules of single elements can't say.
func (v *v2) checkRefund(f v2Fields, o *order) error {
	if number := f["out_trade_no"]; number != "" && number != o.number {
		return refuseV2(v2NoTransaction, "transaction_id and out_trade_no are of two orders")
	}
	paid, ok := o.paid()
	switch {
	case v.s.book.findRefund(o.account, f["out_refund_no"]) != nil:
		return nil // whether it is the same is seen there
	case f["total_fee"] != strconv.FormatInt(o.terms.total, 10):
		return refuseV2(v2InvalidParameter, "total_fee is not the order's")
	case ok && v.s.cfg.Now().After(paid.at.AddDate(1, 0, 0)):
		return refuseV2(v2Overdue, "")
	}
	return nil
}

// v2RefundCodes are the codes for a refund that is not accepted. The table has none for
// too much or too many; ERROR is the one for whatever else the business forbids.
var v2RefundCodes = map[error]v2Code{
	errRefundOther:   v2OtherFee,
	errRefundUnpaid:  v2NoOrder,
	errRefundTooMuch: v2Error,
	errRefundTooMany: v2Error,
}

// v2RefundTerms are what checked elements ask for. The code for a number that is used speaks
// of the amounts alone, and so do they stand for the content.
func v2RefundTerms(f v2Fields) refundTerms {
	amount, _ := strconv.ParseInt(f["refund_fee"], 10, 64)
	return refundTerms{
		content:   f["refund_fee"] + " of " + f["total_fee"],
		amount:    amount,
		reason:    f["refund_desc"],
		account:   f["refund_account"],
		notifyURL: f["notify_url"],
	}
}

// refundquery tells of refunds: of one by refund_id or out_refund_no, of ten at a time by
// transaction_id or out_trade_no, from offset. The elements' numbers begin with 0 on each
// page, as far as the document can be understood.
func (v *v2) refundquery(r v2Request) (v2Fields, error) {
	o, refunds, err := v.findRefunds(r)
	if err != nil {
		return nil, err
	}
	told := v2Fields{}
	tellV2Order(told, o)
	offset, _ := strconv.Atoi(r.fields["offset"])
	if r.fields["offset"] != "" {
		told["total_refund_count"] = strconv.Itoa(len(refunds))
	}
	page := refunds[min(offset, len(refunds)):min(offset+v2RefundPage, len(refunds))]
	told["refund_count"] = strconv.Itoa(len(page))
	for i, refund := range page {
		for name, value := range refund.tellV2Outcome() {
			told[name+"_"+strconv.Itoa(i)] = value
		}
	}
	return told, nil
}

// v2RefundPage is how many refunds one answer tells of.
const v2RefundPage = 10

func (v *v2) findRefunds(r v2Request) (*order, []*refund, error) {
	var one *refund
	switch {
	case r.fields["refund_id"] != "":
		one = v.s.book.findRefundID(r.account, r.fields["refund_id"])
	case r.fields["out_refund_no"] != "":
		one = v.s.book.findRefund(r.account, r.fields["out_refund_no"])
	default:
		return v.findRefundsOfOrder(r)
	}
	if one == nil {
		return nil, nil, refuseV2(v2NoRefund, "")
	}
	return one.order, []*refund{one}, nil
}

func (v *v2) findRefundsOfOrder(r v2Request) (*order, []*refund, error) {
	o, err := v.find(r, v2InvalidParameter)
	switch {
	case err != nil:
		return nil, nil, err
	case o == nil && r.fields["transaction_id"] != "":
		return nil, nil, refuseV2(v2NoTransaction, "")
	case o == nil || len(o.refunded()) == 0:
		return nil, nil, refuseV2(v2NoRefund, "")
	}
	return o, o.refunded(), nil
}

// tellV2Order adds what every answer about a refund says of its order.
func tellV2Order(told v2Fields, o *order) {
	paid, _ := o.paid()
	told["transaction_id"] = paid.transactionID
	told["out_trade_no"] = o.number
	told["total_fee"] = strconv.FormatInt(o.terms.total, 10)
	told["cash_fee"] = told["total_fee"]
	told["fee_type"] = "CNY"
}

// tellV2 is what can be said of a refund at once.
func (r *refund) tellV2() v2Fields {
	return v2Fields{
		"out_refund_no":  r.number,
		"refund_id":      r.id,
		"refund_fee":     strconv.FormatInt(r.terms.amount, 10),
		"refund_channel": "ORIGINAL",
	}
}

// tellV2Outcome is what can be said of a refund later.
func (r *refund) tellV2Outcome() v2Fields {
	told := r.tellV2()
	state, endedAt := r.stands()
	told["refund_status"] = v2RefundStates[state]
	told["refund_account"] = r.v2Account()
	told["refund_recv_accout"] = customersPurse
	if state == RefundSucceeded {
		told["refund_success_time"] = endedAt.In(beijing).Format(v2Time)
	}
	return told
}
