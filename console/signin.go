package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// hashWithin bounds how long somebody waits for the turn to have a password hashed.
const hashWithin = 5 * time.Second

var errCrowded = errors.New("too many sign in at this moment")

// strangersHash is the hash of no password at all, for names that nobody has. It is as much
// work as that of an operator.
func strangersHash(known operators, random io.Reader) (string, error) {
	work := 0
	for _, o := range known {
		h, err := readHash(o.Hash)
		if err != nil {
			return "", err
		}
		work = max(work, h.rounds)
	}
	h := hashed{rounds: max(work, fewestRounds), salt: make([]byte, saltBytes), key: make([]byte, keyBytes)}
	for _, part := range [][]byte{h.salt, h.key} {
		if _, err := io.ReadFull(random, part); err != nil {
			return "", fmt.Errorf("make a hash: %w", err)
		}
	}
	return h.String(), nil
}

// verify checks a name and a password. For a name that nobody has it does the same work.
func (d *door) verify(ctx context.Context, name, password string) (Operator, bool, error) {
	select {
	case d.waiting <- struct{}{}:
		defer func() { <-d.waiting }()
	default:
		return Operator{}, false, errCrowded
	}
	ctx, cancel := context.WithTimeout(ctx, hashWithin)
	defer cancel()
	select {
	case d.hashing <- struct{}{}:
		defer func() { <-d.hashing }()
	case <-ctx.Done():
		return Operator{}, false, errCrowded
	}
	o, known := d.operators[name]
	hash := o.Hash
	if !known {
		hash = d.stranger
	}
	right := Verify(hash, password)
	return o, known && right, nil
}

type signInBody struct{ Name, Next string }

func (c *Console) showSignIn(v *visit) {
	if v.signedIn || c.door.unguarded() {
		v.redirect(Prefix)
		return
	}
	v.page(http.StatusOK, "signin", "title.sign_in", signInBody{Next: within(v.r.FormValue("next"))})
}

// signIn lets somebody in who knows the name and its password. Whatever is wrong is
// answered alike.
func (c *Console) signIn(v *visit) {
	if c.door.unguarded() {
		v.redirect(Prefix)
		return
	}
	name, password := v.r.PostFormValue("name"), v.r.PostFormValue("password")
	body := signInBody{Name: clean(name, 64), Next: within(v.r.PostFormValue("next"))}
	address := origin(v.r.RemoteAddr)
	now := c.cfg.Now()
	// Both are counted, whichever says no.
	byAddress, byName := c.door.byAddress.allows(address, now), c.door.byName.allows(name, now)
	if !byAddress || !byName {
		c.refuse(v, name, address, "too_often")
		v.w.Header().Set("Retry-After", "30")
		v.tell("told.sign_in_slower", "bad")
		v.page(http.StatusTooManyRequests, "signin", "title.sign_in", body)
		return
	}
	o, ok, err := c.door.verify(v.r.Context(), name, password)
	if err != nil {
		c.refuse(v, name, address, "crowded")
		v.w.Header().Set("Retry-After", "5")
		v.tell("told.sign_in_crowded", "bad")
		v.page(http.StatusServiceUnavailable, "signin", "title.sign_in", body)
		return
	}
	if !ok {
		c.refuse(v, name, address, "wrong")
		v.tell("told.sign_in_wrong", "bad")
		v.page(http.StatusUnauthorized, "signin", "title.sign_in", body)
		return
	}
	s, err := newSession(o, now, c.cfg.Random)
	if err != nil {
		v.fail(err)
		return
	}
	c.door.setSession(v.w, v.r, s.cookie(o), s.until.Sub(now))
	c.cfg.Log.InfoContext(v.r.Context(), "operator signed in", "operator", o.Name, "address", address)
	v.redirect(body.Next)
}

// refuse writes a sign-in that failed into the log. A name that nobody has is left out: it
// may be a password in the wrong field.
func (c *Console) refuse(v *visit, name, address, why string) {
	if _, known := c.door.operators[name]; !known {
		name = ""
	}
	c.cfg.Log.WarnContext(v.r.Context(), "operator sign-in refused", "operator", name, "address", address, "why", why)
}

func (c *Console) signOut(v *visit) {
	if v.signedIn && !v.session.tokenFits(v.operator, v.r.PostFormValue("token")) {
		v.problem(http.StatusForbidden, "problem.token")
		return
	}
	if v.signedIn {
		c.door.leave(v.session)
		c.pulse.end(v.session.id)
		c.cfg.Log.InfoContext(v.r.Context(), "operator signed out", "operator", v.operator.Name, "address", origin(v.r.RemoteAddr))
	}
	c.door.setSession(v.w, v.r, "", -time.Second)
	v.redirect(Prefix + "sign-in")
}

func (c *Console) chooseLanguage(v *visit) {
	l := language(v.r.PostFormValue("to"))
	if l != english && l != chinese {
		v.problem(http.StatusBadRequest, "problem.bad")
		return
	}
	http.SetCookie(v.w, &http.Cookie{
		Name: languageCookie, Value: string(l), Path: "/", MaxAge: 365 * 24 * 3600,
		HttpOnly: true, Secure: secure(v.r), SameSite: http.SameSiteLaxMode,
	})
	v.redirect(within(v.r.PostFormValue("back")))
}
