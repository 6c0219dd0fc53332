package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"settled/batch"
)

// ErrFull: the stream takes no more messages until there is room again.
var ErrFull = errors.New("the stream is full")

// Config says where NATS is and what the streams are to be like.
type Config struct {
	URL         string
	Credentials string           // path of a .creds file; empty for none
	Inbox       string           // prefix of the subjects on which replies come; default _INBOX
	Prefix      string           // stands before every subject and stream name
	Replicas    int              // of each stream; default 1
	MaxMessages int64            // of each stream that takes input; default 4,000,000
	Stale       time.Duration    // how old what waits may be before what is newer gets a lane of its own; default 2 s
	Name        string           // of the connection, for the server's operators
	Drain       time.Duration    // how long what is in hand is finished; default 15 s
	Now         func() time.Time // default: this machine's clock
	Metrics     Metrics          // default: nobody counts
	Log         *slog.Logger
}

// Bus is a connection to NATS. Its methods may be called from many goroutines.
type Bus struct {
	cfg     Config
	nc      *nats.Conn
	js      jetstream.JetStream
	replies *replies
	denied  denials
	away    *away

	publishing map[string]*batch.Group[*nats.Msg, error] // by stream, without prefix

	seen        atomic.Uint64 // the connection on which the streams were looked at
	reconnected chan struct{}
}

// Connect returns a bus. The server need not be there yet: it is waited for by whoever
// first needs it, and Ready tells.
func Connect(ctx context.Context, cfg Config) (*Bus, error) {
	if cfg.Replicas == 0 {
		cfg.Replicas = 1
	}
	if cfg.MaxMessages == 0 {
		cfg.MaxMessages = 4_000_000
	}
	if cfg.Now == nil {
		cfg.Now = time.Now //nolint:forbidigo // the default is the clock itself
	}
	if cfg.Stale == 0 {
		cfg.Stale = 2 * time.Second
	}
	if cfg.Metrics == nil {
		cfg.Metrics = silent{}
	}
	if cfg.Drain == 0 {
		cfg.Drain = 15 * time.Second
	}
	if cfg.Inbox == "" {
		cfg.Inbox = nats.InboxPrefix[:len(nats.InboxPrefix)-1]
	}
	b := &Bus{cfg: cfg, away: newAway(), reconnected: make(chan struct{}, 1)}
	options := []nats.Option{
		nats.Name(cfg.Name), nats.CustomInboxPrefix(cfg.Inbox), nats.MaxReconnects(-1), nats.ReconnectWait(250 * time.Millisecond), nats.RetryOnFailedConnect(true),
		nats.PingInterval(5 * time.Second), nats.MaxPingsOutstanding(2),
		nats.ReconnectBufSize(-1),   // what can't be sent now fails now, and is repeated by who knows it
		nats.IgnoreAuthErrorAbort(), // whoever is not let in may be let in later
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { b.away.note(err) }),
		nats.ConnectHandler(func(*nats.Conn) { b.away.over() }),
		nats.DisconnectErrHandler(func(nc *nats.Conn, err error) {
			b.away.note(err)
			if !nc.IsClosed() {
				cfg.Log.WarnContext(ctx, "nats connection lost", "error", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) {
			b.away.over()
			cfg.Log.InfoContext(ctx, "nats connection back")
			select {
			case b.reconnected <- struct{}{}:
			default:
			}
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			b.denied.note(err)
			cfg.Log.DebugContext(ctx, "nats error", "error", err)
		}),
	}
	if cfg.Credentials != "" {
		options = append(options, nats.UserCredentials(cfg.Credentials))
	}
	var err error
	b.share()
	if b.nc, err = nats.Connect(cfg.URL, options...); err != nil {
		return nil, fmt.Errorf("connect to nats: %w", err)
	}
	if b.js, err = jetstream.New(b.nc); err != nil {
		b.nc.Close()
		return nil, fmt.Errorf("connect to jetstream: %w", err)
	}
	if b.replies, err = subscribeReplies(b.nc); err != nil {
		b.nc.Close()
		return nil, fmt.Errorf("subscribe to replies: %w", err)
	}
	return b, nil
}

// Close sends what is buffered and ends the connection.
func (b *Bus) Close(context.Context) error {
	defer b.nc.Close()
	if err := b.nc.FlushTimeout(time.Second); err != nil && b.nc.IsConnected() {
		return fmt.Errorf("flush: %w", err)
	}
	return nil
}

// subject is a subject as it stands on the wire.
func (b *Bus) subject(name string) string { return b.cfg.Prefix + name }

// bare is a subject without the prefix.
func (b *Bus) bare(subject string) string { return strings.TrimPrefix(subject, b.cfg.Prefix) }

// named is a stream's or a consumer's name on the server, where no dot may stand.
func (b *Bus) named(name string) string { return strings.ReplaceAll(b.cfg.Prefix, ".", "_") + name }
