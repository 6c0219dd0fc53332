package ingress

import (
	"net/http"
	"regexp"
	"strings"
)

var wellFormed = regexp.MustCompile(`^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`)

// traceparent is the step of the caller's that led to this request. Only who has to show a
// token may say so: it decides whether a trace is kept.
func traceparent(r *http.Request) string {
	parent := r.Header.Get("Traceparent")
	if !strings.HasPrefix(r.URL.Path, "/v1/") || !wellFormed.MatchString(parent) {
		return ""
	}
	return parent
}
