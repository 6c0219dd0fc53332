package console

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
	"unicode"

	"settled"
)

// visit is one request of a browser, with whoever makes it.
type visit struct {
	c *Console
	w http.ResponseWriter
	r *http.Request

	language language
	signedIn bool
	session  session
	operator Operator

	told     word
	toldTone string
}

// visited makes a handler of what is done for a visit.
func (c *Console) visited(do func(*visit)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := &visit{c: c, w: w, r: r, language: languageOf(r)}
		v.session, v.operator, v.signedIn = c.door.whoIs(r)
		do(v)
	}
}

// seeing lets those through who may see.
func (c *Console) seeing(do func(*visit)) func(*visit) {
	return func(v *visit) {
		if !v.signedIn && !c.door.unguarded() {
			v.redirect(Prefix + "sign-in?next=" + url.QueryEscape(v.r.URL.RequestURI()))
			return
		}
		do(v)
	}
}

// acting lets those through who may act, and only from a page of ours.
func (c *Console) acting(do func(*visit)) func(*visit) {
	return c.seeing(func(v *visit) {
		switch {
		case c.door.unguarded():
			v.problem(http.StatusForbidden, "problem.unguarded")
		case v.operator.Role != Acting:
			v.problem(http.StatusForbidden, "problem.role")
		case !v.session.tokenFits(v.operator, v.r.PostFormValue("token")):
			v.problem(http.StatusForbidden, "problem.token")
		default:
			do(v)
		}
	})
}

func (v *visit) mayAct() bool { return v.signedIn && v.operator.Role == Acting }

func (v *visit) redirect(to string) { http.Redirect(v.w, v.r, to, http.StatusSeeOther) }

// within is an address of the console, whatever somebody asked to be led to.
func within(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.IsAbs() || u.Host != "" || u.Opaque != "" || u.User != nil ||
		!strings.HasPrefix(u.Path, Prefix) || path.Clean(u.Path)+"/" != strings.TrimSuffix(u.Path, "/")+"/" || strings.Contains(u.Path, `\`) {
		return Prefix
	}
	return (&url.URL{Path: u.Path, RawQuery: u.RawQuery}).String()
}

// clean is a text that somebody has typed, in one line and of at most so many characters.
func clean(text string, most int) string {
	runes := []rune(strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(text, " "))))
	return string(runes[:min(len(runes), most)])
}

// view is what every page is made from.
type view struct {
	Language  language
	Title     string
	Page      string
	Path      string // to come back to
	Version   string
	SignedIn  bool
	Unguarded bool
	MayAct    bool
	Operator  Operator
	Token     string
	Told      word
	ToldTone  string
	Body      any
}

func (v *visit) view(name string, title word, body any) view {
	w := view{
		Language: v.language, Title: say(title).in(v.language), Page: name, Path: Prefix, Version: v.c.cfg.Version,
		SignedIn: v.signedIn, Unguarded: v.c.door.unguarded(), MayAct: v.mayAct(), Operator: v.operator,
		Told: v.told, ToldTone: v.toldTone, Body: body,
	}
	if v.r.Method == http.MethodGet {
		w.Path = v.r.URL.RequestURI()
	}
	if v.signedIn {
		w.Token = v.session.token(v.operator)
	}
	return w
}

// page writes a whole page, or nothing of it.
func (v *visit) page(status int, name string, title word, body any) {
	if v.told == "" {
		v.hear()
	}
	var b bytes.Buffer
	if err := v.c.pages[v.language].write(&b, name, v.view(name, title, body)); err != nil {
		v.c.cfg.Log.ErrorContext(v.r.Context(), "console page failed", "page", name, "error", err)
		http.Error(v.w, "This page could not be written.", http.StatusInternalServerError)
		return
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.Header().Set("Content-Language", v.language.tag())
	v.w.Header().Add("Vary", "Cookie, Accept-Language")
	v.w.WriteHeader(status)
	_, _ = v.w.Write(b.Bytes()) // the browser has gone if this fails
}

// problem writes a page that says why there is no other.
func (v *visit) problem(status int, why word) { v.page(status, "problem", "title.problem", why) }

// fail says what stands behind an error, as far as an operator can do something about it.
func (v *visit) fail(err error) {
	switch {
	case errors.Is(err, settled.ErrNotFound):
		v.problem(http.StatusNotFound, "problem.not_found")
	case away(err):
		v.problem(http.StatusServiceUnavailable, "problem.postgres")
	default:
		v.c.cfg.Log.ErrorContext(v.r.Context(), "console request failed", "error", err)
		v.problem(http.StatusInternalServerError, "problem.error")
	}
}

// away reports whether what was asked does not answer.
func away(err error) bool {
	return errors.Is(err, settled.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

func (c *Console) nothingHere(v *visit) { v.problem(http.StatusNotFound, "problem.no_page") }

// readWithin bounds every read: a page is never late because something does not answer.
const readWithin = 3 * time.Second

// read asks for something and waits no longer than that, even for who does not mind ctx.
func read[T any](ctx context.Context, ask func(context.Context) (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	answered := make(chan answer, 1)
	go func() {
		defer cancel()
		value, err := ask(ctx)
		answered <- answer{value, err}
	}()
	select {
	case a := <-answered:
		return a.value, a.err
	case <-ctx.Done():
	}
	select {
	case a := <-answered: // it was both at once
		return a.value, a.err
	default:
		var none T
		return none, ctx.Err()
	}
}

const toldCookie = "settled_told"

// tell says a sentence on the page that is written now.
func (v *visit) tell(key word, tone string) { v.told, v.toldTone = key, tone }

// tellNext says a sentence on the page that the browser is led to. The cookie has nothing
// but the name of one.
func (v *visit) tellNext(key word) {
	http.SetCookie(v.w, &http.Cookie{
		Name: toldCookie, Value: string(key), Path: Prefix, MaxAge: 30, HttpOnly: true, Secure: secure(v.r), SameSite: http.SameSiteStrictMode,
	})
}

// hear takes the sentence that the page before has left.
func (v *visit) hear() {
	c, err := v.r.Cookie(toldCookie)
	if err != nil {
		return
	}
	http.SetCookie(v.w, &http.Cookie{Name: toldCookie, Path: Prefix, MaxAge: -1, HttpOnly: true, Secure: secure(v.r), SameSite: http.SameSiteStrictMode})
	if tone, ok := told[word(c.Value)]; ok {
		v.told, v.toldTone = word(c.Value), tone
	}
}

// told are the sentences that an act can leave, with their tone.
var told = map[word]string{
	"told.query":           "good",
	"told.close":           "good",
	"told.settle":          "good",
	"told.replay":          "good",
	"told.nothing":         "plain",
	"told.comment_missing": "bad",
	"told.letter_gone":     "plain",
	"told.letter_changed":  "bad",
	"told.postgres":        "bad",
	"told.nats":            "bad",
	"told.failed":          "bad",
}
