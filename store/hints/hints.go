package hints

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// The events that Observe hears.
const (
	Fetched        = "fetched"         // a token was fetched
	FetchFailed    = "fetch_failed"    // a fetch gave no token; it counts all the same
	QuotaExhausted = "quota_exhausted" // the first fetch of a day that was not made for the quota
	RedisLost      = "redis_lost"      // Redis does not answer any more
	RedisBack      = "redis_back"      // it answers again
)

// Config says where Redis is.
type Config struct {
	URL    string // redis://… or rediss://…
	Prefix string // put before every key, so that environments can share a Redis
	Log    *slog.Logger
	Now    func() time.Time // required
	Random io.Reader        // required; spreads what processes do over time
	// Observe hears of each event once, for metrics; default: nobody does.
	Observe func(event string)
	// Dial makes the connections; default: TCP, or TLS for a rediss URL.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Hints is Redis. Its methods may be called from many goroutines.
type Hints struct {
	cfg     Config
	client  *redis.Client
	scripts scripts
	chance  chance
	reach   reach

	sightings struct {
		mu       sync.Mutex
		seen     map[sight]Sighting // what Redis does not know yet
		underway bool
	}

	// flights are bounded by life and counted, so that Close can wait for them.
	life    context.Context
	end     context.CancelFunc
	closing sync.Mutex
	flights sync.WaitGroup
}

// New returns hints kept in the Redis at cfg.URL. It makes no connection yet: Redis may
// be there or not.
func New(cfg Config) (*Hints, error) {
	if cfg.Now == nil || cfg.Random == nil {
		return nil, errors.New("hints need a clock and a source of randomness")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Observe == nil {
		cfg.Observe = func(string) {}
	}
	options, err := clientOptions(cfg)
	if err != nil {
		return nil, err
	}
	h := &Hints{cfg: cfg, client: redis.NewClient(options), scripts: newScripts(), chance: chance{random: cfg.Random}}
	h.life, h.end = context.WithCancel(context.Background())
	return h, nil
}

// clientOptions makes the client impatient: everything here has to be quick or not at
// all.
func clientOptions(cfg Config) (*redis.Options, error) {
	const patience = 300 * time.Millisecond
	options, err := redis.ParseURL(cfg.URL)
	if err != nil {
		return nil, errors.New("read the redis url: not a redis:// url") // err may hold its password
	}
	if cfg.Dial != nil {
		options.Dialer = cfg.Dial
	}
	options.ContextTimeoutEnabled = true
	options.MaxRetries, options.DialerRetries = 1, 1
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = patience, patience, patience
	options.PoolTimeout = patience
	options.DisableIdentity = true
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return options, nil
}

// Ready reports whether Redis answers.
func (h *Hints) Ready(ctx context.Context) error {
	err := h.heard(ctx, h.client.Ping(ctx).Err())
	if err != nil {
		return fmt.Errorf("ping redis: %w", err)
	}
	return nil
}

// Close gives every connection back. It waits for a fetch that is under way: its token
// would be lost to everybody.
func (h *Hints) Close() error {
	h.closing.Lock()
	h.end()
	h.closing.Unlock()
	h.flights.Wait()
	return h.client.Close()
}

// depart runs flight in the background, unless the hints are closed.
func (h *Hints) depart(flight func(context.Context)) error {
	h.closing.Lock()
	defer h.closing.Unlock()
	if h.life.Err() != nil {
		return errClosed
	}
	h.flights.Go(func() { flight(h.life) })
	return nil
}
