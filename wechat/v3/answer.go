package v3

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Answer is an answer as it came over HTTP.
type Answer struct {
	Status int
	Header map[string][]string
	Body   []byte // raw
}

// Error is an answer that says no, or not yet. It may be unsigned: its word is good enough
// to stop asking, and never good enough to believe that money moved.
type Error struct {
	Call      Call
	Status    int    // of HTTP
	Code      string // as WeChat spells it; empty if the body is not WeChat's
	Message   string
	RequestID string
}

// Error names the call and WeChat's own words.
func (e *Error) Error() string {
	return fmt.Sprintf("%s: %d %s %s", e.Call.Name(), e.Status, e.Code, e.Message)
}

// Open returns nothing but an error for an answer that must not be read on: ErrUnverified
// for a success whose signature does not verify, *Error for everything else. at is when
// the answer came; the id is that of the key that verified.
func (k Keyring) Open(call Call, a Answer, at time.Time) (keyID string, err error) {
	if a.Status/100 != 2 || a.Status == http.StatusAccepted {
		return "", readError(call, a)
	}
	return k.Verify(a.Header, a.Body, at)
}

// readError reads the body of an error as far as it is one.
func readError(call Call, a Answer) *Error {
	said := &Error{Call: call, Status: a.Status, RequestID: RequestID(a.Header)}
	body, err := readObject(a.Body)
	if err != nil {
		return said
	}
	said.Code, said.Message = body.text("code"), body.text("message")
	if !isCode(said.Code) {
		said.Code = ""
	}
	return said
}

// The bounds of what is repeated of an answer, in bytes.
const (
	maxCode      = 64
	maxRequestID = 128
)

// isCode reports whether a text looks like one of WeChat's codes: capitals, digits and _.
func isCode(text string) bool {
	return len(text) <= maxCode && !strings.ContainsFunc(text, func(r rune) bool {
		return (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_'
	})
}

// RequestID is how WeChat's support finds an answer again; empty if it has none.
func RequestID(header map[string][]string) string {
	found, err := readHeaders(header, "Request-ID")
	id := found["Request-ID"]
	if err != nil || len(id) > maxRequestID || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	return id
}
