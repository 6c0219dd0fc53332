package crash

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"settled/embedded"
)

// Program is settled, built with its points to die at.
type Program struct {
	file string
}

// Build builds settled; once is enough for any number of Servers. GOFLAGS holds for it too.
func Build(ctx context.Context) (*Program, error) {
	folder, err := os.MkdirTemp("", "settled-program-")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	p := &Program{filepath.Join(folder, "settled")}
	command := exec.CommandContext(ctx, "go", "build", "-tags", "failpoints", "-o", p.file, "settled/cmd/settled") //nolint:gosec // its own program
	if said, err := command.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("build settled with its points: %w\n%s", err, said), p.Remove())
	}
	return p, nil
}

// Remove removes the program.
func (p *Program) Remove() error { return os.RemoveAll(filepath.Dir(p.file)) }

// Servers is what worlds stand on. Each can be killed, paused and started again.
type Servers struct {
	Postgres *embedded.Postgres
	NATS     *embedded.NATS
	Redis    *embedded.RedisServer

	folder  string
	program string
	keep    bool // the folder, for somebody to look at
}

// ServersConfig says how servers differ from the usual.
type ServersConfig struct {
	MaxConnections int   // of PostgreSQL; default 900
	MaxStore       int64 // of NATS, in bytes; default 64 GiB
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
	if err := s.start(ctx, cfg); err != nil {
		return nil, errors.Join(err, s.Stop(ctx))
	}
	return s, nil
}

func (s *Servers) start(ctx context.Context, cfg ServersConfig) (err error) {
	if s.Postgres, err = embedded.StartPostgres(ctx, embedded.PostgresConfig{MaxConnections: cfg.MaxConnections, Durable: cfg.Durable}); err != nil {
		return err
	}
	if s.NATS, err = embedded.StartNATS(embedded.NATSConfig{MaxStore: cfg.MaxStore}); err != nil {
		return err
	}
	s.Redis, err = embedded.StartRedisServer(ctx)
	return err
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
