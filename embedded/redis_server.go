package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"github.com/redis/go-redis/v9"
)

// RedisServer is the real redis-server as a child of this process. It keeps everything in
// memory.
type RedisServer struct {
	program string

	child
	port int
}

// StartRedisServer starts a server and returns when it answers. ctx bounds the start only.
func StartRedisServer(ctx context.Context) (*RedisServer, error) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, errors.New("redis-server is not installed (Debian and Ubuntu: apt-get install redis-server)")
	}
	r := &RedisServer{program: program}
	err = onFreePort(func(port int) error {
		r.port = port
		return r.start(ctx)
	})
	if err != nil {
		return nil, fmt.Errorf("start redis-server: %w", err)
	}
	return r, nil
}

// URL is where the server listens: redis://127.0.0.1:PORT/0.
func (r *RedisServer) URL() string { return redisURL(r.port) }

// Stop ends the server. Its keys are gone. It is bounded; a server that does not end is
// killed.
func (r *RedisServer) Stop(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stop(ctx)
}

// Restart starts the server again on the same port, empty, after Kill or Stop too; a
// running one is stopped first.
func (r *RedisServer) Restart(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stop(ctx)
	if err := r.start(ctx); err != nil {
		return fmt.Errorf("restart redis-server: %w", err)
	}
	return nil
}

// Flush removes every key.
func (r *RedisServer) Flush(ctx context.Context) error {
	return r.with(func(client *redis.Client) error { return client.FlushAll(ctx).Err() })
}

func (r *RedisServer) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	var words bytes.Buffer
	command := exec.CommandContext(context.WithoutCancel(ctx), r.program,
		"--bind", "127.0.0.1", "--port", strconv.Itoa(r.port),
		"--save", "", "--appendonly", "no", "--loglevel", "warning")
	command.Dir = os.TempDir()
	command.Stdout, command.Stderr = &words, &words
	var err error
	if r.process, err = launch(command); err != nil {
		return err
	}
	err = r.process.await(ctx, r.ping)
	if err == nil {
		return nil
	}
	r.process.kill()
	if strings.Contains(words.String(), "Address already in use") {
		return errPortTaken
	}
	return fmt.Errorf("%w\n%s", err, words.String())
}

func (r *RedisServer) ping(ctx context.Context) error {
	return r.with(func(client *redis.Client) error { return client.Ping(ctx).Err() })
}

func (r *RedisServer) stop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	r.process.stop(ctx, syscall.SIGTERM)
}

func (r *RedisServer) with(do func(*redis.Client) error) error {
	client := redis.NewClient(&redis.Options{
		Addr: address(r.port), ContextTimeoutEnabled: true, MaxRetries: -1,
	})
	defer client.Close() //nolint:errcheck // nothing was written that Close could lose
	return do(client)
}
