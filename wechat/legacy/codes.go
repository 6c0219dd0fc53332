package legacy

import (
	"path"
	"strings"
	"time"
)

// Class says what an errcode means for the call that got it.
type Class int

// The classes of errcodes.
const (
	Unknown            Class = iota // it says nothing about what was asked; ask again
	Refused                         // WeChat's final word on what the request asks for
	TokenRefused                    // the access token is no longer good; ask again with another
	CredentialsRefused              // a person has to mend the merchant's account or keys; then ask again
)

// Verdict is a class, and how long WeChat should be left alone before it is asked again.
// After is zero when the document asks for nothing.
type Verdict struct {
	Class Class
	After time.Duration
}

// The words of the table. Only the pause after a quota follows from the document; where
// somebody has to mend something first, asking more often would not help.
var (
	refused = Verdict{Class: Refused}
	busy    = Verdict{Class: Unknown}
	slower  = Verdict{Class: Unknown, After: time.Minute}
	spent   = Verdict{Class: Unknown, After: 10 * time.Minute}
	bug     = Verdict{Class: Unknown, After: 5 * time.Minute}
	stale   = Verdict{Class: TokenRefused}
	mend    = Verdict{Class: CredentialsRefused, After: 5 * time.Minute}
)

// meaning is what one errcode means for each kind of call.
type meaning struct {
	token, genPrepay, orderQuery, deliverNotify Verdict
}

// meanings is the table of errcodes (Open Platform, global return codes; those from 49001
// are the APP payment document's own). The body of a genprepay stays the same however
// often it is sent, so whatever does not say "later" or "another token" is WeChat's final
// word on it: the shop hears it at once, with the code, and can order anew when it is
// mended. It tells nothing about an order that is asked about.
var meanings = map[int64]meaning{
	//        token    genprepay  orderquery delivernotify
	-1:    {busy, busy, busy, busy},
	40001: {mend, stale, stale, stale}, // token: wrong AppSecret; others: not the latest token
	40002: {mend, refused, mend, mend}, // wrong grant_type
	40013: {mend, refused, mend, mend}, // invalid appid
	40014: {mend, stale, stale, stale}, // invalid access_token
	40033: {mend, refused, bug, bug},   // charset, or \uxxxx in the body
	40035: {mend, refused, bug, bug},   // invalid argument
	40125: {mend, refused, mend, mend}, // invalid appsecret
	41001: {mend, refused, bug, bug},   // access_token missing
	41002: {mend, refused, bug, bug},   // appid missing
	41004: {mend, refused, bug, bug},   // secret missing
	42001: {mend, stale, stale, stale}, // access_token expired
	43001: {bug, refused, bug, bug},    // needs GET
	43002: {bug, refused, bug, bug},    // needs POST
	43003: {bug, refused, bug, bug},    // needs HTTPS
	44002: {bug, refused, bug, bug},    // empty body
	45009: {spent, spent, spent, spent},
	45011: {slower, slower, slower, slower},
	47001: {bug, refused, bug, bug},    // the body can't be parsed
	47002: {bug, refused, bug, bug},    // \uxxxx in the body
	48001: {mend, refused, mend, mend}, // the account lacks this permission
	48004: {mend, refused, mend, mend}, // the account is forbidden this call
	49001: {mend, refused, mend, mend}, // the token belongs to another app
	49003: {mend, refused, mend, mend}, // the openid belongs to another app
	49004: {mend, refused, mend, mend}, // not match signature
	49010: {mend, refused, mend, mend}, // invalid partner
	50001: {mend, refused, mend, mend}, // api unauthorized by user

	// What genprepay really answered to a bad signature in December 2014.
	268500741: {mend, refused, mend, mend},
}

// unlisted is what any other errcode means. Whoever is refused a token has not been told
// anything about an order.
var unlisted = meaning{token: mend, genPrepay: refused, orderQuery: refused, deliverNotify: refused}

// notMatchSignature is how errmsg begins, under whatever code, when the keys are wrong.
const notMatchSignature = "not match signature"

// Verdict looks the error up in the table.
func (e *Error) Verdict() Verdict {
	row, listed := meanings[e.Code]
	switch {
	case listed:
		return row.of(e.Call)
	case strings.Contains(strings.ToLower(e.Message), notMatchSignature) && e.Call != GenPrepay:
		return mend
	default:
		return unlisted.of(e.Call)
	}
}

func (m meaning) of(call Call) Verdict {
	switch call {
	case GenPrepay:
		return m.genPrepay
	case OrderQuery:
		return m.orderQuery
	case DeliverNotify:
		return m.deliverNotify
	case Token, StableToken:
		return m.token
	}
	return m.token
}

// Name is the call's own name, such as genprepay.
func (c Call) Name() string { return path.Base(string(c)) }
