package store_test

import (
	"context"
	"database/sql"
	"net/url"
	"testing"
	"time"

	"settled"
	"settled/store"
	"settled/store/storetest"
)

// manyFinished fills the tables with what has come to its end: payments with two rows of
// history, as copies of one.
const manyFinished = `
	alter table payments disable trigger payment_guard;
	insert into payments select (json_populate_record(p, json_build_object('id', md5(i::text)::uuid, 'order_id', 'old' || i))).*
		from payments p, generate_series(1, 12000) i;
	insert into events select (json_populate_record(e, json_build_object(
		'id', md5(e.type || i)::uuid, 'payment_id', md5(i::text)::uuid, 'order_id', 'old' || i))).*
		from events e, generate_series(1, 12000) i where e.payment_id is not null;
	alter table payments enable trigger payment_guard;
	alter table refunds disable trigger all;
	insert into refunds (id, payment_id, merchant, order_id, refund_id, amount, total, currency, reason, fingerprint, request, status, refunded_at)
		select md5(i::text)::uuid, md5(i::text)::uuid, 'classic', 'old' || i, 'R' || i, 1, 1999, 'CNY', '', 'f', 'r', 'completed', now()
		from generate_series(1, 12000) i;
	alter table refunds enable trigger all;
	delete from outbox;
	analyze payments, refunds, events, outbox`

// What the work does again and again reads what it needs by an index, however much has come
// to its end: PostgreSQL counts how often it went through a whole table.
func TestNoTableThatGrowsIsReadAsAWhole(t *testing.T) {
	t.Parallel()
	template, address := migrated(t)
	paid(t, template, "first001")
	db := storetest.DB(t, address)
	if _, err := db.ExecContext(t.Context(), manyFinished); err != nil {
		t.Fatal(err)
	}
	if err := template.Close(); err != nil {
		t.Fatal(err)
	}
	before := scans(t, db)
	s, gone := storeNamed(t, address, "plans")
	// More than five times, so that PostgreSQL has made its plan for all arguments.
	for _, order := range []string{"plan0001", "plan0002", "plan0003", "plan0004", "plan0005", "plan0006", "plan0007", "plan0008"} {
		work(t, s, order)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	gone(db)
	for table, n := range scans(t, db) {
		if n != before[table] {
			t.Errorf("%s was read as a whole %d times", table, n-before[table])
		}
	}
}

// An audit reads the histories of a page, and the bodies in them, by their index, though a page
// is a good part of so small a table: a page of all payments, and one of those that have changed.
func TestAnAuditReadsNoHistoryThatIsNotOnItsPage(t *testing.T) {
	t.Parallel()
	template, address := migrated(t)
	paid(t, template, "first001")
	db := storetest.DB(t, address)
	if _, err := db.ExecContext(t.Context(), manyFinished); err != nil {
		t.Fatal(err)
	}
	before := scans(t, db)
	s, gone := storeNamed(t, address, "audits")
	changed, err := s.PaymentsAfter(t.Context(), "", 500)
	if err != nil {
		t.Fatal(err)
	}
	for range 8 {
		if _, err := s.AuditPayments(t.Context(), changed, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Audit(t.Context(), time.Hour, func(settled.Audited) {}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	gone(db)
	if n := scans(t, db)["events"] - before["events"]; n != 0 {
		t.Errorf("the events were read as a whole %d times", n)
	}
}

// scans is how often each table that grows was read as a whole.
func scans(t *testing.T, db *sql.DB) map[string]int {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `select relname, seq_scan from pg_stat_user_tables
		where schemaname = current_schema() and relname in ('payments', 'events', 'refunds', 'journal', 'flags_settled')`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	found := map[string]int{}
	for rows.Next() {
		var table string
		var n int
		if err := rows.Scan(&table, &n); err != nil {
			t.Fatal(err)
		}
		found[table] = n
	}
	if err := rows.Err(); err != nil || len(found) != 5 {
		t.Fatalf("%v, %v", found, err)
	}
	return found
}

// storeNamed opens a store whose connections have a name; gone waits until none is left, because
// what a connection counted is known only then.
func storeNamed(t *testing.T, address, name string) (s *store.Store, gone func(*sql.DB)) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Set("application_name", name)
	u.RawQuery = query.Encode()
	return storetest.Open(t, u.String()), func(db *sql.DB) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		for left := 1; left > 0; {
			if err := db.QueryRowContext(ctx, "select count(*) from pg_stat_activity where application_name = $1", name).Scan(&left); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// work is the life of a payment and of its refund, with all that is asked meanwhile.
func work(t *testing.T, s *store.Store, orderID string) {
	t.Helper()
	ctx := t.Context()
	p := record(t, s, request(orderID))
	claims := []settled.Claim{}
	for _, status := range settled.Statuses {
		claims = append(claims, settled.Claim{Status: status, Merchants: []string{"classic", "other"}, Each: 10, Lease: time.Minute})
	}
	deeds := []func() error{
		func() error { _, err := s.Payment(ctx, p.Merchant, p.OrderID); return err },
		func() error {
			_, err := s.Delay(ctx, settled.Delay{PaymentID: p.ID, Status: p.Status, DueAt: time.Now()})
			return err
		},
		func() error { _, err := s.Move(ctx, moveOf(p, settled.FactPrepared)); return err },
		func() error {
			p.Status = settled.StatusPrepared
			_, err := s.Move(ctx, moveOf(p, settled.FactPaid))
			return err
		},
		func() error { _, err := s.Tell(ctx, flagOf(p, "t1")); return err },
		func() error { _, err := s.PaymentByID(ctx, p.ID); return err },
		func() error { _, err := s.History(ctx, p.ID); return err },
		func() error {
			_, err := s.ToldOfOrder(ctx, []string{"payment.flagged"}, p.Merchant, p.OrderID)
			return err
		},
		func() error { _, err := s.Told(ctx, settled.EventID("payment.completed", p.ID)); return err },
		func() error { return s.LearnPayer(ctx, p.ID, "o2") },
		func() error {
			r := recordRefund(t, s, refundOf(p, orderID+"-R1", 500))
			if _, err := s.MoveRefund(ctx, refundMoveOf(r, settled.RefundFactAccepted, true)); err != nil {
				return err
			}
			_, err := s.RefundNews(ctx, r.ID)
			return err
		},
		func() error {
			_, err := s.Relay(ctx, settled.RelayRound{Stream: "out", Types: []string{"payment.completed"}, Most: 100},
				func(_ context.Context, events []settled.Event) (uint64, []error) {
					return 1, make([]error, len(events))
				})
			return err
		},
		func() error { _, err := s.Census(ctx); return err },
		func() error { _, err := s.AuditPayments(ctx, []string{p.ID}, time.Hour); return err },
	}
	for _, claim := range claims {
		deeds = append(deeds, func() error { _, err := s.Due(ctx, claim); return err })
	}
	for i, do := range deeds {
		if err := do(); err != nil {
			t.Fatalf("deed %d of %s: %v", i, orderID, err)
		}
	}
}
