package store

import (
	"context"
	"sync"

	"github.com/jmoiron/sqlx"
)

// statements are those that come again and again. Each is parsed once for a connection, and
// planned once if no plan depends on its arguments (columns says how): to plan one takes
// PostgreSQL as long as its work for dozens of rows.
type statements struct {
	db *sqlx.DB

	mu    sync.Mutex
	known map[string]*sqlx.Stmt // by text
}

func newStatements(db *sqlx.DB) *statements {
	return &statements{db: db, known: map[string]*sqlx.Stmt{}}
}

// prepared is the statement with this text, which must be one of a few.
func (s *statements) prepared(ctx context.Context, text string) (*sqlx.Stmt, error) {
	s.mu.Lock()
	statement := s.known[text]
	s.mu.Unlock()
	if statement != nil {
		return statement, nil
	}
	statement, err := s.db.PreparexContext(ctx, text)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if other := s.known[text]; other != nil { // somebody was faster
		return other, statement.Close() //nolint:sqlclosecheck // it is closed here
	}
	s.known[text] = statement
	return statement, nil
}

// query reads all rows that a statement returns into a slice.
func (s *statements) query(ctx context.Context, rows any, text string, arguments ...any) error {
	statement, err := s.prepared(ctx, text) //nolint:sqlclosecheck // it is kept as long as the store
	if err != nil {
		return err
	}
	return statement.SelectContext(ctx, rows, arguments...)
}

// queryIn is query in a transaction.
func (s *statements) queryIn(ctx context.Context, tx *sqlx.Tx, rows any, text string, arguments ...any) error {
	statement, err := s.within(ctx, tx, text)
	if err != nil {
		return err
	}
	defer func() { _ = statement.Close() }() // the one that is kept stays
	return statement.SelectContext(ctx, rows, arguments...)
}

// execIn runs a statement that returns nothing in a transaction.
func (s *statements) execIn(ctx context.Context, tx *sqlx.Tx, text string, arguments ...any) error {
	statement, err := s.within(ctx, tx, text)
	if err != nil {
		return err
	}
	defer func() { _ = statement.Close() }() // as above
	_, err = statement.ExecContext(ctx, arguments...)
	return err
}

// within is a statement as it is run in a transaction.
func (s *statements) within(ctx context.Context, tx *sqlx.Tx, text string) (*sqlx.Stmt, error) {
	statement, err := s.prepared(ctx, text)
	if err != nil {
		return nil, err
	}
	return tx.StmtxContext(ctx, statement), nil
}
