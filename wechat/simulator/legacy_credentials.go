package simulator

import "time"

type legacyGranted struct {
	Token     string `json:"access_token"`
	ExpiresIn int64  `json:"expires_in"` // seconds
}

// token answers cgi-bin/token: a new token every time.
func (l *legacy) token(call legacyCall) (any, error) {
	a, err := l.identify(call.query.Get("grant_type"), call.query.Get("appid"), call.query.Get("secret"), legacyBadCredential)
	if err != nil {
		return nil, err
	}
	value, cfg := l.s.dice.text(base64, legacyTokenLength), l.s.cfg
	if err := a.tokens.fetch(value, cfg.Now(), cfg.TokenLife, cfg.TokenOverlap, a.TokenDailyQuota); err != nil {
		return nil, err
	}
	return legacyGranted{value, int64(cfg.TokenLife / time.Second)}, nil
}

// legacyStableFields are stable_token's. Strings may be empty here, so that identify can
// say what is missing.
var legacyStableFields = []legacyField{
	{name: "grant_type", kind: legacyAnyText, missing: legacyBadGrantType},
	{name: "appid", kind: legacyAnyText, missing: legacyAppIDMissing},
	{name: "secret", kind: legacyAnyText, missing: legacySecretMissing},
	{name: "force_refresh", kind: legacyFlag, optional: true},
}

// stableToken answers cgi-bin/stable_token: the same token for as long as it is good.
func (l *legacy) stableToken(call legacyCall) (any, error) {
	if call.broken != nil {
		return nil, call.broken
	}
	values, err := call.fields.values(legacyStableFields)
	if err != nil {
		return nil, err
	}
	a, err := l.identify(values["grant_type"], values["appid"], values["secret"], legacyBadSecret)
	if err != nil {
		return nil, err
	}
	now := l.s.cfg.Now()
	token, err := a.tokens.steady(l.s.dice.text(base64, legacyTokenLength), now, l.s.cfg.TokenLife, values["force_refresh"] == "true")
	if err != nil {
		return nil, err
	}
	return legacyGranted{token.value, int64(token.until.Sub(now) / time.Second)}, nil
}

// identify finds the merchant that asks for a token.
func (l *legacy) identify(grantType, appID, secret string, wrongSecret legacyCode) (*legacyAccount, error) {
	a := l.accounts[appID]
	switch {
	case grantType != "client_credential":
		return nil, refuse(legacyBadGrantType, "")
	case appID == "":
		return nil, refuse(legacyAppIDMissing, "")
	case secret == "":
		return nil, refuse(legacySecretMissing, "")
	case a == nil:
		return nil, refuse(legacyBadAppID, "")
	case secret != a.AppSecret:
		return nil, refuse(wrongSecret, "")
	}
	return a, nil
}

// owner finds the merchant to whom an access token was given.
func (l *legacy) owner(token string) (*legacyAccount, error) {
	switch len(token) {
	case 0:
		return nil, refuse(legacyTokenMissing, "")
	case legacyTokenLength:
	default:
		return nil, refuse(legacyBadToken, "")
	}
	now := l.s.cfg.Now()
	for _, a := range l.accounts {
		switch code, known := a.tokens.find(token, now); {
		case known && code != 0:
			return nil, refuse(code, "")
		case known:
			return a, nil
		}
	}
	return nil, refuse(legacyBadCredential, "access_token is invalid or not latest")
}

// disavow makes a token one that is not the latest any more.
func (l *legacy) disavow(token string) {
	if token == "" {
		return
	}
	for _, a := range l.accounts {
		a.tokens.end(token, legacyBadCredential)
	}
}

// ExpireTokens ends the life of every access token at once. The next call with one is
// refused as if its time had passed.
func (s *Simulator) ExpireTokens() {
	for _, a := range s.legacy.accounts {
		a.tokens.end("", legacyTokenExpired)
	}
}
