package embedded

import (
	"fmt"
	"sync"

	"github.com/alicebob/miniredis/v2"
)

// Redis is a small Redis inside this process. It understands what settled uses, Lua
// included, and keeps everything in memory.
type Redis struct {
	port int

	mu     sync.Mutex
	server *miniredis.Miniredis // nil while it is stopped
}

// StartRedis starts a server and returns when it takes connections.
func StartRedis() (*Redis, error) {
	r := &Redis{}
	err := onFreePort(func(port int) error {
		r.port = port
		return r.start()
	})
	if err != nil {
		return nil, fmt.Errorf("start redis: %w", err)
	}
	return r, nil
}

// URL is where the server listens: redis://127.0.0.1:PORT/0.
func (r *Redis) URL() string { return redisURL(r.port) }

// Stop ends the server. Its keys are gone.
func (r *Redis) Stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stop()
}

// Restart starts the server again on the same port, empty, after Stop too; a running one
// is stopped first.
func (r *Redis) Restart() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stop()
	if err := whenFree(r.start); err != nil {
		return fmt.Errorf("restart redis: %w", err)
	}
	return nil
}

// Flush removes every key, as FLUSHALL does.
func (r *Redis) Flush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.server != nil {
		r.server.FlushAll()
	}
}

func (r *Redis) start() error {
	fresh := miniredis.NewMiniRedis()
	if err := fresh.StartAddr(address(r.port)); err != nil {
		return fmt.Errorf("%w: %w", errPortTaken, err)
	}
	fresh.ClockTTL(true)
	r.server = fresh
	return nil
}

func (r *Redis) stop() {
	if r.server != nil {
		r.server.Close()
		r.server = nil
	}
}

func redisURL(port int) string { return "redis://" + address(port) + "/0" }
