package hints_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"

	"settled/embedded"
	"settled/store/hints"
)

const (
	tokenLife = 2 * time.Hour // as WeChat gives it
	merchant  = "classic"
)

func TestMain(m *testing.M) {
	hints.Mute()
	os.Exit(m.Run())
}

// wechat is WeChat's side: it hands out tokens and remembers how many.
type wechat struct {
	mu      sync.Mutex
	fetches int
	fail    error
	life    time.Duration
	hold    chan struct{} // a fetch waits for it; nil: it does not
	began   chan struct{} // gets a word when a fetch begins, if there is room
}

func newWeChat() *wechat { return &wechat{life: tokenLife, began: make(chan struct{}, 1)} }

func (w *wechat) fetch(context.Context) (string, time.Duration, error) {
	w.mu.Lock()
	w.fetches++
	n, hold, life, fail := w.fetches, w.hold, w.life, w.fail
	w.mu.Unlock()
	select {
	case w.began <- struct{}{}:
	default:
	}
	if hold != nil {
		<-hold
	}
	if fail != nil {
		return "", 0, fail
	}
	return tokenNumber(n), life, nil
}

func tokenNumber(n int) string { return fmt.Sprintf("TOKEN-%d", n) }

func (w *wechat) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.fetches
}

func (w *wechat) failWith(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fail = err
}

// holdFetches makes every fetch that begins from now on wait until release is called.
func (w *wechat) holdFetches() (release func()) {
	hold := make(chan struct{})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hold = hold
	return sync.OnceFunc(func() {
		w.mu.Lock()
		w.hold = nil
		w.mu.Unlock()
		close(hold)
	})
}

// process is one of the fleet: it shares nothing with the others but Redis.
type process struct {
	*hints.Tokens
	hints  *hints.Hints
	events chan string
}

// fleet is what all processes of a test have in common.
type fleet struct {
	config hints.Config
	tokens hints.TokenConfig
}

// start starts one more process.
func (f fleet) start(t *testing.T) process {
	t.Helper()
	p := process{events: make(chan string, 10_000)}
	config, tokens := f.config, f.tokens
	config.Observe = func(event string) { p.events <- event }
	config.Random = rand.Reader
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	var err error
	if p.hints, err = hints.New(config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.hints.Close() })
	p.Tokens = p.hints.Tokens(tokens)
	return p
}

// startAll starts n processes.
func (f fleet) startAll(t *testing.T, n int) []process {
	t.Helper()
	processes := make([]process, n)
	for i := range processes {
		processes[i] = f.start(t)
	}
	return processes
}

// count is how often an event was heard of by now.
func (p process) count(event string) int {
	n := 0
	for range len(p.events) {
		heard := <-p.events
		if heard == event {
			n++
		}
		p.events <- heard
	}
	return n
}

// await waits for an event.
func (p process) await(t *testing.T, event string) {
	t.Helper()
	limit := time.After(10 * time.Second)
	for {
		select {
		case heard := <-p.events:
			if heard == event {
				return
			}
		case <-limit:
			t.Fatalf("no %s", event)
		}
	}
}

// has checks which token the process has.
func (p process) has(t *testing.T, want string) {
	t.Helper()
	if got, err := p.Token(t.Context()); err != nil || got != want {
		t.Errorf("the token is %q (%v), want %q", got, err, want)
	}
}

// realRedis starts the real server for a fleet.
func realRedis(t *testing.T, w *wechat) (*embedded.RedisServer, fleet) {
	t.Helper()
	server, err := embedded.StartRedisServer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Stop(context.Background()) })
	return server, fleet{
		config: hints.Config{URL: server.URL()},
		tokens: hints.TokenConfig{Merchant: merchant, Key: "app and secret", Fetch: w.fetch},
	}
}

// bubble runs a test in which time passes only when everybody waits for it, Redis
// included.
func bubble(t *testing.T, test func(t *testing.T, w *wechat, redis *bubbleRedis, f fleet)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		redis := &bubbleRedis{Miniredis: miniredis.NewMiniRedis()}
		redis.ClockTTL(true)
		t.Cleanup(redis.Close)
		w := newWeChat()
		test(t, w, redis, fleet{
			config: hints.Config{URL: "redis://in-the-bubble/0", Dial: redis.dial},
			tokens: hints.TokenConfig{Merchant: merchant, Key: "app and secret", Fetch: w.fetch},
		})
	})
}

// bubbleRedis is a Redis that needs no network.
type bubbleRedis struct {
	*miniredis.Miniredis
	mu   sync.Mutex
	gone bool
	open []net.Conn
}

func (r *bubbleRedis) dial(context.Context, string, string) (net.Conn, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gone {
		return nil, net.ErrClosed
	}
	conn, err := r.Dial()
	r.open = append(r.open, conn)
	return conn, err
}

// vanish cuts every connection and takes no more.
func (r *bubbleRedis) vanish() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gone = true
	for _, conn := range r.open {
		_ = conn.Close()
	}
	r.open = nil
}

// comeBack takes connections again.
func (r *bubbleRedis) comeBack() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gone = false
}

// pass lets time pass, and everything that happens in it.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}
