package console

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"
)

// Config is what the console stands on.
type Config struct {
	Ledger  Ledger
	Letters Letters
	Health  Health

	// Operators may sign in. With none the console answers on loopback alone, shows everything
	// and does nothing.
	Operators []Operator
	// Hosts are the names under which browsers reach the console, besides those of loopback:
	// that of a proxy on the same machine, or of the machine itself. With none given, any name
	// is good where the port is not on loopback.
	Hosts []string
	// Merchants are offered where a list can be narrowed.
	Merchants []string

	Version string
	Now     func() time.Time
	Random  io.Reader
	Log     *slog.Logger

	// Pace is how often the ledger is read for those who watch, at most; a second if it is zero.
	Pace time.Duration
}

// Console is the operator's web page. It answers whatever begins with Prefix, and leads
// there from "/".
type Console struct {
	cfg     Config
	door    *door
	pages   map[language]*pages
	pulse   *pulse
	handler http.Handler
}

// Prefix is where all of the console's addresses begin.
const Prefix = "/console/"

// New makes a console. Whoever serves it calls Stop when the server begins to shut down.
func New(cfg Config) (*Console, error) {
	if cfg.Ledger == nil || cfg.Letters == nil || cfg.Health == nil || cfg.Now == nil || cfg.Random == nil || cfg.Log == nil {
		return nil, errors.New("console: a ledger, letters, health, a clock, randomness and a log are needed")
	}
	if cfg.Pace == 0 {
		cfg.Pace = time.Second
	}
	d, err := newDoor(cfg)
	if err != nil {
		return nil, err
	}
	c := &Console{cfg: cfg, door: d, pulse: newPulse(cfg)}
	if c.pages, err = readPages(cfg); err != nil {
		return nil, err
	}
	c.handler = c.door.guard(c.routes())
	return c, nil
}

// ServeHTTP answers a browser.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.handler.ServeHTTP(w, r) }

// Stop ends the streams of those who watch, so that a server can shut down. Pages are
// answered as before.
func (c *Console) Stop() { c.pulse.stop() }

// routes is every address that there is, with who may use it.
func (c *Console) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", http.RedirectHandler(Prefix, http.StatusSeeOther))
	mux.Handle("GET /console", http.RedirectHandler(Prefix, http.StatusSeeOther))
	mux.HandleFunc("GET /console/assets/{version}/{name}", asset)

	anybody := func(pattern string, do func(*visit)) { mux.HandleFunc(pattern, c.visited(do)) }
	anybody("GET /console/sign-in", c.showSignIn)
	anybody("POST /console/sign-in", c.signIn)
	anybody("POST /console/sign-out", c.signOut)
	anybody("POST /console/language", c.chooseLanguage)
	anybody("/", c.nothingHere)

	seeing := func(pattern string, do func(*visit)) { anybody(pattern, c.seeing(do)) }
	seeing("GET /console/{$}", c.overview)
	seeing("GET /console/live", c.live)
	seeing("GET /console/search", c.search)
	seeing("GET /console/payments", c.payments)
	seeing("GET /console/payments/{id}", c.payment)
	seeing("GET /console/refunds", c.refunds)
	seeing("GET /console/flags", c.flags)
	seeing("GET /console/letters", c.letters)
	seeing("GET /console/letters/{sequence}", c.letter)

	acting := func(pattern string, do func(*visit)) { anybody(pattern, c.acting(do)) }
	acting("POST /console/payments/{id}/query", c.askNow)
	acting("POST /console/payments/{id}/close", c.closeOrder)
	acting("POST /console/flags/{id}/settle", c.settleFlag)
	acting("POST /console/letters/{sequence}/replay", c.replay)
	return mux
}
