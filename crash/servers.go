package crash

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"settled/embedded"
)

// Program is settled, built with its points to die at.
type Program struct {
	file string

	mu   sync.Mutex
	nats string // the nats-server of a cluster, once somebody has asked for it
}

// Build builds settled; once is enough for any number of Servers. GOFLAGS holds for it too.
func Build(ctx context.Context) (*Program, error) {
	folder, err := os.MkdirTemp("", "settled-program-")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	p := &Program{file: filepath.Join(folder, "settled")}
	if err := build(ctx, "-tags", "failpoints", "-o", p.file, "settled/cmd/settled"); err != nil {
		return nil, errors.Join(err, p.Remove())
	}
	return p, nil
}

// natsServer is a nats-server of the version that settled is tested with.
func (p *Program) natsServer(ctx context.Context) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.nats != "" {
		return p.nats, nil
	}
	file := filepath.Join(filepath.Dir(p.file), "nats-server")
	if err := build(ctx, "-o", file, "github.com/nats-io/nats-server/v2"); err != nil {
		return "", err
	}
	p.nats = file
	return file, nil
}

func build(ctx context.Context, arguments ...string) error {
	command := exec.CommandContext(ctx, "go", append([]string{"build"}, arguments...)...) //nolint:gosec // its own programs
	if said, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", arguments[len(arguments)-1], err, said)
	}
	return nil
}

// Remove removes the program.
func (p *Program) Remove() error { return os.RemoveAll(filepath.Dir(p.file)) }

// Servers is what worlds stand on. Each can be killed, paused and started again.
type Servers struct {
	Postgres *embedded.Postgres
	NATS     *embedded.NATS        // nil if there is a cluster
	Cluster  *embedded.NATSCluster // nil if there is one server
	Redis    *embedded.RedisServer

	folder  string
	program string
	keep    bool // the folder, for somebody to look at
}

// ServersConfig says how servers differ from the usual.
type ServersConfig struct {
	MaxConnections int   // of PostgreSQL; default 900
	MaxStore       int64 // of NATS, in bytes; default 64 GiB
	Cluster        bool  // of NATS, three servers as processes of their own
	Durable        bool  // PostgreSQL writes to the disk before it says so
}

// StartServers starts everything that settled stands on.
func StartServers(ctx context.Context, program *Program) (*Servers, error) {
	return ServersConfig{}.Start(ctx, program)
}

// Start starts servers that differ from the usual.
func (cfg ServersConfig) Start(ctx context.Context, program *Program) (*Servers, error) {
	if cfg.MaxConnections == 0 {
		cfg.MaxConnections = 900
	}
	if cfg.MaxStore == 0 {
		cfg.MaxStore = 64 << 30
	}
	folder, err := os.MkdirTemp("", "settled-crash-")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	s := &Servers{folder: folder, program: program.file}
	if err := s.start(ctx, cfg, program); err != nil {
		return nil, errors.Join(err, s.Stop(ctx))
	}
	return s, nil
}

func (s *Servers) start(ctx context.Context, cfg ServersConfig, program *Program) (err error) {
	if s.Postgres, err = embedded.StartPostgres(ctx, embedded.PostgresConfig{MaxConnections: cfg.MaxConnections, Durable: cfg.Durable}); err != nil {
		return err
	}
	if err := s.startNATS(ctx, cfg, program); err != nil {
		return err
	}
	s.Redis, err = embedded.StartRedisServer(ctx)
	return err
}

func (s *Servers) startNATS(ctx context.Context, cfg ServersConfig, program *Program) (err error) {
	if !cfg.Cluster {
		s.NATS, err = embedded.StartNATS(embedded.NATSConfig{MaxStore: cfg.MaxStore})
		return err
	}
	file, err := program.natsServer(ctx)
	if err != nil {
		return err
	}
	s.Cluster, err = embedded.StartNATSCluster(ctx, file)
	return err
}

// nats is where NATS is found, and how many replicas of a stream it can hold.
func (s *Servers) nats() (url string, replicas int) {
	if s.Cluster != nil {
		return s.Cluster.URL(), len(s.Cluster.Nodes())
	}
	return s.NATS.URL(), 1
}

// Stop ends everything. What worlds have written stays if one of them asked for it.
func (s *Servers) Stop(ctx context.Context) error {
	var failed []error
	if s.Redis != nil {
		s.Redis.Stop(ctx)
	}
	if s.NATS != nil {
		failed = append(failed, s.NATS.Stop())
	}
	if s.Cluster != nil {
		failed = append(failed, s.Cluster.Stop())
	}
	if s.Postgres != nil {
		failed = append(failed, s.Postgres.Stop(ctx))
	}
	if s.keep {
		return errors.Join(failed...)
	}
	return errors.Join(append(failed, os.RemoveAll(s.folder))...)
}

// address is the part of a URL that a proxy stands before.
func address(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	if _, after, found := strings.Cut(rest, "@"); found {
		rest = after
	}
	host, _, _ := strings.Cut(rest, "/")
	return host
}
