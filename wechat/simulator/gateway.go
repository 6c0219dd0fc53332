package simulator

import (
	"context"
	"log/slog"
	"net/http"
	"time"
)

// reply is an answer as it goes out.
type reply struct {
	status      int
	contentType string // "" for an answer without a body
	body        []byte
	header      map[string]string // what else the protocol has to say; may be nil
}

func (r reply) write(w http.ResponseWriter) {
	if r.contentType != "" {
		w.Header().Set("Content-Type", r.contentType)
	}
	for name, value := range r.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(r.status)
	_, _ = w.Write(r.body) // a merchant who has hung up does not listen
}

// exchange is one call of a merchant's that was read and not acted upon yet.
type exchange struct {
	number  string            // the out_trade_no it is about, "" for none: whose switches hold
	work    func() reply      // checks everything, and does it
	disavow func()            // makes the call's access token bad; nil if the protocol has none
	busy    func() reply      // the protocol's "system busy" to this caller; nil for that to anyone
	spoil   func(reply) reply // makes the answer's signature wrong; nil if the protocol signs none
}

// troubles are what a protocol's gateway says when it will not do anything.
type troubles struct {
	busy    reply // system busy
	limited reply // too often
}

var (
	down   = reply{status: http.StatusServiceUnavailable, contentType: "text/html", body: []byte("<html><h1>503 Service Unavailable</h1></html>")}
	broken = reply{status: http.StatusInternalServerError, contentType: "text/html", body: []byte("<html><h1>500 Internal Server Error</h1></html>")}
)

// gateway serves one of a protocol's calls, with the faults that are switched on.
func (s *Simulator) gateway(t troubles, read func(*http.Request) exchange) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		call := read(r)
		faults := s.switches.of(call.number).Gateway
		if s.dice.chance(faults.Slow) && !s.linger(r.Context(), time.Duration(faults.SlowBy)) {
			return
		}
		switch {
		case s.dice.chance(faults.Down), s.dice.chance(faults.hostDown(r)):
			down.write(w)
			return
		case s.dice.chance(faults.RateLimited):
			t.limited.write(w)
			return
		case s.dice.chance(faults.ErrorRate):
			s.failure(t, call).write(w)
			return
		case s.dice.chance(faults.CutConnection):
			cut()
		}
		if call.disavow != nil && s.dice.chance(faults.TokenRefused) {
			call.disavow()
		}
		answer := call.work()
		if s.dice.chance(faults.AnswerLost) {
			cut()
		}
		if call.spoil != nil && s.dice.chance(faults.WrongSignature) {
			answer = call.spoil(answer)
		}
		answer.write(w)
	})
}

// refused counts and logs a call that was refused.
func (s *Simulator) refused(r *http.Request, why ...slog.Attr) {
	s.tally.refused.Add(1)
	s.cfg.Log.LogAttrs(r.Context(), slog.LevelInfo, "call refused", append([]slog.Attr{slog.String("path", r.URL.Path)}, why...)...)
}

// failure is one of the two ways to fail for no reason: the server's or the protocol's.
func (s *Simulator) failure(t troubles, call exchange) reply {
	switch {
	case s.dice.chance(0.5):
		return broken
	case call.busy != nil:
		return call.busy()
	}
	return t.busy
}

// cut closes the connection without an answer. The server takes this panic for what it
// is, and logs nothing.
func cut() { panic(http.ErrAbortHandler) }

// linger waits; false if the caller gave up first.
func (s *Simulator) linger(ctx context.Context, delay time.Duration) bool {
	timer := time.NewTimer(s.compressed(delay))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
