package store

import "context"

// Planned is a statement that a connection has parsed, and how often each kind of plan was
// used for it.
type Planned struct {
	Statement string `db:"statement"`
	Once      int    `db:"generic_plans"` // with the plan for all arguments
	Anew      int    `db:"custom_plans"`  // with a plan for the arguments alone
}

// Plans are the statements of the connection that is free.
func (s *Store) Plans(ctx context.Context) (plans []Planned, err error) {
	return plans, s.db.SelectContext(ctx, &plans, `select statement, generic_plans, custom_plans from pg_prepared_statements`)
}

// Grown names the tables that a survey would count.
func (s *Store) Grown(ctx context.Context) ([]string, error) { return s.grown(ctx) }
