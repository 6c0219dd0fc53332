package crash

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	_ "github.com/lib/pq" // the driver by which the rig reads what is committed

	"settled/failpoint"
	"settled/wechat/simulator"
)

// WorldConfig says how a world differs from the usual.
type WorldConfig struct {
	// Name becomes that of its schema and of its subjects: lowercase letters, digits and _.
	Name string
	// Proxied puts a Path between each process and each server, and before the ingress.
	Proxied bool
	// OverHTTP lets every order come over HTTP: an order system that publishes on NATS itself
	// has to repeat what a store that is lost forgets before a worker has seen it.
	OverHTTP bool
	// Settings are further lines of the configuration file.
	Settings string
	// Schedule is when WeChat is asked about an unpaid payment; default [1s, 2s, 4s, 8s, 15s].
	Schedule string
	// InFlight is what each pool may have in hand; default 64.
	InFlight int
	// Rate is how many calls a second a process may make for a merchant; default 500.
	Rate int
	// Empty leaves the customers out: whoever made the world brings others.
	Empty bool
}

// World is one shop's: a schema, a prefix, WeChat, customers, and settled in between.
type World struct {
	WeChat    *simulator.Simulator
	Shop      *Shop
	Processes []*Process

	cfg       WorldConfig
	servers   *Servers
	folder    string
	postgres  string // URL of the schema
	db        *sql.DB
	accounts  []simulator.Merchant
	ingress   string // where the ingress listens
	door      string // where it is reached
	wechatURL string
	web       *http.Server
	stop      context.CancelFunc
	running   sync.WaitGroup

	mu    sync.Mutex
	paths map[string]*Path
	wrong []string // what should never be, as it was seen
}

// NewWorld makes a world in which no process runs yet.
func (s *Servers) NewWorld(ctx context.Context, cfg WorldConfig) (*World, error) {
	cfg.Schedule = cmp.Or(cfg.Schedule, "[1s, 2s, 4s, 8s, 15s]")
	cfg.Rate, cfg.InFlight = cmp.Or(cfg.Rate, 500), cmp.Or(cfg.InFlight, 64)
	w := &World{cfg: cfg, servers: s, folder: filepath.Join(s.folder, cfg.Name), paths: map[string]*Path{}}
	parts := []func(context.Context) error{w.openSchema, w.openWeChat}
	if !cfg.Empty {
		parts = append(parts, w.openShop)
	}
	for _, part := range parts {
		if err := part(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("make world %s: %w", cfg.Name, err), w.Close())
		}
	}
	return w, nil
}

// Folder holds the configuration, and what each process has logged.
func (w *World) Folder() string { return w.folder }

// Door is where the ingress is reached: host:port.
func (w *World) Door() string { return w.door }

// Database reads what is committed.
func (w *World) Database() *sql.DB { return w.db }

// Wrong is what was seen so far and should never be.
func (w *World) Wrong() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.wrong)
}

// Keep lets the folder outlive the servers.
func (w *World) Keep() { w.servers.keep = true }

func (w *World) openSchema(ctx context.Context) error {
	if err := os.MkdirAll(w.folder, 0o700); err != nil {
		return err
	}
	server, err := sql.Open("postgres", w.servers.Postgres.URL())
	if err != nil {
		return err
	}
	defer func() { _ = server.Close() }()
	if _, err := server.ExecContext(ctx, "create schema "+w.cfg.Name); err != nil {
		return fmt.Errorf("create schema: %w", err)
	}
	at, err := url.Parse(w.servers.Postgres.URL())
	if err != nil {
		return err
	}
	query := at.Query()
	query.Set("search_path", w.cfg.Name)
	at.RawQuery = query.Encode()
	w.postgres = at.String()
	if w.db, err = sql.Open("postgres", w.postgres); err != nil {
		return err
	}
	w.db.SetMaxOpenConns(4)
	return nil
}

// again is when WeChat repeats a notify: much sooner than it would, and for long enough.
func again() []time.Duration {
	var pauses []time.Duration
	for _, seconds := range []int{1, 1, 2, 2, 3, 3, 5, 5, 5, 5, 10, 10, 10, 10, 10, 10, 10, 10, 15, 15, 15, 15, 30, 30, 30, 30} {
		pauses = append(pauses, time.Duration(seconds)*time.Second)
	}
	return pauses
}

func (w *World) openWeChat(ctx context.Context) error {
	var err error
	if w.accounts, err = accounts(); err != nil {
		return err
	}
	w.WeChat, err = simulator.New(simulator.Config{
		Merchants: w.accounts, Now: time.Now, NotifySchedule: again(), RefundAfter: 2500 * time.Millisecond,
		OnNotify: w.notified, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	listener, err := listen(ctx, "127.0.0.1:0")
	if err != nil {
		return err
	}
	w.wechatURL = "http://" + listener.Addr().String()
	w.web = &http.Server{Handler: w.WeChat, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = w.web.Serve(listener) }() // it ends when it is closed
	if w.ingress, err = freeAddress(ctx); err != nil {
		return err
	}
	w.door = w.ingress
	if w.cfg.Proxied {
		door, err := w.open("", Ingress, w.ingress)
		if err != nil {
			return err
		}
		w.door = door
	}
	return writeKeys(w.folder)
}

// StartAll starts an ingress, two workers and a relay, none of them armed. Their clocks are
// wrong by so much, in this order.
func (w *World) StartAll(ahead ...time.Duration) error {
	for i, p := range []struct {
		name string
		kind failpoint.Process
	}{{"ingress", failpoint.Ingress}, {"worker-1", failpoint.Worker}, {"worker-2", failpoint.Worker}, {"relay", failpoint.Relay}} {
		process, err := w.Add(p.name, p.kind)
		if err != nil {
			return err
		}
		if i < len(ahead) {
			process.Ahead = ahead[i]
		}
		if err := process.Start(Arm{}); err != nil {
			return err
		}
	}
	return nil
}

// Process returns the process of a name, nil if there is none.
func (w *World) Process(name string) *Process {
	for _, p := range w.Processes {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// Add makes a process that does not run yet.
func (w *World) Add(name string, kind failpoint.Process) (*Process, error) {
	p := &Process{Name: name, Kind: kind, world: w, file: filepath.Join(w.folder, name+".yaml")}
	text, err := w.configuration(name)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(p.file, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("write the configuration of %s: %w", name, err)
	}
	w.Processes = append(w.Processes, p)
	return p, nil
}

// saw notes something that must never be.
func (w *World) saw(format string, values ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrong = append(w.wrong, fmt.Sprintf(format, values...))
}

// Close ends the processes, WeChat and the shop.
func (w *World) Close() error {
	for _, p := range w.Processes {
		p.Kill()
	}
	if w.stop != nil {
		w.stop()
	}
	if w.WeChat != nil {
		w.WeChat.Close()
	}
	var failed []error
	if w.web != nil {
		failed = append(failed, w.web.Close())
	}
	w.running.Wait()
	for _, p := range w.paths {
		p.Cut()
	}
	if w.db != nil {
		failed = append(failed, w.db.Close())
	}
	return errors.Join(failed...)
}
