package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"settled/cmd/settled/config"
	"settled/console"
	"settled/embedded"
	"settled/wechat/simulator"
)

// demoServers is everything that the demo's processes and its shop stand on.
type demoServers struct {
	postgres *embedded.Postgres
	nats     *embedded.NATS
	redis    *embedded.Redis
	wechat   *simulator.Simulator
	hosts    [2]string // WeChat's main host and its backup, as URLs
	notifies notifyCount

	folder    string
	merchants string // their sections of the configuration
	file      string // the configuration
	config    *config.Config
	password  string // of demoOperator
	at        addresses
	workers   []*demoWorker
}

// demoToken lets the demo's shop in.
const demoToken = "demo-token"

// start brings up the servers, one process with the ingress, two with workers, and the
// shop, each with its end on the stack.
func (d *demo) start(ctx context.Context) error {
	for _, part := range []func(context.Context) error{
		d.startServers, d.startWeChat, d.configure, d.startIngress, d.startWorkers, d.startShop,
	} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) startServers(ctx context.Context) error {
	var err error
	if d.servers.postgres, err = embedded.StartPostgres(ctx, embedded.PostgresConfig{Durable: true, Log: d.log}); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	d.stack.push("PostgreSQL", d.servers.postgres.Stop)
	if d.servers.nats, err = embedded.StartNATS(embedded.NATSConfig{SyncAlways: true, MaxStore: 64 << 30, Log: d.log}); err != nil {
		return fmt.Errorf("start NATS: %w", err)
	}
	d.stack.push("NATS", func(context.Context) error { return d.servers.nats.Stop() })
	if d.servers.redis, err = embedded.StartRedis(); err != nil {
		return fmt.Errorf("start Redis: %w", err)
	}
	d.stack.push("Redis", func(context.Context) error { d.servers.redis.Stop(); return nil })
	return nil
}

// startWeChat lets the simulator listen like any server, over real HTTP, on two hosts. Its
// pauses between notifies are compressed.
func (d *demo) startWeChat(ctx context.Context) error {
	var err error
	if d.servers.folder, err = os.MkdirTemp("", "settled-demo-"); err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	d.stack.push("folder", func(context.Context) error { return os.RemoveAll(d.servers.folder) })
	var listeners [2]net.Listener
	for i := range listeners {
		if listeners[i], err = listen(ctx, "127.0.0.1:0"); err != nil {
			return err
		}
		d.servers.hosts[i] = "http://" + listeners[i].Addr().String()
	}
	merchants, err := newDemoMerchants(d.lanes, d.servers.folder, d.servers.hosts[0], d.servers.hosts[1])
	if err != nil {
		return err
	}
	d.servers.merchants = merchants.config
	d.servers.wechat, err = simulator.New(simulator.Config{
		Merchants: merchants.wechat, Now: time.Now, Random: rand.Reader, Compress: 16,
		OnNotify: d.servers.notifies.count, Log: d.log,
	})
	if err != nil {
		return fmt.Errorf("start the simulator: %w", err)
	}
	d.stack.push("WeChat", func(context.Context) error { d.servers.wechat.Close(); return nil })
	for i, handler := range []http.Handler{d.servers.wechat.Host(simulator.MainHost), d.servers.wechat.Host(simulator.BackupHost)} {
		server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
		go func() { _ = server.Serve(listeners[i]) }() // it ends when it is closed
		d.stack.push("WeChat's host", func(context.Context) error { return server.Close() })
	}
	return nil
}

// configure writes the demo's configuration the way anyone would, and reads it.
func (d *demo) configure(ctx context.Context) error {
	listener, err := listen(ctx, "127.0.0.1:0") // WeChat has to know the port before the ingress listens
	if err != nil {
		return err
	}
	d.servers.at.ingress = listener.Addr().String()
	if err := listener.Close(); err != nil {
		return fmt.Errorf("find a free port: %w", err)
	}
	var names []string
	for _, of := range d.lanes {
		names = append(names, of[0].merchant())
	}
	d.servers.file = filepath.Join(d.servers.folder, "settled.yaml")
	operators, err := d.operators()
	if err != nil {
		return err
	}
	text := fmt.Sprintf(demoConfig, d.servers.nats.URL(), d.servers.postgres.URL(), d.servers.redis.URL(),
		d.servers.at.ingress, d.servers.at.ingress, demoToken, strings.Join(names, ", "), operators, d.servers.merchants)
	if err := os.WriteFile(d.servers.file, []byte(text), 0o600); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	d.servers.config, err = config.Load(d.servers.file, os.LookupEnv)
	return err
}

const demoConfig = `
nats: {url: "%s"}
postgres: {url: "%s"}
redis: {url: "%s"}
ingress:
  listen: %s
  public_url: http://%s
  tokens: [{name: demo-shop, token: %s, merchants: [%s]}]
admin: {listen: "127.0.0.1:0", operators: [%s]}
payments: {query_schedule: [2s, 5s, 10s, 20s, 30s, 1m]}
merchants:
%s`

// demoOperator may act on the page of the demo.
const demoOperator = "demo"

// operators are who may sign in, as the configuration has them: one, with a password that is
// made up here, and nobody in a demo that is not kept.
func (d *demo) operators() (string, error) {
	if !d.keep {
		return "", nil
	}
	d.servers.password = strings.ToLower(rand.Text()[:16])
	hash, err := console.Hash(d.servers.password, rand.Reader)
	if err != nil {
		return "", fmt.Errorf("hash the operator's password: %w", err)
	}
	return fmt.Sprintf(`{name: %s, role: operator, password: "%s"}`, demoOperator, hash), nil
}

// startIngress runs the ingress as a process of its own would.
func (d *demo) startIngress(ctx context.Context) error {
	w := &demoWorker{demo: d, parts: parts{ingress: true, admin: true}}
	if err := w.start(ctx); err != nil {
		return err
	}
	d.servers.at = w.at
	d.stack.push("ingress", w.stop)
	return nil
}

func (d *demo) startWorkers(ctx context.Context) error {
	for range 2 {
		w := &demoWorker{demo: d, parts: parts{workers: true}}
		if err := w.start(ctx); err != nil {
			return err
		}
		d.servers.workers = append(d.servers.workers, w)
		d.stack.push("worker", w.stop)
	}
	return nil
}

func (d *demo) startShop(ctx context.Context) error {
	nc, err := nats.Connect(d.servers.nats.URL(), nats.Name("shop"), nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond))
	if err != nil {
		return fmt.Errorf("connect the shop to NATS: %w", err)
	}
	d.stack.push("shop", func(context.Context) error { nc.Close(); return nil })
	stream, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("connect the shop to JetStream: %w", err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: customers}
	d.shop = &demoShop{
		stream: stream, http: &http.Client{Timeout: 10 * time.Second, Transport: transport},
		ingress: "http://" + d.servers.at.ingress, token: demoToken, pay: d.servers.hosts[0] + "/simulator/pay",
		leaves: func(number int) bool { return d.faults && number%19 == 7 }, ttl: 20 * time.Second,
		lane:   func(number int) lane { return laneOf(d.lanes, number) },
		orders: map[string]*demoOrder{},
	}
	stop, err := d.shop.listen(ctx)
	if err != nil {
		return err
	}
	d.stack.push("subscription", func(context.Context) error { stop(); return nil })
	return nil
}

// demoWorker is a process of settled inside the demo, which can be ended and started
// again.
type demoWorker struct {
	demo  *demo
	parts parts
	at    addresses

	cancel context.CancelFunc
	ended  chan struct{} // closed when it has ended
	err    error         // with which it has
}

// start returns once the process works.
func (w *demoWorker) start(ctx context.Context) error {
	p, err := open(ctx, w.demo.servers.config, w.demo.log)
	if err != nil {
		return err
	}
	lifetime, cancel := context.WithCancel(context.WithoutCancel(ctx))
	w.cancel, w.ended = cancel, make(chan struct{})
	started := make(chan addresses, 1)
	go func() {
		defer close(w.ended)
		w.err = errors.Join(p.run(lifetime, w.parts, func(at addresses) { started <- at }), p.close(lifetime))
	}()
	select {
	case w.at = <-started:
		return nil
	case <-w.ended:
		return errors.Join(errors.New("a part of settled ended at its start"), w.err)
	case <-ctx.Done():
		return errors.Join(ctx.Err(), w.stop(ctx))
	}
}

// stop ends the process and waits for it; the second time there is nothing to wait for.
func (w *demoWorker) stop(context.Context) error {
	w.cancel()
	<-w.ended
	return w.err
}

// notifyCount counts WeChat's notifies.
type notifyCount struct {
	mu    sync.Mutex
	heard int
	of    map[string]int
}

func (n *notifyCount) count(a simulator.NotifyAttempt) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.of == nil {
		n.of = map[string]int{}
	}
	n.of[a.OutTradeNo]++
	if a.Heard {
		n.heard++
	}
}

func (n *notifyCount) counted() demoNotifies {
	n.mu.Lock()
	defer n.mu.Unlock()
	counted := demoNotifies{heard: n.heard}
	for _, times := range n.of {
		counted.sent += times
		counted.most = max(counted.most, times)
	}
	return counted
}
