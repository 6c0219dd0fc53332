package store_test

import (
	"fmt"
	"strings"
	"testing"

	"settled/store/storetest"
)

// PostgreSQL tries five plans for the arguments at hand before it trusts one for all.
const tries = 5

// A statement that callers share is planned once, though a lone caller's is for one row: its plan
// takes longer than its work. So is the relay's, whose rows are not counted in advance either.
func TestAStatementForOneIsNotPlannedAnew(t *testing.T) {
	t.Parallel()
	s, _ := migrated(t)
	const lives = 2 * tries
	for i := range lives { // one deed after the other, so that they have the same connection
		work(t, s, fmt.Sprintf("alone%03d", i))
	}
	plans, err := s.Plans(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kept := 0
	for _, p := range plans {
		if !strings.Contains(p.Statement, "(select $1::") {
			continue
		}
		kept++
		if p.Anew > tries || p.Once < lives-tries {
			t.Errorf("planned %d times beside the %d with one plan: %s", p.Anew, p.Once, p.Statement)
		}
	}
	if kept != 8 {
		t.Errorf("%d statements, not those that record, look up, delay, move and tell, record and move refunds, and relay", kept)
	}
}

// What a new database is filled with is counted long before autovacuum comes by, and counted
// again only when it has become twice as much.
func TestATableThatHasGrownIsCountedAgain(t *testing.T) {
	t.Parallel()
	s, address := migrated(t)
	db := storetest.DB(t, address)
	counted := func() (rows float64, times int) {
		t.Helper()
		if err := s.Survey(t.Context()); err != nil {
			t.Fatal(err)
		}
		err := db.QueryRowContext(t.Context(), `select c.reltuples, t.analyze_count from pg_class c join pg_stat_user_tables t on t.relid = c.oid
			where c.oid = 'payments'::regclass`).Scan(&rows, &times)
		if err != nil {
			t.Fatal(err)
		}
		return rows, times
	}
	grow := func(from, to int) {
		t.Helper()
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
	if _, times := counted(); times != 0 {
		t.Errorf("an empty table was counted %d times", times)
	}
	grow(1, 600)
	if rows, times := counted(); rows != 600 || times != 1 {
		t.Errorf("%v rows counted %d times, not 600 once", rows, times)
	}
	grow(601, 900)
	if rows, times := counted(); rows != 600 || times != 1 {
		t.Errorf("%v rows counted %d times: they have not become twice as many", rows, times)
	}
	grow(901, 1300)
	if rows, times := counted(); rows != 1300 || times != 2 {
		t.Errorf("%v rows counted %d times, not 1300 twice", rows, times)
	}
}
