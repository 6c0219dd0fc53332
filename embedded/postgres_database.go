package embedded

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/lib/pq"
)

func (p *Postgres) url(database string) string {
	return fmt.Sprintf("postgres://settled@%s/%s?sslmode=disable", address(p.port), database)
}

// ping succeeds once the server takes connections.
func (p *Postgres) ping(ctx context.Context) error {
	return p.with(func(db *sql.DB) error { return db.PingContext(ctx) })
}

func (p *Postgres) createDatabase(ctx context.Context) error {
	return p.with(func(db *sql.DB) error {
		_, err := db.ExecContext(ctx, "create database settled")
		return err
	})
}

// with calls do with a connection to the database that every server has.
func (p *Postgres) with(do func(*sql.DB) error) error {
	connector, err := pq.NewConnector(p.url("postgres"))
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer db.Close() //nolint:errcheck // nothing was written that Close could lose
	return do(db)
}
