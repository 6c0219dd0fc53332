package store_test

import (
	"context"
	"testing"
	"time"

	"settled"
	"settled/store"
)

// manyLines fills the journal as weeks of work would, and settles most of many flags.
const manyLines = `
	insert into journal (at, payment_id, merchant, order_id, kind, name, host, outcome, code, request_id, took_us)
		select now() - (100000 - i) * interval '1 second', p.id, case when i % 1000 = 7 then 'rare' else 'first' end, 'o' || i,
			'call', 'orderquery', case when i % 9 = 0 then 'backup' else 'main' end, 'done', '0', '', i
		from generate_series(1, 100000) i join (select id, row_number() over () n from payments) p on p.n = i;
	insert into events (id, type, merchant, order_id, at, data)
		select md5('flag' || i)::uuid, 'payment.flagged', 'first', 'o' || i, now() - i * interval '1 minute', '{"reason": "unknown_order"}'
		from generate_series(1, 10000) i;
	insert into flags_settled (event_id, settled_by, comment, settled_at)
		select md5('flag' || i)::uuid, 'mei', '', now() from generate_series(3, 10000) i;
	analyze payments, events, refunds, journal, flags_settled`

// Whatever a person looks for among hundreds of thousands, nothing is read as a whole, and a
// page of what is rare takes no longer than others.
func TestNothingAPersonAsksReadsATableAsAWhole(t *testing.T) {
	t.Parallel()
	template, db, address := filled(t, 100_000)
	if _, err := db.ExecContext(t.Context(), manyLines); err != nil {
		t.Fatal(err)
	}
	if err := template.Close(); err != nil {
		t.Fatal(err)
	}
	before := scans(t, db)
	s, gone := storeNamed(t, address, "looks")
	look(t, s)
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

// look is whatever the page may ask.
func look(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	middle := time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC)
	for _, merchant := range []string{"", "first", "rare", "nobody"} {
		for _, status := range append([]settled.Status{""}, settled.Statuses...) {
			for _, l := range []settled.Listing{{}, {From: middle}, {To: middle}, {From: middle, To: middle.Add(time.Minute)}} {
				l.Merchant, l.Status = merchant, status
				for range 2 { // the page after the first has a place to begin at
					page, err := s.Payments(ctx, l)
					if err != nil {
						t.Fatalf("%+v: %v", l, err)
					}
					if l.After = page.Next; l.After == "" {
						break
					}
				}
			}
		}
		for _, status := range append([]settled.RefundStatus{""}, settled.RefundStatuses...) {
			if _, err := s.RefundList(ctx, settled.RefundListing{Merchant: merchant, Status: status}); err != nil {
				t.Fatal(err)
			}
		}
		for _, done := range []bool{false, true} {
			if _, err := s.Flags(ctx, settled.FlagListing{Merchant: merchant, Settled: done}); err != nil {
				t.Fatal(err)
			}
		}
	}
	rare, err := s.Payments(ctx, settled.Listing{Merchant: "rare"})
	if err != nil || len(rare.Items) != 50 {
		t.Fatalf("%d of a rare merchant, %v", len(rare.Items), err)
	}
	id := rare.Items[0].ID
	for name, read := range map[string]func(ctx context.Context) error{
		"Overview": func(ctx context.Context) error { _, err := s.Overview(ctx); return err },
		"Journal":  func(ctx context.Context) error { _, err := s.Journal(ctx, id); return err },
		"FlagsOf":  func(ctx context.Context) error { _, err := s.FlagsOf(ctx, id); return err },
		"Refunds":  func(ctx context.Context) error { _, err := s.Refunds(ctx, id); return err },
		"History":  func(ctx context.Context) error { _, err := s.History(ctx, id); return err },
		"Forget":   func(ctx context.Context) error { _, err := s.ForgetJournal(ctx, 48*time.Hour, 500); return err },
		"query": func(ctx context.Context) error {
			_, err := s.Act(ctx, settled.Act{Kind: settled.ActQuery, PaymentID: id})
			return err
		},
		"close": func(ctx context.Context) error {
			_, err := s.Act(ctx, settled.Act{Kind: settled.ActClose, PaymentID: id})
			return err
		},
		"settle": func(ctx context.Context) error {
			waiting, err := s.Flags(ctx, settled.FlagListing{})
			if err != nil {
				return err
			}
			_, err = s.Act(ctx, settled.Act{Kind: settled.ActSettle, EventID: waiting.Items[0].EventID})
			return err
		},
	} {
		if err := read(ctx); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	for _, number := range []string{"order121", id, "wx1001", "R1001", "W1001", "nothing"} {
		if _, err := s.Search(ctx, number); err != nil {
			t.Fatalf("Search(%q): %v", number, err)
		}
	}
	for range 8 { // more than five times, so that PostgreSQL has made its plan for all arguments
		s.Note(settled.Entry{Merchant: "first", OrderID: "order121", Kind: settled.EntryNotify})
	}
}
