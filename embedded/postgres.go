package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// PostgresConfig says what kind of PostgreSQL to start.
type PostgresConfig struct {
	// Dir keeps the database; one that is there is used again. Empty: a temporary folder,
	// removed by Stop.
	Dir string
	// Durable makes every commit wait for the disk. Otherwise nothing is ever synced: a
	// killed server still finds all it has committed, a machine that loses power does not.
	Durable bool
	// MaxConnections bounds the server's clients; default 100.
	MaxConnections int
	Log            *slog.Logger // default: silent
}

// Postgres is a private PostgreSQL server with one empty database.
type Postgres struct {
	cfg      PostgresConfig
	folder   folder
	account  account
	programs string

	child
	port int
}

const (
	startTimeout = 90 * time.Second // a new database takes a second or two, and many at once on a slow machine a minute
	stopTimeout  = 10 * time.Second
)

// StartPostgres makes a database, if cfg.Dir does not hold one, and starts a server on
// it. ctx bounds the start only.
func StartPostgres(ctx context.Context, cfg PostgresConfig) (*Postgres, error) {
	if cfg.MaxConnections == 0 {
		cfg.MaxConnections = 100
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	p, err := newPostgres(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("start postgres: %w", err)
	}
	err = onFreePort(func(port int) error {
		p.port = port
		return p.start(ctx)
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start postgres: %w", err), p.folder.discard())
	}
	return p, nil
}

func newPostgres(ctx context.Context, cfg PostgresConfig) (*Postgres, error) {
	programs, err := postgresPrograms(ctx)
	if err != nil {
		return nil, err
	}
	runAs, err := unprivileged()
	if err != nil {
		return nil, err
	}
	place, err := openFolder(cfg.Dir, "postgres")
	if err != nil {
		return nil, err
	}
	return &Postgres{cfg: cfg, folder: place, account: runAs, programs: programs}, nil
}

// URL is where the server's database is: postgres://settled@127.0.0.1:PORT/settled. The
// user owns everything and needs no password.
func (p *Postgres) URL() string { return p.url("settled") }

// Stop ends the server as an operator would: connections are cut, what is committed is
// written. It is bounded; a server that does not end is killed. A temporary folder is
// removed.
func (p *Postgres) Stop(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stop(ctx)
	return p.folder.discard()
}

// Restart starts the server again on the same data and the same port, after Kill or
// Stop too; a running one is stopped first.
func (p *Postgres) Restart(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stop(ctx)
	if err := p.folder.restore(); err != nil {
		return fmt.Errorf("restart postgres: %w", err)
	}
	if err := p.start(ctx); err != nil {
		return fmt.Errorf("restart postgres: %w", err)
	}
	return nil
}

func (p *Postgres) stop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	p.process.stop(ctx, syscall.SIGINT) // "fast shutdown"
}

func (p *Postgres) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	fresh, err := p.initialize(ctx)
	if err != nil {
		return err
	}
	if err := p.run(ctx); err != nil {
		return err
	}
	if fresh {
		err = p.createDatabase(ctx)
	}
	p.cfg.Log.DebugContext(ctx, "postgres started", slog.String("dir", p.folder.path), slog.Int("port", p.port))
	return err
}

// run starts the server process and waits until it answers.
func (p *Postgres) run(ctx context.Context) error {
	log, err := os.Create(filepath.Join(p.folder.path, "log"))
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // the server has its own handle
	command := p.command(context.WithoutCancel(ctx), "postgres", p.arguments()...)
	command.Stdout, command.Stderr = log, log
	if p.process, err = launch(command); err != nil {
		return err
	}
	err = p.process.await(ctx, p.ping)
	if err == nil {
		return nil
	}
	p.process.kill()
	words, _ := os.ReadFile(log.Name())
	if strings.Contains(string(words), "Address already in use") {
		return errPortTaken
	}
	return fmt.Errorf("%w\n%s", err, words)
}

// initialize makes the database folder if it is not there.
func (p *Postgres) initialize(ctx context.Context) (fresh bool, err error) {
	if err := p.account.take(p.folder.path); err != nil {
		return false, err
	}
	if _, err := os.Stat(filepath.Join(p.data(), "PG_VERSION")); err == nil {
		return false, nil
	}
	command := p.command(ctx, "initdb", "--pgdata="+p.data(), "--username=settled", "--auth=trust",
		"--no-locale", "--encoding=UTF8", "--no-sync", "--no-instructions")
	if words, err := command.CombinedOutput(); err != nil {
		return false, fmt.Errorf("initdb: %w\n%s", err, words)
	}
	return true, nil
}

func (p *Postgres) data() string { return filepath.Join(p.folder.path, "data") }

// command is one of PostgreSQL's programs, run as the account and without whatever
// PG… variables this process was started with.
func (p *Postgres) command(ctx context.Context, name string, arguments ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, filepath.Join(p.programs, name), arguments...)
	command.Dir = p.folder.path
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	command.SysProcAttr = p.account.attributes()
	return command
}
