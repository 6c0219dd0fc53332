package simulator

import (
	"bytes"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"
)

// v2 is APIv2: XML both ways, everything signed with a key that both sides have.
type v2 struct {
	s        *Simulator
	accounts map[string]*account // by mch id
}

func newV2(s *Simulator) *v2 { return &v2{s: s, accounts: map[string]*account{}} }

func (v *v2) open(m Merchant) (*account, error) {
	a := &account{Merchant: m, protocol: v}
	v.accounts[m.MchID] = a
	return a, nil
}

// register leaves out /pay/orderquery, a path that the legacy API has too.
func (v *v2) register(mux *http.ServeMux) {
	mux.Handle("/pay/unifiedorder", v.serve(v2Unifiedorder, v.unifiedorder))
	mux.Handle("/pay/closeorder", v.serve(v2Closeorder, v.closeorder))
	mux.Handle("/secapi/pay/refund", v.serve(v2RefundCall, v.refund))
	mux.Handle("/pay/refundquery", v.serve(v2Refundquery, v.refundquery))
	mux.Handle("/pay/downloadbill", v.downloadbill())
}

func (v *v2) queries() http.Handler { return v.serve(v2Orderquery, v.orderquery) }

func (v *v2) schedule() []time.Duration { return untilHeard() }

// v2Request is a call of a merchant's that was read.
type v2Request struct {
	account     *account // nil if it is nobody's
	fields      v2Fields
	secure      bool              // it came over TLS
	certificate *x509.Certificate // the merchant's, nil if it showed none
}

// maxV2Body is far more than any call needs.
const maxV2Body = 64 << 10

// serve answers one of the API's calls; work does it, and fails with *v2Refusal.
func (v *v2) serve(call v2Call, work func(v2Request) (v2Fields, error)) http.Handler {
	return v.s.gateway(v2Troubles, func(r *http.Request) exchange {
		request, broken := v.read(r)
		return exchange{
			number: v.number(request),
			busy:   func() reply { return v.reply(request, v2Fields{}, refuseV2(v2Busy, "")) },
			spoil:  spoilV2,
			work: func() reply {
				answer, err := v2Fields(nil), broken
				if err == nil {
					err = v.check(request, call)
				}
				if err == nil {
					answer, err = work(request)
				}
				if err != nil {
					v.s.refused(r, slog.String("reason", err.Error()))
				}
				return v.reply(request, answer, err)
			},
		}
	})
}

func (v *v2) read(r *http.Request) (v2Request, error) {
	request := v2Request{secure: r.TLS != nil}
	if request.secure && len(r.TLS.PeerCertificates) > 0 {
		request.certificate = r.TLS.PeerCertificates[0]
	}
	if r.Method != http.MethodPost {
		return request, refuseV2(v2BadMethod, "")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxV2Body+1))
	switch {
	case err != nil:
		return request, refuseV2(v2Malformed, "the body ends too soon")
	case len(body) > maxV2Body:
		return request, refuseV2(v2Malformed, "the body is too long")
	}
	if request.fields, err = readV2Fields(body); err != nil {
		return request, err
	}
	request.account = v.accounts[request.fields["mch_id"]]
	return request, nil
}

// number finds the out_trade_no that a call is about, before anything was checked.
func (v *v2) number(r v2Request) string {
	if number := r.fields["out_trade_no"]; number != "" || r.account == nil {
		return number
	}
	if o := v.s.book.findTransaction(r.account, r.fields["transaction_id"]); o != nil {
		return o.number
	}
	if refund := v.s.book.findRefund(r.account, r.fields["out_refund_no"]); refund != nil {
		return refund.order.number
	}
	if refund := v.s.book.findRefundID(r.account, r.fields["refund_id"]); refund != nil {
		return refund.order.number
	}
	return ""
}

// reply spells an answer (documents, "return values"). Status is 200 whatever it says.
func (v *v2) reply(r v2Request, answer v2Fields, err error) reply {
	var refusal *v2Refusal
	if err != nil && !errors.As(err, &refusal) {
		refusal = refuseV2(v2Busy, "")
	}
	if refusal != nil && (refusal.code.unsigned() || r.account == nil) {
		return v2Reply(v2Fields{"return_code": "FAIL", "return_msg": refusal.message})
	}
	said := v2Fields{
		"return_code": "SUCCESS",
		"return_msg":  "OK",
		"appid":       r.account.AppID,
		"mch_id":      r.account.MchID,
		"device_info": r.fields["device_info"],
		"nonce_str":   v.s.dice.text(letters, 16),
		"result_code": "SUCCESS",
	}
	for name, value := range answer {
		said[name] = value
	}
	if refusal != nil {
		said["result_code"], said["err_code"], said["err_code_des"] = "FAIL", string(refusal.code), refusal.message
	}
	said["sign"] = signV2(said, r.account.SignType, r.account.APIKey)
	return v2Reply(said)
}

func v2Reply(said v2Fields) reply {
	return reply{status: http.StatusOK, contentType: "text/plain", body: spellV2("xml", said)}
}

// v2Troubles are the answers to a call when nothing is looked at.
var v2Troubles = troubles{
	busy:    v2Reply(v2Fields{"return_code": "FAIL", "return_msg": v2Messages[v2Busy]}),
	limited: v2Reply(v2Fields{"return_code": "FAIL", "return_msg": "频率限制，请稍后再试"}),
}

// spoilV2 makes an answer's signature wrong.
func spoilV2(answer reply) reply {
	if signed, rest, found := bytes.Cut(answer.body, []byte("]]></sign>")); found {
		answer.body = append([]byte(spoil(string(signed))+"]]></sign>"), rest...)
	}
	return answer
}
