package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
)

// migrations hold one step each, named NNNN_what.sql. A step that has been released is
// never edited.
//
//go:embed migrations/*.sql
var migrations embed.FS

// longestStep is how long a step may keep its connection silent.
const longestStep = time.Hour

// migration is one step.
type migration struct {
	version int
	name    string
	sql     string
}

// Migrate brings the database to the newest schema and returns the names of the steps it
// took. It may run twice and from many machines at once: one does the work, the others
// wait for it and find nothing to do.
func (s *Store) Migrate(ctx context.Context) (taken []string, err error) {
	steps, err := steps()
	if err != nil {
		return nil, err
	}
	if version, err := s.version(ctx); err != nil || version >= steps[len(steps)-1].version {
		return nil, err
	}
	db, err := s.patient()
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	tx, err := db.BeginTxx(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("begin migration: %w", translate(err))
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if taken, err = migrate(ctx, tx, steps); err != nil {
		return nil, err
	}
	if err := tx.Commit(); err != nil {
		return nil, fmt.Errorf("commit migration: %w", translate(err))
	}
	return taken, nil
}

// patient returns connections of their own that may stay silent for as long as a step takes,
// or as another machine does. They are for the caller to close.
func (s *Store) patient() (*sqlx.DB, error) {
	cfg := s.cfg
	cfg.Silence = longestStep
	connector, err := connect(cfg)
	if err != nil {
		return nil, err
	}
	return sqlx.NewDb(sql.OpenDB(connector), "postgres"), nil
}

// Schema is the newest step that the database has, 0 for none, and the newest there is.
func (s *Store) Schema(ctx context.Context) (version, newest int, err error) {
	steps, err := steps()
	if err != nil {
		return 0, 0, err
	}
	version, err = s.version(ctx)
	return version, steps[len(steps)-1].version, err
}

// version is the newest step that the database has, 0 for none.
func (s *Store) version(ctx context.Context) (int, error) {
	var there bool
	if err := s.db.GetContext(ctx, &there, `select to_regclass('migrations') is not null`); err != nil {
		return 0, fmt.Errorf("look for the schema: %w", translate(err))
	}
	if !there {
		return 0, nil
	}
	var version int
	if err := s.db.GetContext(ctx, &version, `select coalesce(max(version), 0) from migrations`); err != nil {
		return 0, fmt.Errorf("read the schema's version: %w", translate(err))
	}
	return version, nil
}

func migrate(ctx context.Context, tx *sqlx.Tx, steps []migration) (taken []string, err error) {
	// The lock is held until the transaction ends; a second machine waits here.
	for _, prepare := range []string{
		`set local statement_timeout = 0`,
		`set local lock_timeout = 0`,
		`select pg_advisory_xact_lock(hashtext('settled migrations ' || current_schema()))`,
		`create table if not exists migrations (
			version integer primary key, name text not null, applied_at timestamptz not null default now())`,
	} {
		if _, err := tx.ExecContext(ctx, prepare); err != nil {
			return nil, fmt.Errorf("prepare migration: %w", translate(err))
		}
	}
	var applied []int
	if err := tx.SelectContext(ctx, &applied, `select version from migrations`); err != nil {
		return nil, fmt.Errorf("read migrations: %w", translate(err))
	}
	for _, step := range steps {
		if slices.Contains(applied, step.version) {
			continue
		}
		if _, err := tx.ExecContext(ctx, step.sql); err != nil {
			return nil, fmt.Errorf("apply migration %s: %w", step.name, translate(err))
		}
		_, err := tx.ExecContext(ctx, `insert into migrations (version, name) values ($1, $2)`, step.version, step.name)
		if err != nil {
			return nil, fmt.Errorf("note migration %s: %w", step.name, translate(err))
		}
		taken = append(taken, step.name)
	}
	return taken, nil
}

func steps() ([]migration, error) {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	var steps []migration
	for _, file := range files {
		text, err := fs.ReadFile(migrations, file)
		if err != nil {
			return nil, fmt.Errorf("read migration: %w", err)
		}
		name := strings.TrimSuffix(path.Base(file), ".sql")
		number, _, _ := strings.Cut(name, "_")
		version, err := strconv.Atoi(number)
		if err != nil {
			return nil, fmt.Errorf("read migration %s: %w", name, err)
		}
		steps = append(steps, migration{version, name, string(text)})
	}
	return steps, nil
}
