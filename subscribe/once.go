package subscribe

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"time"
)

// Table is the table of effects unless another one is named.
const Table = "settled_effects"

// ErrTooOld: an event is older than effects are remembered, so nobody can tell any more
// whether it had its effect.
var ErrTooOld = errors.New("the event is older than effects are remembered")

// Effects remembers in your database which events have had their effect. Rows of several
// services may share a table. The statements are PostgreSQL's, with its placeholders.
type Effects struct {
	DB    *sql.DB
	Table string // as a statement names it, with a schema or without; default Table
	// Keep is how long an effect is remembered; default 30 days, at least 8: the stream keeps
	// an event for 7 days. An event that is older is never acted on but given up, with
	// ErrTooOld.
	Keep time.Duration
}

// Once does the effect of an event in a transaction of its own, exactly once: however often
// the event comes, and to however many machines at the same moment. It uses the table
// named Table.
func Once(ctx context.Context, db *sql.DB, event Event, effect func(ctx context.Context, tx *sql.Tx) error) error {
	return Effects{DB: db}.Once(ctx, event, effect)
}

// Once is Once with a table and a memory of one's own. An effect that was done before is no
// error. An effect that fails is rolled back, with the row that would say it was done; its
// error comes back as it is. What the effect does outside of tx may happen twice.
func (e Effects) Once(ctx context.Context, event Event, effect func(ctx context.Context, tx *sql.Tx) error) (err error) {
	table, keep, err := e.settings()
	if err != nil {
		return err
	}
	// Read committed, so that who comes second waits for the first and then sees its row.
	tx, err := e.DB.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return fmt.Errorf("begin effect of %s: %w", event.ID, err)
	}
	defer func() { _ = tx.Rollback() }() // nothing after a commit
	first, err := remember(ctx, tx, table, keep, event)
	if err != nil || !first {
		return err
	}
	if err := effect(ctx, tx); err != nil {
		return err
	}
	// A commit whose outcome is unknown fails: the event comes again and the row tells.
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit effect of %s: %w", event.ID, err)
	}
	return nil
}

// remember writes the row before anything is done: a second transaction waits on it until
// the first has ended, so that of two at once only one goes on.
func remember(ctx context.Context, tx *sql.Tx, table string, keep time.Duration, event Event) (first bool, err error) {
	written, err := tx.ExecContext(ctx, `
		insert into `+table+` (subscriber, event_id, event_type)
		select $1, $2, $3 where $4::timestamptz > now() - $5::bigint * interval '1 second'
		on conflict (subscriber, event_id) do nothing`,
		event.Subscriber, event.ID, event.Type, event.Time, int64(keep/time.Second))
	if err != nil {
		return false, fmt.Errorf("remember effect of %s: %w", event.ID, err)
	}
	rows, err := written.RowsAffected()
	if err != nil || rows == 1 {
		return rows == 1, err
	}
	var done bool
	err = tx.QueryRowContext(ctx, `
		select exists (select from `+table+` where subscriber = $1 and event_id = $2)`,
		event.Subscriber, event.ID).Scan(&done)
	switch {
	case err != nil:
		return false, fmt.Errorf("look for effect of %s: %w", event.ID, err)
	case !done:
		return false, GiveUp(fmt.Errorf("%s of %s: %w", event.Type, event.Time.Format(time.RFC3339), ErrTooOld))
	}
	return false, nil
}

// Create makes the table if it is not there; many machines may do it at once. Schema is the
// same for whoever has migrations.
func (e Effects) Create(ctx context.Context) error {
	schema, err := e.Schema()
	if err != nil {
		return err
	}
	tx, err := e.DB.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("create table of effects: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // nothing after a commit
	// "if not exists" alone lets two who begin at the same moment collide.
	_, err = tx.ExecContext(ctx, `select pg_advisory_xact_lock(hashtext('`+Table+`'))`)
	if err == nil {
		_, err = tx.ExecContext(ctx, schema)
	}
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		return fmt.Errorf("create table of effects: %w", err)
	}
	return nil
}

// Schema returns the statement that makes the table.
func (e Effects) Schema() (string, error) {
	table, _, err := e.settings()
	return `create table if not exists ` + table + ` (
	subscriber text        not null,
	event_id   text        not null,
	event_type text        not null,
	done_at    timestamptz not null default now(),
	primary key (subscriber, event_id)
)`, err
}

// forgetBatch is how many rows one statement of Forget deletes: none holds locks for long.
const forgetBatch = 5000

// Forget deletes what is older than Keep, of all services that share the table, and returns
// how many rows that were. Call it once a day, by the service that keeps longest.
func (e Effects) Forget(ctx context.Context) (forgotten int64, err error) {
	table, keep, err := e.settings()
	if err != nil {
		return 0, err
	}
	for {
		// An effect is never older than its event, so what is deleted is of events too old to
		// be acted on.
		deleted, err := e.DB.ExecContext(ctx, `
			delete from `+table+` where ctid = any (array(
				select ctid from `+table+` where done_at < now() - $1::bigint * interval '1 second' limit $2))`,
			int64(keep/time.Second), forgetBatch)
		if err != nil {
			return forgotten, fmt.Errorf("forget effects: %w", err)
		}
		rows, err := deleted.RowsAffected()
		forgotten += rows
		if err != nil || rows < forgetBatch {
			return forgotten, err
		}
	}
}

// tableName is what stands in a statement without quotes.
var tableName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}(\.[a-z_][a-z0-9_]{0,62})?$`)

const (
	leastKeep   = 8 * 24 * time.Hour
	defaultKeep = 30 * 24 * time.Hour
)

func (e Effects) settings() (table string, keep time.Duration, err error) {
	table, keep = e.Table, e.Keep
	if table == "" {
		table = Table
	}
	if keep == 0 {
		keep = defaultKeep
	}
	switch {
	case !tableName.MatchString(table):
		return "", 0, fmt.Errorf("%q is no plain name of a table", table)
	case keep < leastKeep:
		return "", 0, fmt.Errorf("effects must be remembered for at least %s, not %s", leastKeep, keep)
	}
	return table, keep, nil
}
