package rig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"settled/embedded"
)

// Servers is what contestants stand on: all of them on the same ones.
type Servers struct {
	Postgres *embedded.Postgres
	NATS     *NATS
	Redis    *embedded.RedisServer
	Folder   string // on the disk that is measured

	settled    string // the program
	statements bool   // PostgreSQL counts them
}

// StartServers builds settled and the NATS server from source and starts what they stand
// on. Everything that is committed or acknowledged has been synced to the disk.
func StartServers(ctx context.Context) (*Servers, error) {
	folder, err := os.MkdirTemp("", "settled-bench-")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	s := &Servers{Folder: folder, settled: filepath.Join(folder, "settled")}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.Stop(ctx))
	}
	return s, nil
}

func (s *Servers) start(ctx context.Context) (err error) {
	if err := build(ctx, "..", s.settled, "./cmd/settled"); err != nil {
		return err
	}
	if s.Postgres, err = embedded.StartPostgres(ctx, embedded.PostgresConfig{Durable: true, MaxConnections: 300}); err != nil {
		return err
	}
	if err := s.countStatements(ctx); err != nil {
		return err
	}
	if s.NATS, err = startNATS(ctx, s.Folder); err != nil {
		return err
	}
	s.Redis, err = embedded.StartRedisServer(ctx)
	return err
}

// build builds a program of the module that the folder is in.
func build(ctx context.Context, folder, file, what string) error {
	command := exec.CommandContext(ctx, "go", "build", "-o", file, what) //nolint:gosec // its own programs
	command.Dir = folder
	if said, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", what, err, said)
	}
	return nil
}

// Stop ends everything and removes what was written.
func (s *Servers) Stop(ctx context.Context) error {
	var failed []error
	if s.Redis != nil {
		s.Redis.Stop(ctx)
	}
	if s.NATS != nil {
		failed = append(failed, s.NATS.process.Stop())
	}
	if s.Postgres != nil {
		failed = append(failed, s.Postgres.Stop(ctx))
	}
	return errors.Join(append(failed, os.RemoveAll(s.Folder))...)
}
