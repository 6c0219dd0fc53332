package simulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// legacy is the APP payment document of 2013 to 2015 (WeChat Open Platform).
type legacy struct {
	s        *Simulator
	accounts map[string]*legacyAccount // by app id
}

// legacyAccount is a merchant with the access tokens that were handed out to it.
type legacyAccount struct {
	*account
	tokens legacyTokens
}

func newLegacy(s *Simulator) *legacy {
	return &legacy{s: s, accounts: map[string]*legacyAccount{}}
}

func (l *legacy) open(m Merchant) (*account, error) {
	a := &account{Merchant: m, protocol: l}
	l.accounts[m.AppID] = &legacyAccount{account: a}
	return a, nil
}

func (l *legacy) register(mux *http.ServeMux) {
	mux.Handle("/cgi-bin/token", l.serve(http.MethodGet, l.token))
	mux.Handle("/cgi-bin/stable_token", l.serve(http.MethodPost, l.stableToken))
	mux.Handle("/pay/genprepay", l.serve(http.MethodPost, l.authorized(l.genprepay)))
	mux.Handle("/pay/delivernotify", l.serve(http.MethodPost, l.authorized(l.delivernotify)))
}

// queries serves /pay/orderquery, a path that APIv2 has too.
func (l *legacy) queries() http.Handler {
	return l.serve(http.MethodPost, l.authorized(l.orderquery))
}

// schedule is the one that the document gives: eight to ten times in half an hour.
func (l *legacy) schedule() []time.Duration {
	const s = time.Second
	return []time.Duration{8 * s, 10 * s, 10 * s, 30 * s, 30 * s, 60 * s, 120 * s, 360 * s, 1000 * s}
}

// legacyCall is a call of a merchant's, as far as it could be read.
type legacyCall struct {
	query  url.Values
	fields legacyFields
	broken error // why fields could not be read
}

// maxLegacyBody is far more than any call needs.
const maxLegacyBody = 64 << 10

// serve answers one of the API's calls; work does it, and fails with *legacyRefusal.
func (l *legacy) serve(method string, work func(legacyCall) (any, error)) http.Handler {
	return l.s.gateway(legacyTroubles, func(r *http.Request) exchange {
		call := legacyCall{query: r.URL.Query()}
		if r.Method == http.MethodPost && r.Method == method {
			call.fields, call.broken = readLegacyRequest(r)
		}
		return exchange{
			number:  call.number(),
			disavow: func() { l.disavow(call.query.Get("access_token")) },
			work: func() reply {
				if r.Method != method {
					return l.refused(r, refuse(legacyMethods[method], ""))
				}
				answer, err := work(call)
				if err != nil {
					return l.refused(r, err)
				}
				return legacyReply(answer)
			},
		}
	})
}

func readLegacyRequest(r *http.Request) (legacyFields, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxLegacyBody+1))
	switch {
	case err != nil:
		return nil, refuse(legacyMalformed, "the body ends too soon")
	case len(body) > maxLegacyBody:
		return nil, refuse(legacyInvalid, "the body is too long")
	}
	return readLegacyFields(body)
}

// authorized lets only calls with a good access token through.
func (l *legacy) authorized(work func(*legacyAccount, legacyCall) (any, error)) func(legacyCall) (any, error) {
	return func(call legacyCall) (any, error) {
		a, err := l.owner(call.query.Get("access_token"))
		if err != nil {
			return nil, err
		}
		if call.broken != nil {
			return nil, call.broken
		}
		return work(a, call)
	}
}

// number reads the out_trade_no that a call is about, before anything was checked.
func (c legacyCall) number() string {
	if number, ok := c.fields["out_trade_no"].(string); ok {
		return number
	}
	text, _ := c.fields["package"].(string)
	for pair := range strings.SplitSeq(text, "&") {
		if number, found := strings.CutPrefix(pair, "out_trade_no="); found {
			return number
		}
	}
	return ""
}

func (l *legacy) refused(r *http.Request, err error) reply {
	var refusal *legacyRefusal
	if !errors.As(err, &refusal) {
		refusal = refuse(legacyBusy, "")
	}
	l.s.refused(r, slog.Int64("errcode", int64(refusal.Code)), slog.String("errmsg", refusal.Message))
	return legacyReply(refusal)
}

// legacyReply is always 200: whoever calls looks at errcode alone.
func legacyReply(answer any) reply {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(answer) // structs of strings and numbers can't fail
	return reply{status: http.StatusOK, contentType: "application/json; encoding=utf-8", body: bytes.TrimSpace(body.Bytes())}
}
