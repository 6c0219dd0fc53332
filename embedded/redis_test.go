package embedded_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"settled/embedded"
)

// redisServer is what both kinds of Redis can do.
type redisServer struct {
	url     string
	flush   func() error
	restart func() error
}

func TestRedisForgetsAndComesBack(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*testing.T) redisServer{
		"in process": inProcessRedis, "real": realRedis,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := start(t)
			client := dial(t, server.url)
			for _, forget := range []func() error{server.flush, server.restart} {
				if err := client.Set(t.Context(), "key", "value", 0).Err(); err != nil {
					t.Fatal(err)
				}
				if err := forget(); err != nil {
					t.Fatal(err)
				}
				if n, err := client.Exists(t.Context(), "key").Result(); err != nil || n != 0 {
					t.Errorf("%d keys are left (%v), want none", n, err)
				}
			}
			expires(t, client)
		})
	}
}

func inProcessRedis(t *testing.T) redisServer {
	server, err := embedded.StartRedis()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	return redisServer{
		url:     server.URL(),
		flush:   func() error { server.Flush(); return nil },
		restart: server.Restart,
	}
}

func realRedis(t *testing.T) redisServer {
	server, err := embedded.StartRedisServer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Stop(context.Background()) })
	return redisServer{
		url:     server.URL(),
		flush:   func() error { return server.Flush(t.Context()) },
		restart: func() error { server.Kill(); return server.Restart(t.Context()) },
	}
}

func dial(t *testing.T, url string) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// expires checks that a key with a short life passes by itself.
func expires(t *testing.T, client *redis.Client) {
	t.Helper()
	if err := client.Set(t.Context(), "short", "life", 20*time.Millisecond).Err(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		n, err := client.Exists(ctx, "short").Result()
		if err != nil {
			t.Fatalf("the key has not expired: %v", err)
		}
		if n == 0 {
			return
		}
	}
}
