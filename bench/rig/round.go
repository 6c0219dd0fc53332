package rig

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "github.com/lib/pq" // the driver of Round.DB
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Round is one run of one contestant: an empty schema, a prefix that nobody has used, and
// a folder.
type Round struct {
	Servers *Servers
	Size    int           // how many operations a run is to have
	Span    time.Duration // how long a run lasts whose operations are not counted beforehand
	Name    string        // of the schema; with a dot behind it, the prefix of subjects

	Postgres string // URL of the schema
	DB       *sql.DB
	NATS     *nats.Conn
	Stream   jetstream.JetStream
	Folder   string

	processes []*Process
	beside    []*Process
}

func (s *Servers) newRound(ctx context.Context, name string, cfg Suite) (*Round, error) {
	r := &Round{Servers: s, Size: cfg.Size, Span: cfg.Span, Name: name, Folder: filepath.Join(s.Folder, name)}
	if err := r.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open round %s: %w", name, err), r.close(ctx))
	}
	return r, nil
}

func (r *Round) open(ctx context.Context) error {
	if err := os.MkdirAll(r.Folder, 0o700); err != nil {
		return err
	}
	err := r.openDatabase(r.Name)
	if err != nil {
		return err
	}
	if _, err := r.DB.ExecContext(ctx, "create schema "+r.Name); err != nil {
		return fmt.Errorf("create schema: %w", err)
	}
	if r.Servers.statements {
		if _, err := r.DB.ExecContext(ctx, "select public.pg_stat_statements_reset()"); err != nil { // it keeps few thousand
			return fmt.Errorf("count statements anew: %w", err)
		}
	}
	if r.NATS, err = nats.Connect(r.Servers.NATS.URL); err != nil {
		return err
	}
	r.Stream, err = jetstream.New(r.NATS)
	return err
}

// openDatabase opens a schema.
func (r *Round) openDatabase(schema string) error {
	at, err := url.Parse(r.Servers.Postgres.URL())
	if err != nil {
		return err
	}
	query := at.Query()
	query.Set("search_path", schema)
	at.RawQuery = query.Encode()
	r.Postgres = at.String()
	query.Set("application_name", ownConnections)
	query.Set("pg_stat_statements.track", "none") // what the rig asks is nobody's cost
	at.RawQuery = query.Encode()
	r.DB, err = sql.Open("postgres", at.String())
	return err
}

// Stay lets the round work in a schema that outlives it, made if it is not there.
func (r *Round) Stay(ctx context.Context, schema string) error {
	if _, err := r.DB.ExecContext(ctx, "create schema if not exists "+schema); err != nil {
		return fmt.Errorf("create schema: %w", err)
	}
	if err := r.DB.Close(); err != nil {
		return fmt.Errorf("leave schema %s: %w", r.Name, err)
	}
	return r.openDatabase(schema)
}

// ownConnections is what the rig's connections are called.
const ownConnections = "bench"

// Prefix stands before every subject of the round.
func (r *Round) Prefix() string { return r.Name + "." }

// StreamName is a stream's name on the server.
func (r *Round) StreamName(name string) string { return r.Name + "_" + name }

// NewFolder makes a folder of the round's.
func (r *Round) NewFolder(name string) (string, error) {
	folder, err := os.MkdirTemp(r.Folder, name+"-")
	if err != nil {
		return "", fmt.Errorf("make a folder: %w", err)
	}
	return folder, nil
}

// Calm lets PostgreSQL write down what the set-up has left, so that no run pays for it.
func (r *Round) Calm(ctx context.Context) error {
	for _, statement := range []string{"vacuum analyze", "checkpoint"} {
		if _, err := r.DB.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// close ends the processes of the round and removes all that it has made.
func (r *Round) close(ctx context.Context) error {
	var failed []error
	for _, p := range r.processes {
		failed = append(failed, p.Stop())
	}
	if r.Stream != nil {
		failed = append(failed, r.deleteStreams(ctx))
	}
	if r.NATS != nil {
		r.NATS.Close()
	}
	if r.DB != nil {
		_, err := r.DB.ExecContext(ctx, "drop schema if exists "+r.Name+" cascade")
		failed = append(failed, err, r.DB.Close())
	}
	return errors.Join(append(failed, os.RemoveAll(r.Folder))...)
}

func (r *Round) deleteStreams(ctx context.Context) error {
	var names []string
	lister := r.Stream.StreamNames(ctx)
	for name := range lister.Name() {
		if strings.HasPrefix(name, r.StreamName("")) {
			names = append(names, name)
		}
	}
	failed := []error{lister.Err()}
	for _, name := range names {
		failed = append(failed, r.Stream.DeleteStream(ctx, name))
	}
	return errors.Join(failed...)
}
