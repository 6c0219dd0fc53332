package simulator

import (
	"errors"
	"maps"
	"net/http"
	"strconv"
)

// reply spells an answer and signs it: what was done always, what was not now and then. An
// answer of nothing is 204.
func (v *v3) reply(r v3Request, answer any, err error) reply {
	if err != nil {
		return v.refusal(r, err)
	}
	if plain, ok := answer.(v3Plain); ok {
		return reply{status: http.StatusOK, contentType: "text/plain", body: []byte(plain)}
	}
	said := reply{status: http.StatusNoContent}
	if answer != nil {
		body, err := spellV3(answer)
		if err != nil {
			return v.refusal(r, err)
		}
		said = reply{status: http.StatusOK, contentType: v3JSON, body: body}
	}
	return v.signed(r, said)
}

const v3JSON = "application/json; charset=utf-8"

func (v *v3) refusal(r v3Request, err error) reply {
	var refusal *v3Refusal
	if !errors.As(err, &refusal) {
		refusal = refuseV3(v3Busy, "")
	}
	said := v3Reply(refusal)
	said.header = map[string]string{"Request-ID": v.requestID(refusal.code)}
	if r.account == nil || v.s.dice.chance(v.s.cfg.UnsignedErrors) {
		return said
	}
	return v.signed(r, said)
}

// v3Reply spells an error (document, "error codes").
func v3Reply(refusal *v3Refusal) reply {
	said := struct {
		Code    v3Code `json:"code"`
		Message string `json:"message"`
		Detail  any    `json:"detail,omitempty"`
	}{refusal.code, refusal.message, refusal.detail}
	body, _ := spellV3(said) // nothing in it can't be spelled
	return reply{status: v3Answers[refusal.code].status, contentType: v3JSON, body: body}
}

// signed adds the signature to an answer.
func (v *v3) signed(r v3Request, said reply) reply {
	headers, err := v.signature(v.keys[r.account].forAnswer(r.header.Get("Wechatpay-Serial")), said.body)
	if err != nil {
		return v3Reply(refuseV3(v3Busy, ""))
	}
	maps.Copy(headers, said.header)
	said.header = headers
	return said
}

// signature is what stands in the header of an answer or a notify (document, "verifying
// signatures").
func (v *v3) signature(key *v3Key, body []byte) (map[string]string, error) {
	timestamp, nonce := v.seconds(), v.s.dice.text(letters, 32)
	signature, err := signV3(key.private, v3Message(timestamp, nonce, string(body)))
	if err != nil {
		return nil, err
	}
	return map[string]string{
		"Wechatpay-Timestamp": timestamp, "Wechatpay-Nonce": nonce, "Wechatpay-Serial": key.id,
		"Wechatpay-Signature": signature, "Wechatpay-Signature-Type": v3Scheme,
	}, nil
}

// seconds is the time as it is signed.
func (v *v3) seconds() string { return strconv.FormatInt(v.s.cfg.Now().Unix(), 10) }
