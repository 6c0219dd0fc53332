package store

import (
	"context"
	"fmt"
)

// Survey has PostgreSQL count the tables again that have become more than twice as large since
// it last did, and make its plans anew for what they are now. Autovacuum does so once a minute;
// until then the plans of a new database would be for empty tables, which are read whole. What
// is large already, because it was restored perhaps, is left to it: to count it takes a while.
// So is what somebody else counts at this moment, and what belongs to a role that is not ours.
func (s *Store) Survey(ctx context.Context) error {
	grown, err := s.grown(ctx)
	if err != nil {
		return fmt.Errorf("survey tables: %w", translate(err))
	}
	for _, table := range grown {
		if _, err := s.db.ExecContext(ctx, `analyze (skip_locked) `+table); err != nil {
			return fmt.Errorf("survey %s: %w", table, translate(err))
		}
	}
	return nil
}

// grown names the tables to count.
func (s *Store) grown(ctx context.Context) (tables []string, err error) {
	err = s.db.SelectContext(ctx, &tables, `
		select t.relname from pg_stat_user_tables t join pg_class c on c.oid = t.relid
		where t.schemaname = current_schema() and t.relname in ('payments', 'events', 'refunds')
			and t.n_live_tup between 500 and 1000000 and t.n_live_tup > 2 * c.reltuples
			and pg_has_role(c.relowner, 'usage')`)
	return tables, err
}
