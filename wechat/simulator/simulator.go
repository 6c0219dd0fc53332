package simulator

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"sync/atomic"
	"time"
)

// Config says whom the simulator knows and how it behaves when it behaves well. How it
// misbehaves is a matter of Switches.
type Config struct {
	// Merchants are those that WeChat knows; at least one.
	Merchants []Merchant
	// Now is the clock of tokens, orders and payments. Required.
	Now func() time.Time
	// Random is where everything that is drawn comes from: ids, nonces, chances. It is
	// read once, for a seed, so the same bytes give the same run. Default crypto/rand.
	Random io.Reader
	// Log hears of refusals and of notifies given up; default nobody.
	Log *slog.Logger

	// TokenLife is how long an access token lives; default 7200 s.
	TokenLife time.Duration
	// TokenOverlap is how long an access token goes on working after the next one was
	// fetched; default not at all.
	TokenOverlap time.Duration

	// NotifySchedule holds the pauses between the sendings of one notify; nil for the
	// schedule that each protocol's document gives, empty for no repeats.
	NotifySchedule []time.Duration
	// NotifyTimeout bounds the wait for an answer to a notify; default 5 s.
	NotifyTimeout time.Duration
	// NotifySenders bounds the notifies under way at the same time; default 256.
	NotifySenders int
	// RefundAfter is how long after its request a refund ends; default 1 s.
	RefundAfter time.Duration
	// BillAfter is how long after the end of a day, by Beijing's clock, its bill can be had;
	// default 9 h. With -24 h there is one of the day that goes on, as far as it has come.
	BillAfter time.Duration
	// UnsignedErrors is the share of APIv3's errors that go out without a signature, up to 1;
	// default 0.5, negative for none. What was done is always answered with one.
	UnsignedErrors float64

	// HTTP sends the notifies; default a client that keeps its connections.
	HTTP *http.Client
	// OnNotify, if set, is told of every notify after it was answered or failed. It may
	// be called from many goroutines, and the next notify waits for it.
	OnNotify func(NotifyAttempt)

	// Compress divides every pause and delay: with 60 a minute passes in a second.
	// Default 1. It leaves what Now measures alone.
	Compress float64
}

// Simulator is WeChat's side of WeChat Pay. It remembers every order for as long as it
// lives, and nothing of single calls. Its methods may be called from many goroutines.
type Simulator struct {
	cfg      Config
	mux      *http.ServeMux
	accounts []*account
	book     *book
	switches *switchboard
	notifier *notifier
	agenda   *agenda
	dice     *dice
	serials  atomic.Uint64
	tally    tally
	legacy   *legacy
	v3       *v3
}

// New returns a simulator of which nobody has asked anything yet. Close it.
func New(cfg Config) (*Simulator, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("configure simulator: %w", err)
	}
	dice, err := newDice(cfg.Random)
	if err != nil {
		return nil, fmt.Errorf("seed simulator: %w", err)
	}
	s := &Simulator{
		cfg:      cfg,
		mux:      http.NewServeMux(),
		book:     newBook(),
		switches: newSwitchboard(),
		agenda:   newAgenda(),
		dice:     dice,
	}
	s.serials.Store(dice.number())
	s.notifier = newNotifier(s)
	s.legacy, s.v3 = newLegacy(s), newV3(s)
	if err := s.openAccounts(); err != nil {
		return nil, fmt.Errorf("open accounts: %w", err)
	}
	s.registerControls(s.mux)
	return s, nil
}

// ServeHTTP answers as WeChat's servers do, and on /simulator/ as nobody at WeChat would.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Close stops the notifies, those under way included, and the refunds, and waits for them.
// Everything else goes on being answered.
func (s *Simulator) Close() {
	s.agenda.close()
	s.notifier.close()
}

func (c Config) withDefaults() Config {
	if c.Random == nil {
		c.Random = rand.Reader
	}
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	c.TokenLife = cmp.Or(c.TokenLife, 7200*time.Second)
	c.NotifyTimeout = cmp.Or(c.NotifyTimeout, 5*time.Second)
	c.NotifySenders = cmp.Or(c.NotifySenders, 256)
	c.RefundAfter = cmp.Or(c.RefundAfter, time.Second)
	c.BillAfter = cmp.Or(c.BillAfter, 9*time.Hour)
	c.UnsignedErrors = cmp.Or(c.UnsignedErrors, 0.5)
	c.Compress = cmp.Or(c.Compress, 1)
	c.Merchants = slices.Clone(c.Merchants)
	for i := range c.Merchants {
		c.Merchants[i] = c.Merchants[i].withDefaults()
	}
	return c
}

func (c Config) validate() error {
	switch {
	case c.Now == nil:
		return errors.New("there is no clock")
	case len(c.Merchants) == 0:
		return errors.New("there is no merchant")
	case c.TokenLife < 0, c.TokenOverlap < 0, c.NotifyTimeout < 0, c.NotifySenders < 0, c.RefundAfter < 0:
		return errors.New("a duration or a bound is negative")
	case !(c.UnsignedErrors <= 1):
		return errors.New("the share of unsigned errors must be at most 1")
	case !(c.Compress > 0):
		return errors.New("compress must be more than 0")
	}
	return validateMerchants(c.Merchants)
}

// compressed is how long a delay takes here.
func (s *Simulator) compressed(delay time.Duration) time.Duration {
	return time.Duration(float64(delay) / s.cfg.Compress)
}

// serial numbers the payments: ten digits at most, none twice. It begins anywhere, so
// that two simulators on one day number theirs differently.
func (s *Simulator) serial() uint64 { return s.serials.Add(1) % 10_000_000_000 }
