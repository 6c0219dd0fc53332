package v2

import (
	"slices"
	"strings"
	"time"
)

// Class says what an error code means for the call that got it.
type Class int

// The classes of error codes.
const (
	Unknown            Class = iota // it says nothing about what was asked; ask again
	Refused                         // WeChat's final word on what the request asks for
	Contested                       // WeChat refuses because of what became of the number; a query decides
	Done                            // what was asked for is so already
	Absent                          // WeChat does not know the number
	CredentialsRefused              // a person has to mend the merchant's account or keys; then ask again
)

// Verdict is a class, and how long WeChat should be left alone before it is asked again.
// After is zero when the document asks for nothing.
type Verdict struct {
	Class Class
	After time.Duration
}

// The words of the table. Only the minute after too many requests follows from the
// document; where somebody has to mend something first, asking more often would not help.
var (
	busy      = Verdict{Class: Unknown}
	slower    = Verdict{Class: Unknown, After: time.Minute}
	paced     = Verdict{Class: Unknown, After: 5 * time.Second} // a customer waits; whoever calls slows down all calls besides
	later     = Verdict{Class: Unknown, After: 10 * time.Minute}
	bug       = Verdict{Class: Unknown, After: 5 * time.Minute}
	mend      = Verdict{Class: CredentialsRefused, After: 5 * time.Minute}
	refused   = Verdict{Class: Refused}
	contested = Verdict{Class: Contested}
	done      = Verdict{Class: Done}
	absent    = Verdict{Class: Absent}
)

// meaning is what one error code means for each call.
type meaning struct {
	unifiedOrder, orderQuery, closeOrder, refund, refundQuery Verdict
}

// meanings is the table of error codes (APIv2 documents, the codes of each call), by the
// code without its underscores.
//
// The body of a unifiedorder stays the same however often it is sent, so whatever does not
// say "later" or tell of the number's past is WeChat's final word on it: the shop hears it
// at once and can order anew when it is mended. No refund is refused without a query: one
// that was wrongly called failed would be asked for again under another number, and paid
// twice.
var meanings = stripped(map[string]meaning{
	//                     unifiedorder orderquery closeorder refund refundquery
	"SYSTEMERROR":           {busy, busy, busy, busy, busy},
	"BIZERR_NEED_RETRY":     {busy, busy, busy, busy, busy},
	"FREQUENCY_LIMITED":     tooOften,
	"INVALID_REQ_TOO_MUCH":  {slower, slower, slower, slower, slower}, // too many bad requests
	"ORDERPAID":             {contested, bug, contested, contested, bug},
	"ORDERCLOSED":           {contested, bug, done, contested, bug},
	"OUT_TRADE_NO_USED":     {contested, bug, bug, contested, bug}, // the number, with other content
	"ORDERNOTEXIST":         {refused, absent, done, contested, bug},
	"TRADE_STATE_ERROR":     {contested, bug, contested, contested, bug},
	"INVALID_REQUEST":       {refused, bug, bug, contested, bug},
	"NOTENOUGH":             {refused, bug, bug, later, bug}, // refund: the merchant's balance is short
	"ORDER_NOT_READY":       {refused, bug, bug, later, bug}, // the order is still being settled
	"ERROR":                 {refused, bug, bug, contested, bug},
	"USER_ACCOUNT_ABNORMAL": {refused, bug, bug, contested, bug}, // the customer's account is closed
	"TRADE_OVERDUE":         {refused, bug, bug, contested, bug}, // the order is older than a year
	"INVALID_TRANSACTIONID": {refused, bug, bug, contested, bug},
	"REFUND_FEE_MISMATCH":   {refused, bug, bug, contested, bug}, // the refund's number, with another amount
	"REFUNDNOTEXIST":        {refused, bug, bug, contested, absent},

	"NOAUTH":                {refused, mend, mend, mend, mend},
	"SIGNERROR":             {refused, mend, mend, mend, mend},
	"APPID_NOT_EXIST":       {refused, mend, mend, mend, mend},
	"MCHID_NOT_EXIST":       {refused, mend, mend, mend, mend},
	"APPID_MCHID_NOT_MATCH": {refused, mend, mend, mend, mend},
	"CERT_ERROR":            {refused, mend, mend, mend, mend},

	"LACK_PARAMS":         {refused, bug, bug, contested, bug},
	"PARAM_ERROR":         {refused, bug, bug, contested, bug},
	"XML_FORMAT_ERROR":    {refused, bug, bug, contested, bug},
	"REQUIRE_POST_METHOD": {refused, bug, bug, contested, bug},
	"POST_DATA_EMPTY":     {refused, bug, bug, contested, bug},
	"NOT_UTF8":            {refused, bug, bug, contested, bug},
})

// tooOften is what every code and every word that says so means. Of a refund it says that a
// minute has to pass.
var tooOften = meaning{paced, paced, slower, slower, slower}

// unlisted is what any other code means.
var unlisted = meaning{refused, bug, bug, contested, bug}

// Verdict looks the error up in the table. WeChat spells one and the same code with
// underscores or without. An error without a code is about the request's form, its
// signature or how often it comes, and never about an order: its words, whatever they are,
// end in no refusal.
func (e *Error) Verdict() Verdict {
	row, listed := meanings[strip(e.Code)]
	switch {
	case listed:
		return row.of(e.Call)
	case e.asksForPatience():
		return tooOften.of(e.Call)
	case e.Code == "":
		return mend
	default:
		return unlisted.of(e.Call)
	}
}

// asksForPatience reports whether the error is about how often we ask, or how busy WeChat
// is. It has more words for that than its documents.
func (e *Error) asksForPatience() bool {
	said := strings.ToLower(strip(e.Code) + e.Message)
	return slices.ContainsFunc([]string{"frequen", "ratelimit", "systemerror", "频率", "频繁", "繁忙"}, func(word string) bool {
		return strings.Contains(said, word)
	})
}

// TooOften reports whether WeChat takes the call for one too many.
func (e *Error) TooOften() bool { return e.Verdict() == slower || e.Verdict() == paced }

// Paid reports whether WeChat says no because the order is paid already.
func (e *Error) Paid() bool { return strip(e.Code) == "ORDERPAID" }

func (m meaning) of(call Call) Verdict {
	switch call {
	case UnifiedOrder:
		return m.unifiedOrder
	case CloseOrder:
		return m.closeOrder
	case RefundOrder:
		return m.refund
	case RefundQuery:
		return m.refundQuery
	case OrderQuery, DownloadBill: // what is asked moves nothing
		return m.orderQuery
	}
	return m.orderQuery
}

func strip(code string) string { return strings.ReplaceAll(code, "_", "") }

func stripped(table map[string]meaning) map[string]meaning {
	byCode := make(map[string]meaning, len(table))
	for code, row := range table {
		byCode[strip(code)] = row
	}
	return byCode
}
