package wechat

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"settled"
	v3 "settled/wechat/v3"
)

// userAgent is who we say we are: WeChat refuses requests that don't.
const userAgent = "settled"

// v3Line is one merchant's line to WeChat in APIv3: a call goes out signed, its answer is
// verified, read and judged.
type v3Line struct {
	line        *line
	credentials v3.Credentials
	now         func() time.Time
	random      io.Reader
	verified    func(keyID, what string)
	log         *slog.Logger
}

func newV3Line(cfg V3Config) *v3Line {
	return &v3Line{
		line: newLine(lineConfig{
			Endpoint: cfg.Endpoint, Backup: cfg.BackupEndpoint, Rate: cfg.Rate,
			HTTP: cfg.HTTP, Timeout: cfg.Timeout, Now: cfg.Now,
			Observe: cfg.Observe, HostChanged: cfg.HostChanged, Log: cfg.Log,
		}),
		credentials: cfg.credentials(), now: cfg.Now, random: cfg.Random, verified: cfg.Verified, log: cfg.Log,
	}
}

// v3Request is one call.
type v3Request struct {
	call   v3.Call
	number string // what the call asks about; may be empty
	path   string // as it is sent; default the call's own
	body   []byte // nil: GET
	about  subject
	class  class
	serial string // of the key that shall sign the answer; empty: WeChat decides
}

// v3Verifier verifies an answer as Keyring.Open does.
type v3Verifier func(ctx context.Context, call v3.Call, answer v3.Answer) (keyID string, err error)

// reading is what an answer is read for. nothing is what a call means by "that is not there"
// or "that is done already"; nil for calls that can't.
type reading[T any] struct {
	read    func(body []byte) (T, error)
	nothing func() T
}

// askV3 makes a call and reads its answer. It fails with *settled.Refusal or
// *settled.Unknown.
func askV3[T any](ctx context.Context, l *v3Line, r v3Request, verify v3Verifier, t reading[T]) (value T, requestID string, err error) {
	err = l.line.do(ctx, outgoing{name: r.call.Name(), about: r.about, class: r.class, write: l.writer(r)}, func(in incoming) error {
		requestID = v3.RequestID(in.header)
		keyID, err := verify(ctx, r.call, v3.Answer{Status: in.status, Header: in.header, Body: in.body})
		var said *v3.Error
		switch {
		case errors.As(err, &said) && isNothingV3(said) && t.nothing != nil:
			value = t.nothing()
			return nil
		case errors.As(err, &said):
			return l.judge(ctx, said)
		case err != nil:
			return &settled.Unknown{Code: codeUnverified, Err: err, RequestID: requestID}
		}
		l.verified(keyID, r.call.Name())
		value, err = t.read(in.body)
		return unreadV3(err, requestID)
	})
	if err != nil {
		var none T
		return none, "", err
	}
	return value, requestID, nil
}

func isNothingV3(said *v3.Error) bool {
	class := said.Verdict().Class
	return class == v3.Absent || class == v3.Done
}

// unreadV3 makes an unknown outcome of an answer that was verified and says nothing.
func unreadV3(err error, requestID string) error {
	var unknown *settled.Unknown
	switch {
	case err == nil:
		return nil
	case errors.As(err, &unknown):
		unknown.RequestID = requestID
		return unknown
	}
	return &settled.Unknown{Code: codeUnreadable, Err: err, RequestID: requestID}
}

// writer writes a request for an endpoint, each time with a nonce and a time of its own.
func (l *v3Line) writer(r v3Request) func(endpoint string) (request, error) {
	path := cmp.Or(r.path, l.credentials.Path(r.call, r.number))
	return func(endpoint string) (request, error) {
		nonce, err := l.nonce()
		if err != nil {
			return request{}, err
		}
		authorization, err := l.credentials.Authorization(r.call.Method(), path, r.body, nonce, l.now())
		if err != nil {
			return request{}, err
		}
		header := http.Header{"Authorization": {authorization}, "Accept": {"application/json"}, "User-Agent": {userAgent}}
		if r.serial != "" {
			header.Set("Wechatpay-Serial", r.serial)
		}
		return request{
			method: r.call.Method(), url: endpoint + path, header: header, body: r.body, media: "application/json",
			secrets: concealing(l.credentials.APIV3Key),
		}, nil
	}
}

func (l *v3Line) nonce() (string, error) { return drawNonce(l.random) }

// judge says what an answer that is not a plain yes means for us.
func (l *v3Line) judge(ctx context.Context, said *v3.Error) error {
	said.Message = request{secrets: concealing(l.credentials.APIV3Key)}.conceal(said.Message)
	code, verdict := cmp.Or(said.Code, codeOfStatus(said.Status)), said.Verdict()
	unknown := &settled.Unknown{Code: code, After: verdict.After, Err: said, RequestID: said.RequestID}
	switch verdict.Class {
	case v3.Refused, v3.Contested:
		return &settled.Refusal{
			Code: code, Message: said.Message, Contested: verdict.Class == v3.Contested, Paid: said.Paid(), RequestID: said.RequestID,
		}
	case v3.CredentialsRefused:
		l.log.ErrorContext(ctx, "wechat refuses the credentials", "call", said.Call.Name(), "code", code, "message", said.Message)
	case v3.Unknown, v3.Done, v3.Absent:
		if said.TooOften() {
			unknown.Err = fmt.Errorf("%w: %w", errTooOften, said)
		}
	}
	return unknown
}
