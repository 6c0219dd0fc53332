package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled"
	"settled/store"
	"settled/store/storetest"
)

// shelves fills the tables as years of work would: $1 payments of three merchants, of which one
// is rare, in every state, some begun at the very same moment, with their history, and for every
// tenth of the completed ones a refund. The ids of the odd ones do not rise with time.
const shelves = `
	alter table payments disable trigger all;
	alter table refunds disable trigger all;
	alter table events disable trigger all;
	create temporary table made as
		select case when i % 2 = 0 then (lpad(to_hex(i), 8, '0') || '-0000-7000-8000-000000000000')::uuid else md5(i::text)::uuid end as id,
			case when i % 1000 = 7 then 'rare' when i % 3 = 0 then 'second' else 'first' end as merchant,
			'order' || i as order_id, timestamptz '2026-01-01' + (i / 4) * interval '1 second' as at,
			case when i > $1 - 40 and i % 2 = 0 then 'prepared' when i > $1 - 40 and i % 3 = 0 then 'requested'
				when i % 500 = 7 then 'failed' when i % 5 = 0 then 'closed' else 'completed' end as status, i
		from generate_series(1, $1) i;
	insert into payments (id, merchant, order_id, status, version, trade_type, amount_total, currency, description, client_ip,
			payer_openid, attach, metadata, expires_at, fingerprint, prepay_request, prepared_at, transaction_id, paid_at, source,
			close_reason, failure_code, due_at, created_at, updated_at)
		select id, merchant, order_id, status, 2, 'APP', 1999, 'CNY', 'tea', '', '', '', '{}', at + interval '1 hour', 'f', 'r',
			case when status = 'prepared' then at end, case when status = 'completed' then 'wx' || i else '' end,
			case when status = 'completed' then at end, case when status = 'completed' then 'notify' else '' end,
			case when status = 'closed' then 'expired' else '' end, case when status = 'failed' then 'X' else '' end,
			case when status in ('requested', 'prepared') then now() + interval '1 hour' end, at, at
		from made;
	insert into events (id, payment_id, version, type, merchant, order_id, at, data, private)
		select md5('r' || i)::uuid, id, 1, 'payment.recorded', merchant, order_id, at, '{}', true from made;
	insert into events (id, payment_id, version, type, merchant, order_id, at, data)
		select md5('s' || i)::uuid, id, 2, 'payment.' || status, merchant, order_id, at, '{}' from made where status <> 'requested';
	insert into refunds (id, payment_id, merchant, order_id, refund_id, status, amount, total, currency, reason, fingerprint, request,
			wechat_refund_id, refunded_at, due_at, created_at)
		select md5('refund' || i)::uuid, id, merchant, order_id, 'R' || i, case when i % 100 = 1 then 'accepted' else 'completed' end,
			100, 1999, 'CNY', '', 'f', 'r', 'W' || i, at, case when i % 100 = 1 then now() + interval '1 hour' end, at
		from made where status = 'completed' and i % 10 = 1;
	drop table made;
	alter table payments enable trigger all;
	alter table refunds enable trigger all;
	alter table events enable trigger all;
	analyze payments, events, refunds, journal, flags_settled`

func filled(t *testing.T, many int) (*store.Store, *sql.DB, string) {
	t.Helper()
	s, address := migrated(t)
	db := storetest.DB(t, address)
	if _, err := db.ExecContext(t.Context(), strings.ReplaceAll(shelves, "$1", fmt.Sprint(many))); err != nil {
		t.Fatal(err)
	}
	return s, db, address
}

// listed is what a list has to give, by a statement that needs no cleverness.
func listed(t *testing.T, db *sql.DB, table, where string) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `select id from `+table+` where `+where+` order by created_at desc, id desc`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return ids
}

// leafed reads a list to its end.
func leafed[T any](t *testing.T, id func(T) string, read func(after string) (settled.Page[T], error)) []string {
	t.Helper()
	var ids []string
	for after := ""; ; {
		page, err := read(after)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			ids = append(ids, id(item))
		}
		if after = page.Next; after == "" {
			return ids
		}
	}
}

func paymentID(p settled.Payment) string { return p.ID }

func TestAListHasEachPaymentOnceAndInOrder(t *testing.T) {
	t.Parallel()
	s, db, _ := filled(t, 2000)
	middle := time.Date(2026, 1, 1, 0, 4, 10, 0, time.UTC)
	for _, merchant := range []string{"", "first", "rare", "nobody"} {
		for _, status := range append([]settled.Status{""}, settled.Statuses...) {
			for _, from := range []time.Time{{}, middle} {
				for _, to := range []time.Time{{}, middle.Add(time.Minute)} {
					l := settled.Listing{Merchant: merchant, Status: status, From: from, To: to, Size: 70}
					where := fmt.Sprintf(`'%s' in ('', merchant) and '%s' in ('', status)`, merchant, status)
					if !from.IsZero() {
						where += ` and created_at >= '` + from.Format(time.RFC3339) + `'`
					}
					if !to.IsZero() {
						where += ` and created_at < '` + to.Format(time.RFC3339) + `'`
					}
					got := leafed(t, paymentID, func(after string) (settled.Page[settled.Payment], error) {
						l.After = after
						return s.Payments(t.Context(), l)
					})
					if diff := cmp.Diff(listed(t, db, "payments", where), got); diff != "" {
						t.Errorf("%+v (-want +got):\n%s", l, diff)
					}
				}
			}
		}
	}
}

func TestAListHasEachRefundOnceAndInOrder(t *testing.T) {
	t.Parallel()
	s, db, _ := filled(t, 2000)
	for _, merchant := range []string{"", "second", "nobody"} {
		for _, status := range append([]settled.RefundStatus{""}, settled.RefundStatuses...) {
			l := settled.RefundListing{Merchant: merchant, Status: status, Size: 20}
			got := leafed(t, func(r settled.Refund) string { return r.ID }, func(after string) (settled.Page[settled.Refund], error) {
				l.After = after
				return s.RefundList(t.Context(), l)
			})
			where := fmt.Sprintf(`'%s' in ('', merchant) and '%s' in ('', status)`, merchant, status)
			if diff := cmp.Diff(listed(t, db, "refunds", where), got); diff != "" {
				t.Errorf("%+v (-want +got):\n%s", l, diff)
			}
		}
	}
}

// New payments at the head of a list move nothing that comes later in it.
func TestAListStandsStillWhileItGrows(t *testing.T) {
	t.Parallel()
	s, _ := migrated(t)
	var want []string
	for i := range 9 {
		want = append(want, record(t, s, request(fmt.Sprintf("order%04d", i))).ID)
	}
	slices.Reverse(want)
	n := 0
	got := leafed(t, paymentID, func(after string) (settled.Page[settled.Payment], error) {
		n++
		record(t, s, request(fmt.Sprintf("later%04d", n)))
		page, err := s.Payments(t.Context(), settled.Listing{After: after, Size: 2})
		return page, err
	})
	if diff := cmp.Diff(want, got[1:]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// numbers are what a search has to find the same payment by.
func TestAPaymentIsFoundByEachOfItsNumbers(t *testing.T) {
	t.Parallel()
	s, _, _ := filled(t, 2000)
	one := func(text string) settled.Payment {
		t.Helper()
		found, err := s.Search(t.Context(), text)
		if err != nil || len(found) != 1 {
			t.Fatalf("Search(%q) found %d payments, %v", text, len(found), err)
		}
		return found[0]
	}
	p := one("order121")
	for _, number := range []string{p.ID, strings.ToUpper(p.ID), p.Paid.TransactionID, "R121", "W121"} {
		if found := one(number); found.ID != p.ID {
			t.Errorf("%q names payment %s, want %s", number, found.ID, p.ID)
		}
	}
	for _, number := range []string{"order", "order12%", "rder121", "ORDER121", "wx", "121"} {
		if found, err := s.Search(t.Context(), number); err != nil || len(found) != 0 {
			t.Errorf("Search(%q) found %d payments, %v", number, len(found), err)
		}
	}
}

func TestTheSameOrderOfManyMerchantsIsFoundWithEach(t *testing.T) {
	t.Parallel()
	s, _ := migrated(t)
	const many = 60
	for i := range many {
		p := request("order0001")
		p.Merchant = fmt.Sprintf("shop%d", i)
		record(t, s, p)
	}
	found, err := s.Search(t.Context(), "order0001")
	if err != nil || len(found) != 50 {
		t.Errorf("%d payments, %v", len(found), err)
	}
}

// Whatever somebody types or puts into an address is no failure of PostgreSQL's.
func TestHostileTextFindsNothing(t *testing.T) {
	t.Parallel()
	s, _, _ := filled(t, 200)
	for _, text := range hostile {
		if found, err := s.Search(t.Context(), text); err != nil || len(found) != 0 {
			t.Errorf("Search(%.32q) = %d payments, %v", text, len(found), err)
		}
		for name, read := range map[string]func() error{
			"Payments":   func() error { _, err := s.Payments(t.Context(), settled.Listing{After: text}); return err },
			"RefundList": func() error { _, err := s.RefundList(t.Context(), settled.RefundListing{After: text}); return err },
			"Flags":      func() error { _, err := s.Flags(t.Context(), settled.FlagListing{After: text}); return err },
		} {
			if err := read(); text != "" && !errors.Is(err, settled.ErrNotFound) {
				t.Errorf("%s after %.32q: %v", name, text, err)
			}
		}
		if text == "" {
			continue
		}
		payments, err := s.Payments(t.Context(), settled.Listing{Merchant: text, Status: settled.Status(text)})
		if err != nil || len(payments.Items) != 0 {
			t.Errorf("Payments of %.32q: %d, %v", text, len(payments.Items), err)
		}
		refunds, err := s.RefundList(t.Context(), settled.RefundListing{Merchant: text, Status: settled.RefundStatus(text)})
		if err != nil || len(refunds.Items) != 0 {
			t.Errorf("RefundList of %.32q: %d, %v", text, len(refunds.Items), err)
		}
		flags, err := s.Flags(t.Context(), settled.FlagListing{Merchant: text})
		if err != nil || len(flags.Items) != 0 {
			t.Errorf("Flags of %.32q: %d, %v", text, len(flags.Items), err)
		}
		for name, read := range map[string]func(ctx context.Context) error{
			"PaymentByID": func(ctx context.Context) error { _, err := s.PaymentByID(ctx, text); return err },
			"History":     func(ctx context.Context) error { _, err := s.History(ctx, text); return err },
			"Journal":     func(ctx context.Context) error { _, err := s.Journal(ctx, text); return err },
			"Refunds":     func(ctx context.Context) error { _, err := s.Refunds(ctx, text); return err },
			"FlagsOf":     func(ctx context.Context) error { _, err := s.FlagsOf(ctx, text); return err },
			"Act": func(ctx context.Context) error {
				_, err := s.Act(ctx, settled.Act{Kind: settled.ActQuery, PaymentID: text})
				return err
			},
			"settle": func(ctx context.Context) error {
				_, err := s.Act(ctx, settled.Act{Kind: settled.ActSettle, EventID: text})
				return err
			},
		} {
			if err := read(t.Context()); !errors.Is(err, settled.ErrNotFound) {
				t.Errorf("%s(%.32q): %v", name, text, err)
			}
		}
	}
}
