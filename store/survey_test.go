package store_test

import (
	"database/sql"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"

	"settled/store"
	"settled/store/storetest"
)

// What a new database is filled with is counted long before autovacuum comes by, and counted
// again only when it has become twice as much.
func TestATableThatHasGrownIsCountedAgain(t *testing.T) {
	t.Parallel()
	s, address := migrated(t)
	db := storetest.DB(t, address)
	survey(t, s)
	counted(t, db, 0, 0)
	grow(t, db, 1, 600)
	survey(t, s)
	counted(t, db, 600, 1)
	grow(t, db, 601, 900) // not twice as many
	survey(t, s)
	counted(t, db, 600, 1)
	grow(t, db, 901, 1300)
	survey(t, s)
	counted(t, db, 1300, 2)
}

// While somebody else counts a table, or changes it, a survey does not wait.
func TestASurveyWaitsForNobody(t *testing.T) {
	t.Parallel()
	s, address := migrated(t)
	db := storetest.DB(t, address)
	grow(t, db, 1, 600)
	other, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.ExecContext(t.Context(), `lock table payments in share update exclusive mode`); err != nil {
		t.Fatal(err)
	}
	survey(t, s)
	counted(t, db, 0, 0)
	if err := other.Rollback(); err != nil {
		t.Fatal(err)
	}
	survey(t, s)
	counted(t, db, 600, 1)
}

// A role that may write the tables and does not own them can't have them counted. It does not
// try: each try would be a warning in PostgreSQL's log, every few seconds.
func TestASurveyLeavesOutWhatOthersOwn(t *testing.T) {
	t.Parallel()
	s, address := migrated(t)
	db := storetest.DB(t, address)
	grow(t, db, 1, 600)
	guest := storetest.Open(t, asGuest(t, db, address))
	if grown, err := guest.Grown(t.Context()); err != nil || len(grown) != 0 {
		t.Errorf("a guest is to count %v (%v)", grown, err)
	}
	survey(t, guest)
	if grown, err := s.Grown(t.Context()); err != nil || strings.Join(grown, " ") != "payments" {
		t.Errorf("the owner is to count %v (%v)", grown, err)
	}
}

// asGuest makes a role that may read and write all tables, and returns the address for it.
func asGuest(t *testing.T, db *sql.DB, address string) string {
	t.Helper()
	name := "guest_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	var schema string
	if err := db.QueryRowContext(t.Context(), `select current_schema()`).Scan(&schema); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`create role ` + name + ` login`,
		`grant usage on schema ` + schema + ` to ` + name,
		`grant select, insert, update, delete on all tables in schema ` + schema + ` to ` + name,
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	dsn, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	dsn.User = url.User(name)
	return dsn.String()
}

func survey(t *testing.T, s *store.Store) {
	t.Helper()
	if err := s.Survey(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// counted checks how many payments PostgreSQL reckons with, and how often it counted them.
func counted(t *testing.T, db *sql.DB, wantRows float64, wantTimes int) {
	t.Helper()
	var rows float64
	var times int
	err := db.QueryRowContext(t.Context(), `select greatest(c.reltuples, 0), t.analyze_count from pg_class c
		join pg_stat_user_tables t on t.relid = c.oid where c.oid = 'payments'::regclass`).Scan(&rows, &times)
	if err != nil {
		t.Fatal(err)
	}
	if rows != wantRows || times != wantTimes {
		t.Errorf("%v rows were counted %d times, want %v and %d", rows, times, wantRows, wantTimes)
	}
}

// grow makes payments of these numbers.
func grow(t *testing.T, db *sql.DB, from, to int) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), `alter table payments set (autovacuum_enabled = false)`); err != nil { // it would be faster once a minute
		t.Fatal(err)
	}
	_, err := db.ExecContext(t.Context(), `insert into payments (id, merchant, order_id, trade_type, amount_total, currency, description,
			client_ip, payer_openid, attach, metadata, expires_at, fingerprint, prepay_request, due_at)
		select gen_random_uuid(), 'classic', 'grown' || i, 'APP', 1, 'CNY', '', '', '', '', '{}', now(), '', '', now()
		from generate_series($1::int, $2::int) i`, from, to)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < to; { // the counters come a moment after the commit
		if err := db.QueryRowContext(t.Context(), `select n_live_tup from pg_stat_user_tables where relid = 'payments'::regclass`).Scan(&n); err != nil {
			t.Fatal(err)
		}
	}
}
