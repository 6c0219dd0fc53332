package simulator

import (
	"bytes"
	"cmp"
	"context"
	"net/http"
	"regexp"
	"strconv"
	"time"
)

// notify spells a notify (document, "payment notify"). Its nonce is another in each
// sending. sign_type is there if it is not what would be taken for granted.
func (v *v2) notify(ctx context.Context, o *order, told lies) (*http.Request, error) {
	paid, _ := o.paid()
	said := v2Fields{
		"return_code":  "SUCCESS",
		"appid":        o.account.AppID,
		"mch_id":       o.account.MchID,
		"device_info":  o.terms.deviceInfo,
		"nonce_str":    v.s.dice.text(letters, 32),
		"result_code":  "SUCCESS",
		"out_trade_no": o.number,
		"attach":       o.terms.attach,
	}
	tellV2Payment(said, o, paid)
	if o.account.SignType != MD5 {
		said["sign_type"] = o.account.SignType
	}
	if told.amount {
		said["total_fee"] = strconv.FormatInt(o.terms.total+1, 10)
	}
	if told.partner {
		said["mch_id"] = spoil(o.account.MchID)
	}
	said["sign"] = signV2(said, o.account.SignType, o.account.APIKey)
	if told.signature {
		said["sign"] = spoil(said["sign"])
	}
	return v2Notify(ctx, o.terms.notifyURL, said)
}

// notifyRefund spells a notify of a refund (document, "refund notify"). Nothing in it is
// signed: what proves where it comes from is that it can be decrypted. So a wrong signature
// is another key.
func (v *v2) notifyRefund(ctx context.Context, r *refund, told lies) (*http.Request, error) {
	a := r.order.account
	key := v2CipherKey(a.APIKey)
	if told.signature {
		key = v2CipherKey(spoil(a.APIKey))
	}
	info, err := encryptV2(spellV2("root", r.tellV2Notify(told)), key)
	if err != nil {
		return nil, err
	}
	said := v2Fields{
		"return_code": "SUCCESS",
		"appid":       a.AppID,
		"mch_id":      a.MchID,
		"nonce_str":   v.s.dice.text(letters, 32),
		"req_info":    info,
	}
	if told.partner {
		said["mch_id"] = spoil(a.MchID)
	}
	return v2Notify(ctx, r.terms.notifyURL, said)
}

// tellV2Notify is what a refund's notify hides.
func (r *refund) tellV2Notify(lied lies) v2Fields {
	paid, _ := r.order.paid()
	state, endedAt := r.stands()
	amount, total := strconv.FormatInt(r.terms.amount, 10), strconv.FormatInt(r.order.terms.total, 10)
	if lied.amount {
		amount = strconv.FormatInt(r.terms.amount+1, 10)
	}
	told := v2Fields{
		"transaction_id":        paid.transactionID,
		"out_trade_no":          r.order.number,
		"refund_id":             r.id,
		"out_refund_no":         r.number,
		"total_fee":             total,
		"settlement_total_fee":  total,
		"refund_fee":            amount,
		"settlement_refund_fee": amount,
		"refund_status":         v2RefundStates[state],
		"refund_recv_accout":    customersPurse,
		"refund_account":        r.v2Account(),
		"refund_request_source": "API",
	}
	if state == RefundSucceeded {
		told["success_time"] = endedAt.In(beijing).Format(v2Time)
	}
	return told
}

// v2RefundStates are the states in the document's words.
var v2RefundStates = map[RefundState]string{
	RefundProcessing: "PROCESSING",
	RefundSucceeded:  "SUCCESS",
	RefundClosed:     "REFUNDCLOSE",
	RefundAbnormal:   "CHANGE",
}

// v2Time is how a refund's end is written, GMT+8.
const v2Time = time.DateTime

// v2Account is where the money of a refund comes from.
func (r *refund) v2Account() string {
	return cmp.Or(r.terms.account, "REFUND_SOURCE_UNSETTLED_FUNDS")
}

func v2Notify(ctx context.Context, target string, said v2Fields) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(spellV2("xml", said)))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "text/xml")
	request.Header.Set("User-Agent", "Mozilla/4.0")
	request.Header.Set("Accept", "*/*")
	request.Header.Set("Pragma", "no-cache")
	return request, nil
}

// v2Heard is the answer that the document asks for, line ends between its elements or not.
var v2Heard = regexp.MustCompile(`^<xml>\s*<return_code><!\[CDATA\[SUCCESS\]\]></return_code>\s*<return_msg><!\[CDATA\[OK\]\]></return_msg>\s*</xml>$`)

// heard is true for that answer alone: the document lists success and ok in plain letters,
// JSON, a page, and anything before or behind the element among the mistakes.
func (v *v2) heard(status int, body []byte) bool {
	return status == http.StatusOK && v2Heard.Match(body)
}
