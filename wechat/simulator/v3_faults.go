package simulator

import (
	"maps"
	"net/http"
)

// v3Troubles are the answers to a call when nothing is looked at.
var v3Troubles = troubles{
	busy:    v3Reply(refuseV3(v3Busy, "")),
	limited: v3Reply(refuseV3(v3Limited, "")),
}

// badGateway is what stands before the API, when the API does not answer it.
var badGateway = reply{status: http.StatusBadGateway, contentType: "text/html", body: []byte("<html><h1>502 Bad Gateway</h1></html>")}

// busy is one of the API's ways to say that it is: any of the statuses that merchants have
// to take for an unknown outcome.
func (v *v3) busy(r v3Request) reply {
	switch v.s.dice.number() % 3 {
	case 0:
		return badGateway
	case 1:
		return v.refusal(r, refuseV3(v3Unavailable, ""))
	}
	return v.refusal(r, refuseV3(v3Busy, ""))
}

// twist leaves the signature of an answer out, or puts a probe in its place, as the
// switches of the order say.
func (v *v3) twist(answer reply, number string) reply {
	faults := v.s.switches.of(number).Gateway
	switch {
	case answer.header["Wechatpay-Signature"] == "":
	case answer.status < 300 && v.s.dice.chance(faults.Unsigned):
		answer.header = nil
	case v.s.dice.chance(faults.Probe):
		answer.header["Wechatpay-Signature"] = v.probe()
	}
	return answer
}

// probe is what WeChat puts in the place of a signature now and then, to see whether the
// merchant looks (document, "signature probes"). It is no base64.
func (v *v3) probe() string { return "WECHATPAY/SIGNTEST/" + v.s.dice.text(letters, 325) + "==" }

// spoilV3Reply makes an answer's signature wrong.
func spoilV3Reply(answer reply) reply {
	signature := answer.header["Wechatpay-Signature"]
	if signature == "" {
		return answer
	}
	answer.header = maps.Clone(answer.header)
	answer.header["Wechatpay-Signature"] = spoilV3(signature)
	return answer
}
