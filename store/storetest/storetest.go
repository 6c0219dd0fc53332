// Package storetest gives tests a real PostgreSQL: one server for each test binary, one
// schema for each test.
//
//	func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }
//
// It must never be imported by anything but tests.
package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/lib/pq" // the driver by which schemas are made

	"settled/embedded"
	"settled/store"
)

var (
	server *embedded.Postgres
	number atomic.Int64
)

// Main starts the server, runs the tests and stops the server. It returns the exit code.
func Main(m *testing.M) int {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var err error
	server, err = embedded.StartPostgres(ctx, embedded.PostgresConfig{MaxConnections: 300, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Fprintln(os.Stderr, "start postgres:", err)
		return 1
	}
	code := m.Run()
	stop, cancelStop := context.WithTimeout(context.Background(), time.Minute)
	defer cancelStop()
	if err := server.Stop(stop); err != nil {
		fmt.Fprintln(os.Stderr, "stop postgres:", err)
		return 1
	}
	return code
}

// URL returns the address of a new, empty schema of the test's own.
func URL(t testing.TB) string {
	t.Helper()
	db, err := sql.Open("postgres", server.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	schema := fmt.Sprintf("test_%d", number.Add(1))
	if _, err := db.ExecContext(t.Context(), "create schema "+schema); err != nil {
		t.Fatal(err)
	}
	address, err := url.Parse(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	query := address.Query()
	query.Set("search_path", schema)
	address.RawQuery = query.Encode()
	return address.String()
}

// New returns a store on a new schema with everything in it.
func New(t testing.TB) *store.Store {
	t.Helper()
	s := Open(t, URL(t))
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// Open returns a store on the schema at an address that URL returned: a second process,
// as it were.
func Open(t testing.TB, address string) *store.Store {
	t.Helper()
	s, err := store.Open(store.Config{URL: address, Connections: 8, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// DB returns a plain connection to the schema at an address, for looking beneath the
// store and for breaking its rules.
func DB(t testing.TB, address string) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}
