package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"settled/audit"
	"settled/cmd/settled/config"
	"settled/events/bus"
	"settled/ingress"
	"settled/store"
	"settled/store/hints"
	"settled/wechat"
	"settled/workers"
)

// drain is how long a process that is told to stop finishes what it has in hand.
const drain = 15 * time.Second

// process is settled as a value: what `settled serve` runs, and the demo, and the tests.
type process struct {
	cfg     *config.Config
	log     *slog.Logger
	metrics *metrics
	audits  audit.Config // how the running auditor differs from the usual
	traces  *traces      // nil: none are made
	stack   stack

	store     *store.Store
	bus       *bus.Bus
	hints     *hints.Hints
	merchants map[string]*wechat.Switch
	sights    sights
	called    func(merchant string, c wechat.Call) // hears of each call to WeChat; may be nil
}

// parts says what a process is to do.
type parts struct {
	ingress bool
	workers bool
	pools   []string // empty: all
	admin   bool
	yields  bool // where the admin address is taken, another one will do

	file   string           // the configuration, watched for new keys; empty: it is not
	hangup <-chan os.Signal // says that there are new keys; may be nil
}

// newProcess returns a process that stands on nothing yet.
func newProcess(cfg *config.Config, log *slog.Logger) *process {
	p := &process{cfg: cfg, log: log, metrics: newMetrics(), merchants: map[string]*wechat.Switch{}}
	p.first()
	p.openTraces()
	return p
}

// open brings together what the parts stand on. No server needs to answer yet.
func open(ctx context.Context, cfg *config.Config, log *slog.Logger) (*process, error) {
	p := newProcess(cfg, log)
	if err := p.openServers(ctx); err != nil {
		return nil, errors.Join(err, p.close(ctx))
	}
	if err := p.openMerchants(); err != nil {
		return nil, errors.Join(err, p.close(ctx))
	}
	return p, nil
}

func (p *process) openServers(ctx context.Context) error {
	for _, d := range p.servers() {
		if err := d.open(ctx); err != nil {
			return misuse{fmt.Errorf("%s.url: %w", d.name, err)}
		}
	}
	return nil
}

// server is what a process stands on. To open one asks nobody: what fails is its URL.
type server struct {
	name string
	open func(ctx context.Context) error
}

func (p *process) servers() []server {
	return []server{{"postgres", p.openPostgres}, {"nats", p.openNATS}, {"redis", p.openRedis}}
}

func (p *process) openPostgres(context.Context) (err error) {
	p.store, err = store.Open(store.Config{
		URL: p.cfg.Postgres.URL.Reveal(), Now: now, Observe: p.metrics.committed, Begin: p.traces.statement(), Log: p.log,
		Journal: p.cfg.Payments.Journal > 0, JournalLost: func(lines int) { p.metrics.journalLost.Add(float64(lines)) },
	})
	if err != nil {
		return err
	}
	p.metrics.register(p.store.Connections)
	p.stack.push("postgres", func(context.Context) error { return p.store.Close() })
	return nil
}

func (p *process) openRedis(context.Context) (err error) {
	p.hints, err = openHints(p.cfg, p.log, func(event string) { p.metrics.tokens.WithLabelValues(event).Inc() })
	if err != nil {
		return err
	}
	p.stack.push("redis", func(context.Context) error { return p.hints.Close() })
	return nil
}

func (p *process) openNATS(ctx context.Context) (err error) {
	p.bus, err = bus.Connect(ctx, bus.Config{
		URL: p.cfg.NATS.URL.Reveal(), Credentials: p.cfg.NATS.Credentials, Inbox: p.cfg.NATS.InboxPrefix, Prefix: p.cfg.NATS.Prefix,
		Replicas: p.cfg.NATS.Replicas, MaxMessages: p.cfg.NATS.MaxMessages, Name: "settled", Drain: drain, Metrics: p.metrics, Log: p.log,
	})
	if err != nil {
		return err
	}
	p.stack.push("nats", p.bus.Close)
	return nil
}

// now is this machine's clock, right or wrong; only failpoints.go sets it wrong.
var now = time.Now

// openHints brings Redis in; observe may be nil.
func openHints(cfg *config.Config, log *slog.Logger, observe func(event string)) (*hints.Hints, error) {
	return hints.New(hints.Config{
		URL: cfg.Redis.URL.Reveal(), Prefix: cfg.NATS.Prefix, Log: log, Now: now, Random: rand.Reader, Observe: observe,
	})
}

// watchEvery is how often a process looks at what it stands on and what waits for it.
const watchEvery = 5 * time.Second

// close undoes everything that was opened.
func (p *process) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain+5*time.Second)
	defer cancel()
	return p.stack.close(ctx, p.log)
}

// dependencies are what the process can't do without.
func (p *process) dependencies() []dependency {
	return []dependency{
		{"postgres", p.store.Ready},
		{"nats", p.bus.Ready},
		{"redis", p.hints.Ready},
	}
}

// run does what the parts say until ctx ends and what was in hand is through. started is
// called once everything listens and works.
func (p *process) run(ctx context.Context, what parts, started func(addresses)) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var at addresses
	admin := &admin{dependencies: p.dependencies(), metrics: p.metrics, profile: p.cfg.Admin.Profile, log: p.log}
	if what.admin {
		var err error
		if admin.page, err = p.openConsole(admin); err != nil {
			return err
		}
		listener, err := p.listenAdmin(ctx, what.yields)
		if err != nil {
			return err
		}
		at.admin = listener.Addr().String()
		p.stack.push("admin", admin.serve(listener))
	}
	var incoming net.Listener
	if what.ingress {
		var err error
		if incoming, err = listen(ctx, p.cfg.Ingress.Listen); err != nil {
			return err
		}
		at.ingress = incoming.Addr().String()
	}
	var wait sync.WaitGroup
	failures := make(chan error, 2)
	run := func(part func(ctx context.Context) error) {
		wait.Go(func() {
			if err := part(ctx); err != nil {
				failures <- err
				stop()
			}
		})
	}
	wait.Go(func() { admin.watch(ctx, watchEvery) })
	if what.file != "" {
		keys := newReloader(p, what.file)
		wait.Go(func() { keys.watch(ctx, what.hangup) })
	}
	if what.ingress {
		watch := p.watchNotifies()
		wait.Go(func() { watch.Run(ctx) })
		run(func(ctx context.Context) error { return p.ingress(watch).Serve(ctx, ingressListener(incoming)) })
	}
	if err := p.prepare(ctx); err == nil {
		if what.workers {
			run(func(ctx context.Context) error { return p.work(ctx, what.pools) })
		}
		wait.Go(func() { p.measure(ctx) })
		started(at)
	}
	wait.Wait()
	close(failures)
	var all []error
	for err := range failures {
		all = append(all, err)
	}
	return stands(errors.Join(all...))
}

// addresses is where a process listens.
type addresses struct{ ingress, admin string }

func listen(ctx context.Context, address string) (net.Listener, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return listener, nil
}

// listenAdmin listens at the admin address. One file may be that of several processes on one
// machine, and no payment depends on where their metrics are.
func (p *process) listenAdmin(ctx context.Context, yields bool) (net.Listener, error) {
	configured := p.cfg.Admin.Listen
	listener, err := listen(ctx, configured)
	if !yields || !errors.Is(err, syscall.EADDRINUSE) {
		return listener, err
	}
	host, _, err := net.SplitHostPort(configured)
	if err != nil {
		return nil, fmt.Errorf("read admin address: %w", err)
	}
	if listener, err = listen(ctx, net.JoinHostPort(host, "0")); err != nil {
		return nil, err
	}
	p.log.WarnContext(ctx, "admin address is taken, another one is used", "configured", configured, "address", listener.Addr().String())
	return listener, nil
}

// prepare waits for PostgreSQL and NATS and brings both to the shape that the work needs.
// A server that is not there yet is waited for: readyz says which.
func (p *process) prepare(ctx context.Context) error {
	for _, step := range []struct {
		name string
		do   func(ctx context.Context) error
	}{
		{"postgres", p.migrate},
		{"nats", p.bus.Ensure},
	} {
		for said := false; ; said = true {
			err := step.do(ctx)
			if err == nil {
				break
			}
			if !said {
				p.log.WarnContext(ctx, "waiting for a dependency", "dependency", step.name, "error", err)
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Second):
			}
		}
	}
	return nil
}

// measure tells the metrics what waits in the streams, again and again.
func (p *process) measure(ctx context.Context) {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for {
		if err := p.bus.Measure(ctx); err != nil && ctx.Err() == nil {
			p.log.DebugContext(ctx, "streams not measured", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (p *process) migrate(ctx context.Context) error {
	if err := p.store.Ready(ctx); err != nil { // sets the clock, too
		return err
	}
	taken, err := p.store.Migrate(ctx)
	for _, name := range taken {
		p.log.InfoContext(ctx, "migration applied", "migration", name)
	}
	return err
}

func (p *process) work(ctx context.Context, pools []string) error {
	merchants := map[string]workers.Merchant{}
	for name, gateway := range p.merchants {
		merchants[name] = workers.Merchant{Protocol: p.cfg.Merchants[name].Protocol, Gateway: workersGateway(p.traces.gateway(gateway))}
	}
	w, err := workers.New(workers.Config{
		Ledger: workersLedger(p.traces.ledger(p.store)), Bus: workersBus(p.traces.workersBus(p.bus)), Merchants: merchants,
		TTL: p.cfg.Payments.TTL, QuerySchedule: p.cfg.Payments.QuerySchedule, InFlight: p.cfg.Payments.InFlight,
		Pools: pools, Journal: p.cfg.Payments.Journal, Audit: p.auditor(), Begin: p.traces.due(), Now: p.store.Now, Metrics: p.metrics, Log: p.log,
	})
	if err != nil {
		return misuse{err}
	}
	return w.Run(ctx)
}

func (p *process) ingress(watch *audit.Watch) *ingress.Ingress {
	merchants := map[string]ingress.Merchant{}
	for name, gateway := range p.merchants {
		merchants[name] = ingress.Merchant{Protocol: p.cfg.Merchants[name].Protocol, Notifies: gateway}
	}
	var tokens []ingress.Token
	for _, t := range p.cfg.Ingress.Tokens {
		tokens = append(tokens, ingress.Token{
			Name: t.Name, Value: t.Token.Reveal(), Merchants: slices.Clone(t.Merchants), Rate: float64(t.Rate),
		})
	}
	return ingress.New(ingress.Config{
		Ledger: p.store, Bus: ingressBus(p.traces.ingressBus(p.bus)), Merchants: merchants, Tokens: tokens, Stored: p.cfg.Ingress.Stored,
		Connections: connections(), Acknowledged: watch.Note, Journal: p.store.Note, Begin: p.traces.request(),
		Drain: drain, Now: p.store.Now, Metrics: p.metrics, Log: p.log,
	})
}

// connections is how many the ingress may hold: half of the file descriptors that the
// process may have, so that the other half is there for the servers it stands on.
func connections() int {
	const most, least = 16384, 64
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return least
	}
	return int(max(least, min(limit.Cur/2, most))) //nolint:gosec // at most most
}
