package v3

import (
	"net/http"
	"strings"
	"time"
)

// Class says what a code means for the call that got it.
type Class int

// The classes of codes.
const (
	Unknown            Class = iota // it says nothing about what was asked; send the same again
	Refused                         // WeChat's final word on what the request asks for
	Contested                       // a final word because of what became of the number before: a query decides
	Done                            // there is nothing to do any more: it is closed, or was never there
	Absent                          // WeChat does not know what it is asked about
	CredentialsRefused              // a person has to mend the merchant's account or keys; then send the same again
)

// Verdict is a class, and how long WeChat should be left alone before it is asked again.
// After is zero when nothing asks for a pause.
type Verdict struct {
	Class Class
	After time.Duration
}

// The words of the table. Where somebody has to mend something first, asking more often
// would not help.
var (
	refused   = Verdict{Class: Refused}
	contested = Verdict{Class: Contested}
	done      = Verdict{Class: Done}
	absent    = Verdict{Class: Absent}
	busy      = Verdict{Class: Unknown}
	slower    = Verdict{Class: Unknown, After: time.Minute}
	paced     = Verdict{Class: Unknown, After: 5 * time.Second} // a customer waits; whoever calls slows down all calls besides
	bug       = Verdict{Class: Unknown, After: 5 * time.Minute}
	short     = Verdict{Class: Unknown, After: 10 * time.Minute} // of money, in the merchant's account
	mend      = Verdict{Class: CredentialsRefused, After: 5 * time.Minute}
)

// meaning is what one code means for each kind of call.
type meaning struct {
	prepay, query, close, refund, refundQuery, certificates Verdict
}

// meanings is the table of codes, with their underscores taken out: older pages of the
// document write ORDERPAID and NOAUTH where newer ones write ORDER_PAID and NO_AUTH. The
// code decides, whatever the status: OPENID_MISMATCH comes with 500 and is final all the
// same.
//
// The body of a prepay stays the same however often it is sent, so a final word is told to
// the shop at once, which can order anew when it is mended. What is refused to a query or a
// close says nothing about the order. And a refund is refused only for what its unchanging
// body says: after any other final word a query decides, because the shop may ask again
// under another number, and the first one may have been paid out already.
var meanings = map[string]meaning{
	//                      prepay     query   close      refund     refundQuery certificates
	"PARAMERROR":           {refused, bug, bug, refused, bug, bug},
	"INVALIDREQUEST":       {refused, bug, bug, contested, bug, bug}, // refund: more than is left, or all is refunded
	"SIGNERROR":            {refused, mend, mend, mend, mend, mend},
	"NOAUTH":               {refused, mend, mend, mend, mend, mend},
	"REQUESTBLOCKED":       {refused, mend, mend, mend, mend, mend},
	"APPIDMCHIDNOTMATCH":   {refused, mend, mend, mend, mend, mend},
	"MCHNOTEXISTS":         {refused, mend, mend, mend, mend, mend},
	"ACCOUNTERROR":         {refused, mend, mend, contested, mend, mend},
	"USERACCOUNTABNORMAL":  {refused, bug, bug, contested, bug, bug},
	"RULELIMIT":            {refused, bug, bug, contested, bug, bug},
	"TRADEERROR":           {refused, bug, contested, contested, bug, bug},
	"NOTENOUGH":            {refused, bug, bug, short, bug, bug},
	"OPENIDMISMATCH":       {refused, bug, bug, contested, bug, bug}, // with 500
	"INVALIDTRANSACTIONID": {refused, bug, bug, contested, bug, bug}, // with 500
	"ORDERPAID":            {contested, busy, contested, contested, busy, bug},
	"OUTTRADENOUSED":       {contested, bug, contested, contested, bug, bug},
	"ORDERCLOSED":          {contested, busy, done, contested, busy, bug},
	"ORDERNOTEXIST":        {refused, absent, done, contested, absent, bug},
	"RESOURCENOTEXISTS":    {refused, absent, done, contested, absent, absent}, // certificates: public keys alone
	"USERPAYING":           {busy, busy, busy, busy, busy, busy},
	"SYSTEMERROR":          {busy, busy, busy, busy, busy, busy},
	"BANKERROR":            {busy, busy, busy, busy, busy, busy},
	"SERVICEUNAVAILABLE":   {busy, busy, busy, busy, busy, busy},
	"NOSTATEMENTEXIST":     {refused, bug, bug, contested, bug, busy},
	"STATEMENTCREATING":    {refused, bug, bug, contested, bug, busy},
	"FREQUENCYLIMITED":     tooOften,
	"RATELIMITEXCEEDED":    tooOften,
}

// tooOften is what every code that says so means, and the status 429. Of a refund it says
// that a minute has to pass between two of one order.
var tooOften = meaning{prepay: paced, query: paced, close: slower, refund: slower, refundQuery: slower, certificates: slower}

// unlisted is what any other code means with a status of 4xx.
var unlisted = meaning{prepay: refused, query: bug, close: bug, refund: contested, refundQuery: bug, certificates: mend}

// TooOften reports whether WeChat was asked more often than it allows.
func (e *Error) TooOften() bool { return e.Verdict() == slower || e.Verdict() == paced }

// Paid reports whether WeChat says that the order was paid already.
func (e *Error) Paid() bool { return strings.ReplaceAll(e.Code, "_", "") == "ORDERPAID" }

// Verdict looks the error up: by its code first, by its status second. A body without a
// code of WeChat's own is nobody's final word: it may be a proxy's.
func (e *Error) Verdict() Verdict {
	row, listed := meanings[strings.ReplaceAll(e.Code, "_", "")]
	switch {
	case listed:
		return row.of(e.Call)
	case e.Status == http.StatusTooManyRequests:
		return tooOften.of(e.Call)
	case e.Status/100 != 4 || e.Code == "":
		return busy
	case e.Status == http.StatusNotFound && e.Call == Close:
		return done
	default:
		return unlisted.of(e.Call)
	}
}

func (m meaning) of(call Call) Verdict {
	switch call {
	case PrepayAPP, PrepayJSAPI, PrepayNative, PrepayH5:
		return m.prepay
	case Query, QueryTransaction:
		return m.query
	case Close:
		return m.close
	case CreateRefund:
		return m.refund
	case QueryRefund:
		return m.refundQuery
	case Certificates, TradeBill, BillFile: // what is asked is about no order
		return m.certificates
	}
	return bug
}
