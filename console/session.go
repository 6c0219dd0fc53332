package console

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// sessionLife is how long somebody stays signed in.
const sessionLife = 12 * time.Hour

// session is what the cookie of somebody who is signed in says. No process keeps it: what
// proves it is made from the operator's password hash, which every process of the fleet
// has, and a new password ends it.
type session struct {
	name  string
	id    string // random
	until time.Time
}

var raw = base64.RawURLEncoding

func newSession(o Operator, now time.Time, random io.Reader) (session, error) {
	id := make([]byte, 16)
	if _, err := io.ReadFull(random, id); err != nil {
		return session{}, fmt.Errorf("make a session id: %w", err)
	}
	return session{name: o.Name, id: raw.EncodeToString(id), until: now.Add(sessionLife).Truncate(time.Second)}, nil
}

// cookie writes the session as its operator's cookie.
func (s session) cookie(o Operator) string {
	claim := s.claim()
	return claim + "." + proof(o, "session", claim)
}

func (s session) claim() string {
	return strings.Join([]string{"1", raw.EncodeToString([]byte(s.name)), s.id, strconv.FormatInt(s.until.Unix(), 10)}, ".")
}

// token is what a form has to carry so that it is known to come from a page of ours.
func (s session) token(o Operator) string { return proof(o, "form", s.claim()) }

// tokenFits compares a form's token with the session's.
func (s session) tokenFits(o Operator, token string) bool {
	return subtle.ConstantTimeCompare([]byte(token), []byte(s.token(o))) == 1
}

// readSession believes a cookie only if its operator's hash has made it and its time is
// not over.
func readSession(cookie string, known operators, now time.Time) (session, Operator, bool) {
	at := strings.LastIndexByte(cookie, '.')
	if at < 0 || len(cookie) > 512 {
		return session{}, Operator{}, false
	}
	claim, given := cookie[:at], cookie[at+1:]
	parts := strings.Split(claim, ".")
	if len(parts) != 4 || parts[0] != "1" {
		return session{}, Operator{}, false
	}
	name, err := raw.DecodeString(parts[1])
	if err != nil {
		return session{}, Operator{}, false
	}
	o, ok := known[string(name)]
	if !ok || subtle.ConstantTimeCompare([]byte(given), []byte(proof(o, "session", claim))) != 1 {
		return session{}, Operator{}, false
	}
	until, err := strconv.ParseInt(parts[3], 10, 64)
	s := session{name: o.Name, id: parts[2], until: time.Unix(until, 0)}
	return s, o, err == nil && now.Before(s.until)
}

// proof signs a text for one purpose, with a key that is made from the operator's hash.
func proof(o Operator, purpose, text string) string {
	key := hmac.New(sha256.New, []byte(o.Hash))
	_, _ = io.WriteString(key, "settled console "+purpose) // a hash takes whatever it is given
	mac := hmac.New(sha256.New, key.Sum(nil))
	_, _ = io.WriteString(mac, o.Name+"\x00"+text)
	return raw.EncodeToString(mac.Sum(nil))
}
