package wechat

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"settled"
	"settled/wechat/legacy"
)

// callLegacy makes a call about a payment with the current access token. One that WeChat
// does not take is given back, and the same body is sent once more with the next: the token
// is no part of it.
func callLegacy[T any](ctx context.Context, l *Legacy, c legacy.Call, p settled.Payment, body []byte, read func(answer []byte) (T, error)) (T, error) {
	var none T
	for again := true; ; again = false {
		token, err := l.tokens.Token(ctx)
		if err != nil {
			return none, withoutToken(err)
		}
		query := url.Values{"access_token": {token}}.Encode()
		value, err := askLegacy(ctx, l.line, legacyRequest{call: c, query: query, token: token, body: body, about: ofPayment(p)}, read)
		if !again || !refusesToken(err) {
			return value, err
		}
		l.line.log.WarnContext(ctx, "wechat refuses the access token", "call", c.Name(), "code", codeOf(err))
		if err := l.tokens.Refused(ctx, token); err != nil {
			return none, withoutToken(err)
		}
	}
}

// withoutToken makes an unknown outcome of a missing token, with the pause that it asks
// for.
func withoutToken(err error) error {
	unknown := settled.Unknown{Code: codeToken}
	var cause *settled.Unknown
	if errors.As(err, &cause) {
		unknown = *cause
	}
	unknown.Err = fmt.Errorf("take access token: %w", err)
	return &unknown
}

func (l *Legacy) nonce() (string, error) { return drawNonce(l.random) }
