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

// Servers is what worlds stand on.
type Servers struct {
	Postgres *embedded.Postgres
	NATS     *embedded.NATS
	Redis    *embedded.RedisServer

	folder  string
	program string // settled with its points
	keep    bool   // the folder, for somebody to look at
}

// StartServers builds settled and starts everything that it stands on. GOFLAGS holds for
// the build too.
func StartServers(ctx context.Context) (*Servers, error) {
	folder, err := os.MkdirTemp("", "settled-crash-")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	s := &Servers{folder: folder, program: filepath.Join(folder, "settled")}
	if err := errors.Join(s.build(ctx), s.start(ctx)); err != nil {
		return nil, errors.Join(err, s.Stop(ctx))
	}
	return s, nil
}

func (s *Servers) build(ctx context.Context) error {
	command := exec.CommandContext(ctx, "go", "build", "-tags", "failpoints", "-o", s.program, "settled/cmd/settled") //nolint:gosec // its own program
	if said, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build settled with its points: %w\n%s", err, said)
	}
	return nil
}

func (s *Servers) start(ctx context.Context) (err error) {
	if s.Postgres, err = embedded.StartPostgres(ctx, embedded.PostgresConfig{MaxConnections: 900}); err != nil {
		return err
	}
	if s.NATS, err = embedded.StartNATS(embedded.NATSConfig{MaxStore: 64 << 30}); err != nil {
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
		return errors.Join(append(failed, os.Remove(s.program))...)
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
