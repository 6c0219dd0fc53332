package store_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"settled"
	"settled/store"
	"settled/store/storetest"
)

// journalling opens a store that keeps a journal. Whoever closes it has all that was noted.
func journalling(t *testing.T, address string, lost *atomic.Int64) *store.Store {
	t.Helper()
	s, err := store.Open(store.Config{
		URL: address, Connections: 4, Journal: true, JournalLost: func(n int) { lost.Add(int64(n)) }, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func callOf(p settled.Payment, at time.Time) settled.Entry {
	return settled.Entry{
		At: at, PaymentID: p.ID, Merchant: p.Merchant, OrderID: p.OrderID, Kind: settled.EntryCall, Name: "orderquery",
		Host: "main", Outcome: "unknown", Code: "timeout", RequestID: "r1", Took: 1500 * time.Microsecond,
	}
}

func TestWhatIsNotedIsRead(t *testing.T) {
	t.Parallel()
	s, address := migrated(t)
	p := record(t, s, request("order0001"))
	at := time.Now().Truncate(time.Microsecond).UTC()
	call := callOf(p, at)
	notify := settled.Entry{ // an ingress knows the order alone
		At: at.Add(time.Second), Merchant: p.Merchant, OrderID: p.OrderID, Kind: settled.EntryNotify, Name: "payment", Outcome: "success",
	}
	stranger := settled.Entry{At: at, Merchant: p.Merchant, OrderID: "nobody", Kind: settled.EntryNotify, Outcome: "busy"}
	var lost atomic.Int64
	beside := journalling(t, address, &lost)
	for _, e := range []settled.Entry{notify, stranger, call} {
		beside.Note(e)
	}
	if err := beside.Close(); err != nil {
		t.Fatal(err)
	}
	notify.PaymentID = p.ID
	got, err := s.Journal(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]settled.Entry{call, notify}, got, cmp.Transformer("utc", time.Time.UTC)); diff != "" || lost.Load() != 0 {
		t.Errorf("%d lost (-want +got):\n%s", lost.Load(), diff)
	}
	if _, err := s.Journal(t.Context(), "' or 1=1"); !errors.Is(err, settled.ErrNotFound) {
		t.Errorf("journal of no payment: %v", err)
	}
}

// What WeChat or anybody else says may be anything: it spoils no other line.
func TestAHostileLineSpoilsNoOther(t *testing.T) {
	t.Parallel()
	s, address := migrated(t)
	p := record(t, s, request("order0001"))
	var lost atomic.Int64
	beside := journalling(t, address, &lost)
	for _, text := range hostile {
		e := callOf(p, time.Now())
		e.Code, e.RequestID, e.Name, e.OrderID = text, text, text, text
		beside.Note(e)
		beside.Note(settled.Entry{PaymentID: text, Merchant: text, OrderID: text, Host: text, Outcome: text})
	}
	beside.Note(callOf(p, time.Now()))
	if err := beside.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := s.Journal(t.Context(), p.ID)
	if err != nil || len(got) != len(hostile)+1 || lost.Load() != 0 {
		t.Errorf("%d lines, %d lost, %v", len(got), lost.Load(), err)
	}
}

// hostile are texts that somebody may send to see what breaks.
var hostile = []string{
	"\x00", "a\x00b", "\xff\xfe\xfd", "快\xe5", strings.Repeat("茶", 1<<19), "'; drop table payments; --", "' or '1'='1",
	`<script>alert(1)</script>`, "%s%n{}", "\u202eabc", `\`, "{1,2}", "\r\nSet-Cookie: a=b", "",
}

// Nobody waits for the journal, and what it has no room for is counted.
func TestWhatDoesNotFitIntoTheJournalIsCounted(t *testing.T) {
	t.Parallel()
	var lost atomic.Int64
	s := journalling(t, "postgres://nobody@127.0.0.1:1/nothing", &lost)
	const many = 40_000
	for range many {
		s.Note(settled.Entry{Merchant: "classic", Kind: settled.EntryCall})
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n := lost.Load(); n != many {
		t.Errorf("%d of %d counted as lost", n, many)
	}
}

// The journal's commits wait for no disk, and the connection that made them is as it was.
func TestTheJournalWaitsForNoDisk(t *testing.T) {
	t.Parallel()
	s, address := migrated(t)
	db := storetest.DB(t, address)
	_, err := db.ExecContext(t.Context(), `
		create table seen (setting text);
		create function look() returns trigger language plpgsql as
			$$ begin insert into seen values (current_setting('synchronous_commit')); return null; end $$;
		create trigger look after insert on journal execute function look();
		create trigger look_at_payments after insert on payments execute function look()`)
	if err != nil {
		t.Fatal(err)
	}
	var lost atomic.Int64
	beside := journalling(t, address, &lost)
	beside.Note(callOf(request("order0001"), time.Now()))
	if err := beside.Close(); err != nil {
		t.Fatal(err)
	}
	record(t, s, request("order0001"))
	var settings string
	if err := db.QueryRowContext(t.Context(), `select string_agg(setting, ' ') from seen`).Scan(&settings); err != nil || settings != "off on" {
		t.Errorf("synchronous_commit was %q, %v", settings, err)
	}
}

func TestOldLinesAreForgottenInSmallBatches(t *testing.T) {
	t.Parallel()
	s, address := migrated(t)
	p := record(t, s, request("order0001"))
	var lost atomic.Int64
	beside := journalling(t, address, &lost)
	now := time.Now()
	for i := range 30 {
		e := callOf(p, now.Add(-time.Hour))
		e.Merchant, e.Host = fmt.Sprint("m", i%3), []string{"main", "backup", ""}[i%2]
		beside.Note(e)
	}
	beside.Note(callOf(p, now))
	if err := beside.Close(); err != nil {
		t.Fatal(err)
	}
	var rounds []int
	for n := 1; n > 0; {
		var err error
		if n, err = s.ForgetJournal(t.Context(), 30*time.Minute, 20); err != nil {
			t.Fatal(err)
		}
		rounds = append(rounds, n)
	}
	if diff := cmp.Diff([]int{20, 10, 0}, rounds); diff != "" {
		t.Errorf("deleted (-want +got):\n%s", diff)
	}
	if left, err := s.Journal(t.Context(), p.ID); err != nil || len(left) != 1 {
		t.Errorf("%d lines are left, %v", len(left), err)
	}
}

func TestReadsForPeopleEndSoonWithoutPostgreSQL(t *testing.T) {
	t.Parallel()
	s, err := store.Open(store.Config{URL: "postgres://nobody@127.0.0.1:1/nothing", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	id := uuid.NewString()
	for name, read := range map[string]func(ctx context.Context) error{
		"Overview":    func(ctx context.Context) error { _, err := s.Overview(ctx); return err },
		"Search":      func(ctx context.Context) error { _, err := s.Search(ctx, "order0001"); return err },
		"Payments":    func(ctx context.Context) error { _, err := s.Payments(ctx, settled.Listing{}); return err },
		"RefundList":  func(ctx context.Context) error { _, err := s.RefundList(ctx, settled.RefundListing{}); return err },
		"Flags":       func(ctx context.Context) error { _, err := s.Flags(ctx, settled.FlagListing{}); return err },
		"PaymentByID": func(ctx context.Context) error { _, err := s.PaymentByID(ctx, id); return err },
		"History":     func(ctx context.Context) error { _, err := s.History(ctx, id); return err },
		"Journal":     func(ctx context.Context) error { _, err := s.Journal(ctx, id); return err },
		"Refunds":     func(ctx context.Context) error { _, err := s.Refunds(ctx, id); return err },
		"FlagsOf":     func(ctx context.Context) error { _, err := s.FlagsOf(ctx, id); return err },
		"Act": func(ctx context.Context) error {
			_, err := s.Act(ctx, settled.Act{Kind: settled.ActQuery, PaymentID: id})
			return err
		},
	} {
		if err := read(t.Context()); !errors.Is(err, settled.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
