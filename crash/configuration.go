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

// token lets the shop in.
const token = "a-token-of-the-shop"

const template = `
nats: {url: "%s", prefix: "%s"}
postgres: {url: "%s"}
redis: {url: "%s"}
ingress:
  listen: %s
  public_url: http://%s
  tokens: [{name: shop, token: %s, merchants: [classic, shop2, shop3]}]
admin: {listen: "127.0.0.1:0"}
payments: {query_schedule: %s}
%s
merchants:%s`

// configuration is the file of one process, which finds the servers over its own paths.
func (w *World) configuration(process string) (string, error) {
	urls := map[Server]string{
		NATS: w.servers.NATS.URL(), Postgres: w.postgres, Redis: w.servers.Redis.URL(), WeChat: w.wechatURL,
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
	return fmt.Sprintf(template, urls[NATS], w.prefix(), urls[Postgres], urls[Redis], w.ingress, w.door, token,
		w.cfg.Schedule, w.cfg.Settings, sections(w.accounts, w.folder, urls[WeChat])), nil
}

// prefix is before every subject of the world.
func (w *World) prefix() string { return w.cfg.Name + "." }

var given sync.Map // addresses that a world was given

// freeAddress is one that nobody listens at, of a port below those that the kernel gives to
// connections: one of them would take it between two starts of the ingress.
func freeAddress(ctx context.Context) (string, error) {
	for range 1000 {
		at := fmt.Sprintf("127.0.0.1:%d", 10_000+rand.N(20_000)) //nolint:gosec // a port needs no secrecy
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
