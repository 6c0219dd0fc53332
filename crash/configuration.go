package crash

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
)

// The tokens that every world's ingress knows.
const (
	// Token is the shop's own.
	Token = "a-token-of-the-shop"
	// Eager may come as often as it likes.
	Eager = "a-token-of-an-eager-order-system"
	// Hasty comes sooner than it may.
	Hasty = "a-token-of-a-hasty-order-system"
)

const template = `
nats: {url: "%s", prefix: "%s", replicas: %d}
postgres: {url: "%s"}
redis: {url: "%s"}
ingress:
  listen: %s
  public_url: http://%s
  tokens:
  - {name: shop, token: %s, merchants: [classic, shop2, shop3]}
  - {name: eager, token: %s, merchants: [classic, shop2, shop3], rate: 1000000}
  - {name: hasty, token: %s, merchants: [classic, shop2, shop3], rate: 5}
admin: {listen: "127.0.0.1:0"}
payments: {query_schedule: %s, in_flight: %d}
%s
merchants:%s`

// configuration is the file of one process, which finds the servers over its own paths.
func (w *World) configuration(process string) (string, error) {
	bus, replicas := w.servers.nats()
	urls := map[Server]string{
		NATS: bus, Postgres: w.postgres, Redis: w.servers.Redis.URL(), WeChat: w.wechatURL,
	}
	if w.cfg.Proxied {
		for to, direct := range urls {
			begin, err := w.open(process, to, address(direct))
			if err != nil {
				return "", err
			}
			urls[to] = strings.Replace(direct, address(direct), begin, 1)
		}
	}
	return fmt.Sprintf(template, urls[NATS], w.Prefix(), replicas, urls[Postgres], urls[Redis], w.ingress, w.door, Token, Eager, Hasty,
		w.cfg.Schedule, w.cfg.InFlight, w.cfg.Settings, sections(w.accounts, w.folder, urls[WeChat], w.cfg.Rate)), nil
}

// Prefix is before every subject of the world.
func (w *World) Prefix() string { return w.cfg.Name + "." }

var given sync.Map // addresses that a world was given

// freeAddress is one that nobody listens at, of a port below those that embedded servers take and
// the kernel gives to connections: one of them would take it between two starts of the ingress.
func freeAddress(ctx context.Context) (string, error) {
	for range 1000 {
		at := fmt.Sprintf("127.0.0.1:%d", 12_000+rand.N(3_000)) //nolint:gosec // a port needs no secrecy
		if _, taken := given.LoadOrStore(at, true); taken {
			continue
		}
		if listener, err := listen(ctx, at); err == nil {
			return at, listener.Close()
		}
	}
	return "", errors.New("there is no free port")
}

func listen(ctx context.Context, at string) (net.Listener, error) {
	var config net.ListenConfig
	return config.Listen(ctx, "tcp", at)
}
