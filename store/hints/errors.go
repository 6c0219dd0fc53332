package hints

import (
	"errors"
	"fmt"
	"time"
)

// ErrQuota: no more tokens may be fetched today. The *Unavailable around it says when the
// next day begins.
var ErrQuota = errors.New("the daily quota is used up")

// errShare: Redis is gone, and with it the knowledge of what the others fetch.
var errShare = fmt.Errorf("without redis: %w", ErrQuota)

var (
	errClosed    = errors.New("hints are closed")
	errEmpty     = errors.New("the fetch gave no token, or one without life")
	errElsewhere = errors.New("another process fetched a moment ago, and that one is no good")
	errRefused   = errors.New("a token was fetched a moment ago and refused")
	errSlow      = errors.New("it is still being fetched")
)

// Unavailable says that there is no token and that none will be fetched before a time.
type Unavailable struct {
	Until time.Time
	Err   error // ErrQuota, what the last fetch failed with, or why it has to wait
}

// Error names the time and the cause.
func (u *Unavailable) Error() string {
	return fmt.Sprintf("none before %s: %v", u.Until.Format(time.RFC3339), u.Err)
}

// Unwrap returns the cause.
func (u *Unavailable) Unwrap() error { return u.Err }
