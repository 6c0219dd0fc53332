package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled"
	"settled/store"
	"settled/store/storetest"
)

func flagOf(p settled.Payment, transaction string) settled.Event {
	return settled.Event{
		ID: settled.EventID("payment.flagged", p.ID, p.OrderID, transaction), Type: "payment.flagged", PaymentID: p.ID,
		Merchant: p.Merchant, OrderID: p.OrderID, At: time.Now(), Data: []byte(`{}`),
	}
}

// The same thing told many times at once, of one payment, of several and of none, over
// two processes: told once, and the history has no gap.
func TestAnEventIsToldOnce(t *testing.T) {
	t.Parallel()
	address := storetest.URL(t)
	one, two := storetest.Open(t, address), storetest.Open(t, address)
	if _, err := one.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	payments := []settled.Payment{record(t, one, request("order0001")), record(t, one, request("order0002")), {Merchant: "m", OrderID: "unknown"}}
	var told atomic.Int64
	var callers sync.WaitGroup
	for i := range 120 {
		s := one
		if i%2 == 1 {
			s = two
		}
		callers.Go(func() {
			fresh, err := s.Tell(t.Context(), flagOf(payments[i%3], fmt.Sprint(i%4)))
			if err != nil {
				t.Error(err)
			}
			if fresh {
				told.Add(1)
			}
		})
	}
	callers.Wait()
	if told.Load() != 12 {
		t.Errorf("told %d times, want 12 events", told.Load())
	}
	for _, p := range payments[:2] {
		history, err := one.History(t.Context(), p.ID)
		if err != nil {
			t.Fatal(err)
		}
		for i, h := range history {
			if h.Version != int64(i+1) {
				t.Errorf("version %d at place %d of %d", h.Version, i+1, len(history))
			}
		}
	}
}

// drain relays until nothing is left and returns the orders' events in the order published.
func drain(t *testing.T, s *store.Store) []string {
	t.Helper()
	var all []string
	for {
		done, err := s.Relay(t.Context(), settled.RelayRound{Most: 3}, func(_ context.Context, events []settled.Event) (uint64, []error) {
			for _, e := range events {
				all = append(all, e.OrderID+" "+e.Type)
			}
			return 0, make([]error, len(events))
		})
		if err != nil {
			t.Fatal(err)
		}
		if done.Published == 0 {
			return all
		}
	}
}

func TestRelayPublishesEachEventInOrder(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	p := record(t, s, request("order0001"))
	for _, fact := range []settled.Fact{settled.FactPrepared, settled.FactPaid} {
		if _, err := s.Move(t.Context(), moveOf(p, fact)); err != nil {
			t.Fatal(err)
		}
		p.Status, _ = settled.Next(p.Status, fact)
	}
	private := flagOf(p, "1")
	private.Private = true
	if _, err := s.Tell(t.Context(), private); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"order0001 payment.prepared", "order0001 payment.completed"}, drain(t, s)); diff != "" {
		t.Errorf("published (-want +got):\n%s", diff)
	}
	if again := drain(t, s); again != nil {
		t.Errorf("published again: %v", again)
	}
	if err := s.Repeat(t.Context(), moveOf(settled.Payment{ID: p.ID, Status: settled.StatusPrepared}, settled.FactPaid).Event.ID); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"order0001 payment.completed"}, drain(t, s)); diff != "" {
		t.Errorf("repeated (-want +got):\n%s", diff)
	}
}

func TestWhatWasNotPublishedStays(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	for i := range 3 {
		arrive(t, s, fmt.Sprintf("order%04d", i), settled.FactPaid)
	}
	down := errors.New("nats is down")
	round := settled.RelayRound{Most: 10}
	done, err := s.Relay(t.Context(), round, func(_ context.Context, events []settled.Event) (uint64, []error) {
		return 0, []error{nil, down, nil}
	})
	if done.Published != 2 || err != nil {
		t.Errorf("Relay = %+v, %v", done, err)
	}
	done, err = s.Relay(t.Context(), round, func(_ context.Context, events []settled.Event) (uint64, []error) { return 0, []error{down} })
	if done.Published != 0 || !errors.Is(err, down) {
		t.Errorf("Relay = %+v, %v", done, err)
	}
	if left := drain(t, s); len(left) != 1 {
		t.Errorf("left %v", left)
	}
}

// A row of the outbox may be committed after rows with higher numbers have been published:
// whoever remembered how far it had read would never see it.
func TestAnEventThatIsCommittedLateIsPublished(t *testing.T) {
	t.Parallel()
	address := storetest.URL(t)
	s := storetest.Open(t, address)
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	arrive(t, s, "order0001", settled.FactPaid)
	drain(t, s)
	late, err := storetest.DB(t, address).BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := late.ExecContext(t.Context(), `insert into outbox (event_id) select id from events where type = 'payment.completed'`); err != nil {
		t.Fatal(err)
	}
	arrive(t, s, "order0002", settled.FactPaid)
	if diff := cmp.Diff([]string{"order0002 payment.completed"}, drain(t, s)); diff != "" {
		t.Errorf("published (-want +got):\n%s", diff)
	}
	if err := late.Commit(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"order0001 payment.completed"}, drain(t, s)); diff != "" {
		t.Errorf("published after its commit (-want +got):\n%s", diff)
	}
}

func TestOneRelayIsAtWorkAtATime(t *testing.T) {
	t.Parallel()
	address := storetest.URL(t)
	one, two := storetest.Open(t, address), storetest.Open(t, address)
	if _, err := one.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	arrive(t, one, "order0001", settled.FactPaid)
	round := settled.RelayRound{Most: 10}
	done, err := one.Relay(t.Context(), round, func(ctx context.Context, events []settled.Event) (uint64, []error) {
		done, err := two.Relay(ctx, round, func(context.Context, []settled.Event) (uint64, []error) {
			t.Error("two relays at once")
			return 0, nil
		})
		if done.Published != 0 || err != nil {
			t.Errorf("the second relay: %+v, %v", done, err)
		}
		return 0, make([]error, len(events))
	})
	if done.Published != 1 || err != nil {
		t.Errorf("Relay = %+v, %v", done, err)
	}
}

func TestCensusCountsWhatWaits(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	late := request("order0001")
	late.DueAt = time.Now().Add(-time.Hour)
	record(t, s, late)
	arrive(t, s, "order0002", settled.FactPaid)
	census, err := s.Census(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if overdue := census.Overdue[settled.StatusRequested]; overdue < 59*time.Minute || overdue > 2*time.Hour {
		t.Errorf("overdue %v", overdue)
	}
	if census.Unpublished != 1 {
		t.Errorf("%d unpublished", census.Unpublished)
	}
}

func TestAcknowledgedOnce(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	p := arrive(t, s, "order0001", settled.FactPaid)
	event := flagOf(p, "ack")
	for i, want := range []bool{true, false} {
		if first, err := s.Acknowledged(t.Context(), event); first != want || err != nil {
			t.Errorf("time %d: %v, %v", i+1, first, err)
		}
	}
}

func TestHistorySaysWhatIsItsOwnAlone(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	p := arrive(t, s, "order0001", settled.FactPaid)
	history, err := s.History(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, h := range history {
		got[h.Type] = h.Private
	}
	want := map[string]bool{"payment.recorded": true, "payment.completed": false}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("private (-want +got):\n%s", diff)
	}
}

// What was told of an order before it had a payment is found by the order.
func TestWhatWasToldOfAnOrderIsFound(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	p := record(t, s, request("order0001"))
	for _, e := range []settled.Event{
		flagOf(p, "of the payment"),
		flagOf(settled.Payment{Merchant: p.Merchant, OrderID: p.OrderID}, "of the order"),
		flagOf(settled.Payment{Merchant: p.Merchant, OrderID: "order0002"}, "of another"),
	} {
		if _, err := s.Tell(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	found, err := s.ToldOfOrder(t.Context(), []string{"payment.flagged"}, p.Merchant, p.OrderID)
	if err != nil || len(found) != 1 || found[0].PaymentID != "" || found[0].OrderID != p.OrderID {
		t.Errorf("found %+v, %v", found, err)
	}
	if none, err := s.ToldOfOrder(t.Context(), []string{"payment.closed"}, p.Merchant, p.OrderID); err != nil || len(none) > 0 {
		t.Errorf("of another type %+v, %v", none, err)
	}
}
