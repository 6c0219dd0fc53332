package store_test

import (
	"database/sql"
	"testing"
	"time"

	"settled"
	"settled/store"
	"settled/store/storetest"
)

// manyDays fills the tables with payments, and a refund of each, of two merchants, from an hour
// before a day until hours after it: as copies of one payment.
const manyDays = `
	alter table payments disable trigger all;
	alter table refunds disable trigger all;
	alter table events disable trigger all;
	create temp table days as
		select i, case when i % 2 = 0 then 'classic' else 'other' end as merchant,
			timestamptz '2026-11-26 23:00:00+08' + i * interval '18 seconds' as at
		from generate_series(1, 6000) i;
	insert into payments select (json_populate_record(p, json_build_object(
		'id', md5('p' || i)::uuid, 'order_id', 'o' || i, 'merchant', d.merchant, 'paid_at', d.at))).* from payments p, days d;
	insert into events (id, payment_id, version, type, merchant, order_id, at, data)
		select md5('e' || i)::uuid, md5('p' || i)::uuid, 9, 'payment.completed', merchant, 'o' || i, at + interval '1 second', '{}' from days;
	insert into refunds (id, payment_id, merchant, order_id, refund_id, amount, total, currency, reason, fingerprint, request, status, refunded_at, created_at)
		select md5('r' || i)::uuid, md5('p' || i)::uuid, merchant, 'o' || i, 'R' || i, 1, 1999, 'CNY', '', 'f', 'r', 'completed', now(), at from days;
	insert into events (id, payment_id, version, type, merchant, order_id, refund_id, at, data)
		select md5('a' || i)::uuid, md5('p' || i)::uuid, 10, 'refund.accepted', merchant, 'o' || i, md5('r' || i)::uuid, at + interval '2 seconds', '{}' from days;
	analyze payments, refunds, events`

// Everything of a day, of one merchant, once, whatever page it stands on, and by an index.
func TestADayIsHandedOverWhole(t *testing.T) {
	t.Parallel()
	template, address := migrated(t)
	paid(t, template, "first001")
	db, before := days(t, template, address)
	s, gone := storeNamed(t, address, "bills")
	day, err := settled.ParseBillDay("2026-11-27")
	if err != nil {
		t.Fatal(err)
	}
	// A payment each 36 seconds for each merchant.
	const each = 24 * 60 * 60 / 36
	for _, merchant := range []string{"classic", "other"} {
		payments, refunds := map[string]bool{}, map[string]bool{}
		if err := s.PaidOn(t.Context(), []string{merchant}, day, func(p settled.BilledPayment) error {
			if payments[p.OrderID] = true; p.PaidAt.Before(day.Begin()) || !p.PaidAt.Before(day.End()) {
				t.Errorf("%s was paid at %s", p.OrderID, p.PaidAt)
			}
			return nil
		}); err != nil || len(payments) != each {
			t.Errorf("%s: %d payments, want %d, %v", merchant, len(payments), each, err)
		}
		if err := s.RefundedOn(t.Context(), []string{merchant}, day, func(r settled.BilledRefund) error {
			if refunds[r.RefundID] = true; r.AcceptedAt.Sub(r.CreatedAt) != 2*time.Second {
				t.Errorf("%s was asked for at %s and accepted at %s", r.RefundID, r.CreatedAt, r.AcceptedAt)
			}
			return nil
		}); err != nil || len(refunds) != each {
			t.Errorf("%s: %d refunds, want %d, %v", merchant, len(refunds), each, err)
		}
	}
	billNames(t, s)
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

// days fills the tables, and says how often each was read as a whole so far.
func days(t *testing.T, template *store.Store, address string) (*sql.DB, map[string]int) {
	t.Helper()
	db := storetest.DB(t, address)
	if _, err := db.ExecContext(t.Context(), manyDays); err != nil {
		t.Fatal(err)
	}
	if err := template.Close(); err != nil {
		t.Fatal(err)
	}
	return db, scans(t, db)
}

// billNames looks up what a bill names.
func billNames(t *testing.T, s *store.Store) {
	t.Helper()
	payments, err := s.BilledPayments(t.Context(), []string{"classic", "nobody"}, []string{"o2", "o3", "nothing", "\x00"})
	if err != nil || len(payments) != 1 || payments[0].OrderID != "o2" || payments[0].Merchant != "classic" || payments[0].Amount.Total != 1999 || payments[0].Status != settled.StatusCompleted {
		t.Errorf("payments %+v, %v", payments, err)
	}
	refunds, err := s.BilledRefunds(t.Context(), []string{"other"}, []string{"R2", "R3", "\xff"})
	if err != nil || len(refunds) != 1 || refunds[0].RefundID != "R3" || refunds[0].Merchant != "other" || refunds[0].OrderID != "o3" || refunds[0].Amount.Total != 1 {
		t.Errorf("refunds %+v, %v", refunds, err)
	}
}
