package ingress

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"settled"
	"settled/events"
)

// problem is an answer that is not what was asked for: RFC 9457. It is an error, so that
// whoever finds it returns it and one place writes it.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`

	Problems events.Problems `json:"problems,omitempty"` // with 400
	Failure  *events.Error   `json:"error,omitempty"`    // with 409, 422, and whatever kept a refund from WeChat

	retryAfter time.Duration
}

// Error is the problem in a log line.
func (p *problem) Error() string { return http.StatusText(p.Status) + ": " + p.Detail }

func badInput(problems events.Problems) *problem {
	return &problem{Status: http.StatusBadRequest, Detail: problems.Error(), Problems: problems}
}

func unavailable(detail string) *problem {
	return &problem{
		Status: http.StatusServiceUnavailable, Detail: detail + " It is safe to repeat the request.",
		retryAfter: time.Second,
	}
}

// problemOf is the one edge between our kinds of failure and HTTP.
func (in *Ingress) problemOf(r *http.Request, err error) *problem {
	var p *problem
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &tooLarge):
		return &problem{Status: http.StatusRequestEntityTooLarge, Detail: "The body is too large."}
	case errors.Is(err, settled.ErrNotFound):
		return &problem{Status: http.StatusNotFound, Detail: "There is nothing of that name."}
	default:
		in.cfg.Log.WarnContext(r.Context(), "request not answered", "route", r.Pattern, "error", err)
		return unavailable("The request could not be taken.")
	}
}

// write sends the problem with its headers.
func write(w http.ResponseWriter, p *problem) {
	said := *p
	if said.Type == "" {
		said.Type = "about:blank"
	}
	said.Title = http.StatusText(p.Status)
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="settled"`)
	}
	if p.retryAfter > 0 {
		retryAfter(w, p.retryAfter)
	}
	w.Header().Set("Content-Type", "application/problem+json")
	writeJSON(w, p.Status, said)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(body) // the caller has gone if this fails
}
