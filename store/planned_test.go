package store_test

import (
	"strings"
	"testing"
	"time"

	"settled"
	"settled/store"
	"settled/store/storetest"
)

// PostgreSQL tries five plans for the arguments at hand before it trusts one for all.
const tries = 5

// A statement that callers share is planned once, though a lone caller's is for one row: its plan
// takes longer than its work.
func TestAStatementForOneIsNotPlannedAnew(t *testing.T) {
	t.Parallel()
	s, err := store.Open(store.Config{URL: storetest.URL(t), Connections: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	const lives = 2 * tries
	for i := range lives {
		liveAlone(t, s, "alone"+string(rune('a'+i)))
	}
	plans, err := s.Plans(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	shared := 0
	for _, p := range plans {
		if !strings.Contains(p.Statement, "unnest((select $1") {
			continue
		}
		shared++
		if p.Anew > tries || p.Once < lives-tries {
			t.Errorf("planned %d times beside the %d with one plan: %s", p.Anew, p.Once, p.Statement)
		}
	}
	if shared != 5 {
		t.Errorf("%d shared statements, not those that record, look up, delay, move and tell", shared)
	}
}

// liveAlone takes a payment through every statement that callers share.
func liveAlone(t *testing.T, s *store.Store, orderID string) {
	t.Helper()
	p := record(t, s, request(orderID))
	if _, err := s.Payment(t.Context(), p.Merchant, p.OrderID); err != nil {
		t.Fatal(err)
	}
	delay := settled.Delay{PaymentID: p.ID, Status: p.Status, DueAt: time.Now()}
	if delayed, err := s.Delay(t.Context(), delay); !delayed || err != nil {
		t.Fatal(delayed, err)
	}
	if moved, err := s.Move(t.Context(), moveOf(p, settled.FactPrepared)); !moved || err != nil {
		t.Fatal(moved, err)
	}
	told := settled.Event{
		ID: settled.EventID("payment.flagged", p.ID), Type: "payment.flagged", PaymentID: p.ID,
		Merchant: p.Merchant, OrderID: p.OrderID, At: time.Now(), Data: []byte(`{}`),
	}
	if fresh, err := s.Tell(t.Context(), told); !fresh || err != nil {
		t.Fatal(fresh, err)
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
