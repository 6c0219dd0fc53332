package wechat

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"settled"
	"settled/wechat/v2"
	v3 "settled/wechat/v3"
)

// codeReturn stands for WeChat's code where it gives none: a return_code FAIL.
const codeReturn = "return_code"

// v2Line is one merchant's line to WeChat in APIv2: a call goes out as it was signed, its
// answer is verified, read and judged.
type v2Line struct {
	line    *line
	secrets []string
	log     *slog.Logger
}

func newV2Line(cfg V2Config) *v2Line {
	return &v2Line{
		line: newLine(lineConfig{
			Endpoint: cfg.Endpoint, Backup: cfg.BackupEndpoint, Rate: cfg.Rate,
			HTTP: cfg.HTTP, Certificate: cfg.Certificate, Timeout: cfg.Timeout, Now: cfg.Now,
			Observe: cfg.Observe, HostChanged: cfg.HostChanged, Log: cfg.Log,
		}),
		secrets: concealing(cfg.APIKey), log: cfg.Log,
	}
}

// v2Request is one call.
type v2Request struct {
	call  v2.Call
	body  []byte
	about subject
	class class
}

// askV2 makes a call and reads its answer. It fails with *settled.Refusal or
// *settled.Unknown.
func askV2[T any](ctx context.Context, l *v2Line, r v2Request, t reading[T]) (value T, answerID string, err error) {
	out := outgoing{name: r.call.Name(), about: r.about, class: r.class, certified: r.call == v2.RefundOrder, write: l.writer(r)}
	err = l.line.do(ctx, out, func(in incoming) error {
		answerID = v3.RequestID(in.header)
		if in.status != http.StatusOK {
			return withoutWord(in.status, answerID)
		}
		var said *v2.Error
		var err error
		value, err = t.read(in.body)
		switch {
		case errors.As(err, &said) && isNothingV2(said) && t.nothing != nil:
			value = t.nothing()
			return nil
		case errors.As(err, &said):
			return l.judge(ctx, said, answerID)
		}
		return l.unread(err, answerID)
	})
	if err != nil {
		var none T
		return none, "", err
	}
	return value, answerID, nil
}

func isNothingV2(said *v2.Error) bool {
	class := said.Verdict().Class
	return class == v2.Absent || class == v2.Done
}

// withoutWord is the outcome of a call that was answered with a status: WeChat's own word
// comes with 200 alone.
func withoutWord(status int, requestID string) error {
	unknown := &settled.Unknown{Code: codeOfStatus(status), Err: errors.New("no answer of WeChat's own"), RequestID: requestID}
	if status == http.StatusTooManyRequests {
		unknown.After, unknown.Err = time.Minute, errTooOften
	}
	return unknown
}

// unread makes an unknown outcome of an answer that is not WeChat's, or says nothing.
func (l *v2Line) unread(err error, requestID string) error {
	if err == nil {
		return nil
	}
	code := codeUnreadable
	var unknown *settled.Unknown
	switch {
	case errors.As(err, &unknown):
		code, err = unknown.Code, unknown.Err
	case errors.Is(err, v2.ErrUnverified):
		code = codeUnverified
	}
	return &settled.Unknown{Code: code, Err: errors.New(l.conceal(err.Error())), RequestID: requestID}
}

// writer writes a request for an endpoint. Its body holds the signature, and stays.
func (l *v2Line) writer(r v2Request) func(endpoint string) (request, error) {
	return func(endpoint string) (request, error) {
		return request{
			method: http.MethodPost, url: endpoint + string(r.call), body: r.body, media: "text/xml; charset=utf-8", secrets: l.secrets,
		}, nil
	}
}

func (l *v2Line) conceal(text string) string { return request{secrets: l.secrets}.conceal(text) }

// judge says what WeChat's no means for us.
func (l *v2Line) judge(ctx context.Context, said *v2.Error, requestID string) error {
	verdict, tooOften, paid := said.Verdict(), said.TooOften(), said.Paid()
	said.Code, said.Message = l.conceal(said.Code), l.conceal(said.Message)
	code := cmp.Or(said.Code, codeReturn)
	unknown := &settled.Unknown{Code: code, After: verdict.After, Err: said, RequestID: requestID}
	switch verdict.Class {
	case v2.Refused, v2.Contested:
		contested := verdict.Class == v2.Contested
		return &settled.Refusal{
			Code: code, Message: said.Message, Contested: contested, Paid: contested && paid, RequestID: requestID,
		}
	case v2.CredentialsRefused:
		l.log.ErrorContext(ctx, "wechat refuses the credentials", "call", said.Call.Name(), "code", code, "message", said.Message)
	case v2.Unknown, v2.Done, v2.Absent:
		if tooOften {
			unknown.Err = fmt.Errorf("%w: %w", errTooOften, said)
		}
	}
	return unknown
}
