package wechat

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"settled"
	"settled/wechat/legacy"
)

// legacyLine is one merchant's line to WeChat in the legacy protocol: a call goes out, its
// answer is read, judged and counted.
type legacyLine struct {
	credentials legacy.Credentials
	endpoint    string
	caller      caller
	now         func() time.Time
	observe     func(Call)
	log         *slog.Logger
}

func newLegacyLine(cfg LegacyConfig) *legacyLine {
	return &legacyLine{
		credentials: cfg.credentials(), endpoint: cfg.Endpoint, caller: newCaller(cfg.HTTP, cfg.Timeout),
		now: cfg.Now, observe: cfg.Observe, log: cfg.Log,
	}
}

// legacyRequest is one call. Its query may hold a token or the AppSecret.
type legacyRequest struct {
	call  legacy.Call
	query string
	token string
	body  []byte // nil: GET
	about subject
}

// askLegacy makes one call and reads its answer. It fails with *settled.Refusal or
// *settled.Unknown.
func askLegacy[T any](ctx context.Context, l *legacyLine, r legacyRequest, read func(answer []byte) (T, error)) (T, error) {
	began := l.now()
	value, err := attemptLegacy(ctx, l, r, read)
	l.observe(Call{
		Name: r.call.Name(), Host: MainHost, Outcome: settled.Outcome(err), Code: codeOf(err), Took: max(l.now().Sub(began), 0),
		PaymentID: r.about.paymentID, OrderID: r.about.orderID,
	})
	return value, err
}

func attemptLegacy[T any](ctx context.Context, l *legacyLine, r legacyRequest, read func(answer []byte) (T, error)) (T, error) {
	var none T
	sent := l.request(r)
	status, body, err := l.caller.send(ctx, sent)
	if err != nil {
		return none, err
	}
	value, err := read(body)
	if err != nil {
		return none, l.judge(ctx, sent, status, err)
	}
	return value, nil
}

func (l *legacyLine) request(r legacyRequest) request {
	sent := request{
		method: http.MethodGet, url: l.endpoint + string(r.call), body: r.body,
		secrets: []string{r.token, l.credentials.AppSecret, l.credentials.PaySignKey, l.credentials.PartnerKey},
	}
	if r.query != "" {
		sent.url += "?" + r.query
	}
	if r.body != nil {
		sent.method = http.MethodPost
	}
	return sent
}

// judge says what an answer that is not a plain yes means for us. WeChat's errcode
// decides, whatever the status: the document gives none.
func (l *legacyLine) judge(ctx context.Context, sent request, status int, err error) error {
	var said *legacy.Error
	if !errors.As(err, &said) {
		code := codeUnreadable
		if status != http.StatusOK {
			code = codeOfStatus(status)
		}
		return &settled.Unknown{Code: code, Err: err}
	}
	said.Message = sent.conceal(said.Message)
	code, verdict := strconv.FormatInt(said.Code, 10), said.Verdict()
	switch verdict.Class {
	case legacy.Refused:
		return &settled.Refusal{Code: code, Message: said.Message}
	case legacy.CredentialsRefused:
		l.log.ErrorContext(ctx, "wechat refuses the credentials", "call", said.Call.Name(), "code", code, "message", said.Message)
	case legacy.Unknown, legacy.TokenRefused:
	}
	return &settled.Unknown{Code: code, After: verdict.After, Err: said}
}

// refusesToken reports whether a call failed only for want of another access token.
func refusesToken(err error) bool {
	var said *legacy.Error
	return errors.As(err, &said) && said.Verdict().Class == legacy.TokenRefused
}
