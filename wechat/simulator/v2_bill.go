package simulator

import (
	"log/slog"
	"net/http"
	"time"
)

// v2Bill asks for the bill of a day (document, "download bill"). Types other than ALL, and
// compression, are not spoken here.
var v2Bill = v2Call{missing: v2Unformed, invalid: v2Unformed, rules: []v2Rule{
	{name: "bill_date", is: "a day written yyyyMMdd", fits: isV2Day},
	{name: "bill_type", is: "ALL", fits: oneOf("ALL")},
}}

const v2DayShape = "20060102"

func isV2Day(value string) bool {
	_, err := time.Parse(v2DayShape, value)
	return err == nil
}

// v2BillMissing is what is said in place of a bill. The answers have an error_code, and no
// signature; the document prints that of the second alone.
var v2BillMissing = map[billMissing]v2Fields{
	billOutside: {"return_code": "FAIL", "return_msg": "invalid bill_date", "error_code": "20001"},
	billEmpty:   {"return_code": "FAIL", "return_msg": "No Bill Exist", "error_code": "20002"},
	billMaking:  {"return_code": "FAIL", "return_msg": "Bill Creating", "error_code": "20003"},
}

// downloadbill answers with the file itself, and with XML if there is none.
func (v *v2) downloadbill() http.Handler {
	return v.s.gateway(v2Troubles, func(r *http.Request) exchange {
		request, broken := v.read(r)
		return exchange{
			busy: func() reply { return v2Troubles.busy },
			work: func() reply {
				err := broken
				if err == nil {
					err = v.check(request, v2Bill)
				}
				if err != nil {
					v.s.refused(r, slog.String("reason", err.Error()))
					return v2Reply(v2Fields{"return_code": "FAIL", "return_msg": err.Error()})
				}
				day, _ := time.ParseInLocation(v2DayShape, request.fields["bill_date"], beijing)
				text, missing := v.s.billOf(request.account, day)
				if missing != billThere {
					return v2Reply(v2BillMissing[missing])
				}
				return reply{status: http.StatusOK, contentType: "text/plain", body: []byte(text)}
			},
		}
	})
}
