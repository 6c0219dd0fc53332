// Package ingress is HTTP in: orders from the shop's systems, hints from its apps, and
// WeChat's notifies. It checks who speaks, verifies what can be verified, publishes it,
// and answers when a worker says that it is committed.
//
// It stands on the domain and the messages. It must not decide anything about a payment,
// nor know SQL, JetStream or WeChat's wire.
package ingress

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/time/rate"

	"settled"
	"settled/events"
)

// Ledger is what the ingress needs of PostgreSQL: to read.
type Ledger interface {
	Payment(ctx context.Context, merchant, orderID string) (settled.Payment, error)
	PaymentByID(ctx context.Context, id string) (settled.Payment, error)
	Arrival(ctx context.Context, p settled.Payment) (settled.Event, error)
	Refund(ctx context.Context, merchant, refundID string) (settled.Refund, error)
	RefundNews(ctx context.Context, id string) (settled.Event, error)
}

// Bus is what the ingress needs of NATS.
type Bus interface {
	Publish(ctx context.Context, e events.Envelope) error
	// Expect returns a subject for the replies to one message, and the channel on which
	// they come until cancel is called.
	Expect() (subject string, replies <-chan events.Reply, cancel func())
}

// Metrics is what the ingress counts.
type Metrics interface {
	Answered(route string, status int, took time.Duration)
	Notified(merchant, result string)
}

// Merchant is one shop's account with WeChat, as far as the ingress listens to it.
type Merchant struct {
	Protocol string // legacy, v2 or v3
	Notifies settled.Notifies
}

// Token lets an order system in.
type Token struct {
	Name      string // for logs
	Value     string // the bearer token
	Merchants []string
	Rate      float64 // requests per second; bursts of twice as many
}

// Config is what the ingress stands on. Every field without a default is required.
type Config struct {
	Ledger    Ledger
	Bus       Bus
	Merchants map[string]Merchant
	Tokens    []Token

	// Stored answers as soon as the stream has a message; otherwise once PostgreSQL has
	// committed what it means.
	Stored bool
	// Patience is how long a caller is kept waiting for that; default 4 s.
	Patience time.Duration
	// InHand bounds the requests being answered at once; more are turned away. Default 4096.
	InHand int
	// Connections bounds those that are open at once; the idlest give way to new ones. Default 4096.
	Connections int
	// Drain bounds how long the requests in hand are finished; default 15 s.
	Drain time.Duration

	// Acknowledged hears what WeChat is told success for, once it is committed. It must
	// not wait. Nil if nobody wants to know.
	Acknowledged func(settled.Acknowledged)

	// Journal hears of every notify and what WeChat heard, though of few that nobody has
	// verified. It must not wait. Nil if nobody wants to know.
	Journal func(settled.Entry)

	// Begin, if set, is called as each request begins, with the traceparent of a caller
	// that has to show a token; the function that it returns is told the answer's status.
	Begin func(ctx context.Context, method, route, traceparent string) (context.Context, func(status int))

	Now     func() time.Time
	Metrics Metrics
	Log     *slog.Logger
}

// Ingress answers HTTP.
type Ingress struct {
	cfg       Config
	protocols map[string]string // by merchant
	gate      *gate
	hints     *hintLimit
	suspicion *suspicion
	inHand    chan struct{}
	crowd     *crowd
	unknowns  *rate.Limiter
	mux       *http.ServeMux
}

// New returns an Ingress; Serve lets it listen.
func New(cfg Config) *Ingress {
	if cfg.Patience == 0 {
		cfg.Patience = 4 * time.Second
	}
	if cfg.InHand == 0 {
		cfg.InHand = 4096
	}
	if cfg.Connections == 0 {
		cfg.Connections = 4096
	}
	if cfg.Drain == 0 {
		cfg.Drain = 15 * time.Second
	}
	in := &Ingress{
		cfg: cfg, protocols: map[string]string{}, gate: newGate(cfg.Tokens, cfg.Now),
		hints: newHintLimit(cfg.Now), suspicion: newSuspicion(cfg.Merchants, cfg.Now),
		inHand: make(chan struct{}, cfg.InHand), crowd: newCrowd(cfg.InHand),
		unknowns: rate.NewLimiter(unverifiedLines, 4*unverifiedLines),
	}
	for name, merchant := range cfg.Merchants {
		in.protocols[name] = merchant.Protocol
	}
	in.mux = in.routes()
	return in
}

// Serve answers on the listener until ctx ends, then finishes the requests in hand.
func (in *Ingress) Serve(ctx context.Context, listener net.Listener) error {
	lobby := newLobby(in.cfg.Connections)
	server := &http.Server{
		Handler:           lobby.whole(in),
		ConnState:         lobby.watch,
		ConnContext:       lobby.context,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      20 * time.Second, // more than the longest wait
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(in.cfg.Log.Handler(), slog.LevelDebug),

		DisableGeneralOptionsHandler: true, // it would read bodies past the lobby
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(entrance{Listener: listener, lobby: lobby}) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), in.cfg.Drain)
	defer cancel()
	return server.Shutdown(drain)
}
