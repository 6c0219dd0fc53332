package embedded_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	_ "github.com/lib/pq"

	"settled/embedded"
)

func startPostgres(t *testing.T, cfg embedded.PostgresConfig) *embedded.Postgres {
	t.Helper()
	postgres, err := embedded.StartPostgres(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := postgres.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return postgres
}

func connect(t *testing.T, url string) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func show(t *testing.T, db *sql.DB, setting string) string {
	t.Helper()
	var value string
	if err := db.QueryRowContext(t.Context(), "select current_setting($1)", setting).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

func TestPostgresSyncsWhatItIsToldTo(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		durable bool
		want    string
	}{
		"for tests":    {durable: false, want: "off"},
		"for payments": {durable: true, want: "on"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := connect(t, startPostgres(t, embedded.PostgresConfig{Durable: test.durable}).URL())
			for setting, want := range map[string]string{
				"fsync": test.want, "full_page_writes": test.want, "synchronous_commit": "on",
			} {
				if got := show(t, db, setting); got != want {
					t.Errorf("%s is %s, want %s", setting, got, want)
				}
			}
		})
	}
}

func TestWhatPostgresCommittedSurvivesACrash(t *testing.T) {
	t.Parallel()
	postgres := startPostgres(t, embedded.PostgresConfig{MaxConnections: 20})
	db := connect(t, postgres.URL())
	if got := show(t, db, "max_connections"); got != "20" {
		t.Errorf("max_connections is %s, want 20", got)
	}
	if _, err := db.ExecContext(t.Context(), "create table kept as select 1 as n"); err != nil {
		t.Fatal(err)
	}

	postgres.Kill()
	if err := db.PingContext(t.Context()); err == nil {
		t.Error("a killed server answers")
	}
	if err := postgres.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}

	var n int
	if err := connect(t, postgres.URL()).QueryRowContext(t.Context(), "select n from kept").Scan(&n); err != nil || n != 1 {
		t.Errorf("after the crash the row is %d (%v), want 1", n, err)
	}
}

func TestAPausedPostgresIsSilentUntilItIsResumed(t *testing.T) {
	t.Parallel()
	postgres := startPostgres(t, embedded.PostgresConfig{})
	db := connect(t, postgres.URL())
	if err := db.PingContext(t.Context()); err != nil {
		t.Fatal(err)
	}

	postgres.Pause()
	answered := make(chan error, 1)
	go func() { answered <- db.PingContext(context.Background()) }()
	select {
	case err := <-answered:
		t.Errorf("a paused server answered: %v", err)
	case <-time.After(100 * time.Millisecond):
	}

	postgres.Resume()
	if err := <-answered; err != nil {
		t.Errorf("after it was resumed: %v", err)
	}
}

func TestPostgresFindsItsDatabaseAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := startPostgres(t, embedded.PostgresConfig{Dir: dir, Durable: true})
	if _, err := connect(t, first.URL()).ExecContext(t.Context(), "create table kept ()"); err != nil {
		t.Fatal(err)
	}
	if err := first.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}

	second := startPostgres(t, embedded.PostgresConfig{Dir: dir, Durable: true})
	if _, err := connect(t, second.URL()).ExecContext(t.Context(), "select from kept"); err != nil {
		t.Error(err)
	}
}
