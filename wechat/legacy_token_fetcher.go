package wechat

import (
	"context"
	"fmt"
	"time"

	"settled"
	"settled/wechat/legacy"
)

// LegacyTokenFetcher fetches a merchant's access tokens. Whoever keeps them decides when:
// WeChat allows a few hundred a day, and a new one may end the life of every other.
type LegacyTokenFetcher struct {
	line   *legacyLine
	stable bool
}

// NewLegacyTokenFetcher returns a fetcher ready for use. It makes no call.
func NewLegacyTokenFetcher(cfg LegacyConfig) (*LegacyTokenFetcher, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(requirement{"AppSecret", cfg.AppSecret != ""}); err != nil {
		return nil, err
	}
	return &LegacyTokenFetcher{line: newLegacyLine(cfg), stable: cfg.StableToken}, nil
}

// FetchToken asks WeChat for an access token and says how long it lives. It fails with
// *settled.Unknown alone, with After if it is of no use to ask again at once.
func (f *LegacyTokenFetcher) FetchToken(ctx context.Context) (token string, life time.Duration, err error) {
	r := legacyRequest{call: legacy.Token, query: f.line.credentials.TokenQuery()}
	if f.stable {
		r = legacyRequest{call: legacy.StableToken}
		if r.body, err = f.line.credentials.StableTokenRequest(); err != nil {
			return "", 0, &settled.Unknown{Code: codeUnwritable, Err: err}
		}
	}
	fetched, err := askLegacy(ctx, f.line, r, func(answer []byte) (legacy.AccessToken, error) {
		return legacy.ReadToken(r.call, answer)
	})
	if err != nil {
		return "", 0, fmt.Errorf("fetch access token: %w", err)
	}
	return fetched.Value, fetched.Life, nil
}
