package settled

import (
	"errors"
	"fmt"
	"time"
)

// The kinds of failure. Each edge (HTTP, bus, metrics) translates them in one place.
var (
	// ErrNotFound: there is no such payment or refund.
	ErrNotFound = errors.New("not found")
	// ErrUnavailable: something this program stands on does not answer. Nothing is known
	// about the outcome; the same call may be repeated when it is back.
	ErrUnavailable = errors.New("unavailable")
	// ErrTooMuch: more would be given back than was paid, or anything of what was not paid.
	ErrTooMuch = errors.New("more than was paid")
	// ErrUnverified: a notify's signature does not verify. Nothing in it may be believed.
	ErrUnverified = errors.New("not verified")
	// ErrUnknown: WeChat may or may not have done what it was asked: a timeout, a cut
	// connection, a 5xx, an answer that can't be read. Never a failure of the payment.
	ErrUnknown = errors.New("outcome unknown")
)

// Refusal is WeChat's own final word that it will not do what it was asked.
type Refusal struct {
	Code    string
	Message string
	// Contested says that WeChat refuses because of what became of the number before: it
	// was paid, used or closed. That is no verdict on the payment; a query decides.
	Contested bool
	// Paid says, of a contested one, that the number was paid already.
	Paid      bool
	RequestID string // names the answer for WeChat's support; may be empty
}

// Error names the refusal with WeChat's code and words.
func (r *Refusal) Error() string { return fmt.Sprintf("refused: %s: %s", r.Code, r.Message) }

// Unknown is an ErrUnknown with the time WeChat should be left alone for: a quota used
// up, a rate limit, credentials that somebody has to mend first.
type Unknown struct {
	Code  string // WeChat's code, or a short word of ours: timeout, connection, status_502
	After time.Duration
	Err   error

	RequestID string // names the answer for WeChat's support; may be empty
}

// Error names the code and the cause.
func (u *Unknown) Error() string { return fmt.Sprintf("outcome unknown: %s: %v", u.Code, u.Err) }

// Unwrap makes every Unknown an ErrUnknown, and keeps the cause.
func (u *Unknown) Unwrap() []error { return []error{ErrUnknown, u.Err} }

// Outcome is the metric label of what a call to WeChat led to.
func Outcome(err error) string {
	var refusal *Refusal
	switch {
	case err == nil:
		return "done"
	case errors.As(err, &refusal):
		return "refused"
	case errors.Is(err, ErrUnverified):
		return "unverified"
	default:
		return "unknown"
	}
}
