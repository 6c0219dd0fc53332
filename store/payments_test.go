package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"settled"
	"settled/store/storetest"
)

func TestWhatIsRecordedIsRead(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	asked := request("order0001")
	recorded, err := s.Record(t.Context(), asked)
	if err != nil || !recorded.Created {
		t.Fatalf("Record = %+v, %v", recorded, err)
	}
	ignore := cmpopts.IgnoreFields(settled.Payment{}, "DueAt", "CreatedAt", "UpdatedAt", "Version")
	for name, read := range map[string]func() (settled.Payment, error){
		"by order": func() (settled.Payment, error) { return s.Payment(t.Context(), "classic", "order0001") },
		"by id":    func() (settled.Payment, error) { return s.PaymentByID(t.Context(), asked.ID) },
	} {
		got, err := read()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(asked, got, ignore); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	for name, read := range map[string]func() (settled.Payment, error){
		"order":        func() (settled.Payment, error) { return s.Payment(t.Context(), "classic", "nothing1") },
		"id":           func() (settled.Payment, error) { return s.PaymentByID(t.Context(), uuid.NewString()) },
		"id that none": func() (settled.Payment, error) { return s.PaymentByID(t.Context(), "' or 1=1") },
	} {
		if _, err := read(); !errors.Is(err, settled.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// However many ask for one order at once, over however many processes: one payment.
func TestAnOrderIsRecordedOnce(t *testing.T) {
	t.Parallel()
	address := storetest.URL(t)
	one, two := storetest.Open(t, address), storetest.Open(t, address)
	if _, err := one.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	var created atomic.Int64
	ids := sync.Map{}
	var callers sync.WaitGroup
	for i := range 200 {
		s := one
		if i%2 == 1 {
			s = two
		}
		callers.Go(func() {
			recorded, err := s.Record(t.Context(), request(fmt.Sprintf("order%04d", i%7)))
			if err != nil {
				t.Error(err)
				return
			}
			if recorded.Created {
				created.Add(1)
			}
			if first, loaded := ids.LoadOrStore(recorded.Payment.OrderID, recorded.Payment.ID); loaded && first != recorded.Payment.ID {
				t.Errorf("order %s has payments %s and %s", recorded.Payment.OrderID, first, recorded.Payment.ID)
			}
		})
	}
	callers.Wait()
	if created.Load() != 7 {
		t.Errorf("%d payments made for 7 orders", created.Load())
	}
}

// A moves's row, history and outbox are written together, and read as they were written.
func TestTheLifeOfAPaymentIsItsHistory(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	p := record(t, s, request("order0001"))
	written := map[settled.Fact]string{}
	for _, fact := range []settled.Fact{settled.FactPrepared, settled.FactClosed, settled.FactPaid} {
		m := moveOf(p, fact)
		written[fact] = string(m.Event.Data)
		moved, err := s.Move(t.Context(), m)
		if err != nil || !moved {
			t.Fatalf("Move(%s) = %v, %v", fact, moved, err)
		}
		if p, err = s.PaymentByID(t.Context(), p.ID); err != nil {
			t.Fatal(err)
		}
	}
	if p.Status != settled.StatusCompleted || !p.Late || p.Paid.OpenID != "o1" || p.Prepared.Client["sign"] != "s&s" || !p.DueAt.IsZero() {
		t.Errorf("payment %+v", p)
	}
	history, err := s.History(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i, h := range history {
		got = append(got, fmt.Sprintf("%s %s>%s", h.Type, h.From, h.To))
		if h.Version != int64(i+1) {
			t.Errorf("version %d at place %d", h.Version, i+1)
		}
		if h.Fact != "" && string(h.Data) != written[h.Fact] {
			t.Errorf("data %s is not what was written", h.Data)
		}
	}
	want := []string{
		"payment.recorded >", "payment.prepared requested>prepared", "payment.closed prepared>closed", "payment.completed closed>completed",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	arrival, err := s.Arrival(t.Context(), p)
	if err != nil || arrival.Type != "payment.completed" {
		t.Errorf("Arrival = %+v, %v", arrival, err)
	}
}

// A hundred notifies at once, over two processes, in competition with expiry: one winner
// for each move, one event.
func TestAMoveHasOneWinner(t *testing.T) {
	t.Parallel()
	address := storetest.URL(t)
	one, two := storetest.Open(t, address), storetest.Open(t, address)
	if _, err := one.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	payments := make([]settled.Payment, 5)
	for i := range payments {
		payments[i] = record(t, one, request(fmt.Sprintf("order%04d", i)))
	}
	wins := make([]atomic.Int64, len(payments))
	var callers sync.WaitGroup
	for i := range 200 {
		p, s, fact := payments[i%len(payments)], one, settled.FactPaid
		if i%2 == 1 {
			s = two
		}
		if i%3 == 0 {
			fact = settled.FactClosed
		}
		callers.Go(func() {
			moved, err := s.Move(t.Context(), moveOf(p, fact))
			if err != nil {
				t.Error(err)
			}
			if moved {
				wins[i%len(payments)].Add(1)
			}
		})
	}
	callers.Wait()
	for i := range wins {
		if n := wins[i].Load(); n != 1 {
			t.Errorf("payment %d was moved %d times from one state", i, n)
		}
		history, err := one.History(t.Context(), payments[i].ID)
		if err != nil || len(history) != 2 {
			t.Errorf("payment %d has a history of %d, %v", i, len(history), err)
		}
	}
}

func TestOneBadMoveDoesNotSpoilTheRest(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	good, bad := record(t, s, request("order0001")), record(t, s, request("order0002"))
	illegal := moveOf(bad, settled.FactPaid)
	illegal.Source = "hearsay" // the database refuses it
	var callers sync.WaitGroup
	for range 20 {
		callers.Go(func() {
			if _, err := s.Move(t.Context(), illegal); err == nil {
				t.Error("an illegal row was taken")
			}
		})
		callers.Go(func() {
			if _, err := s.Move(t.Context(), moveOf(good, settled.FactPaid)); err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
	if p, err := s.PaymentByID(t.Context(), good.ID); err != nil || p.Status != settled.StatusCompleted {
		t.Errorf("%s, %v", p.Status, err)
	}
}

func TestDuePaymentsBelongToOneAtATime(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	for i := range 20 {
		p := request(fmt.Sprintf("order%04d", i))
		p.DueAt = time.Now().Add(-time.Minute)
		if i >= 15 {
			p.Merchant = "other"
		}
		record(t, s, p)
	}
	claim := settled.Claim{Status: settled.StatusRequested, Merchants: []string{"classic"}, Each: 10, Lease: time.Hour}
	var all []string
	var mu sync.Mutex
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			taken, err := s.Due(t.Context(), claim)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, p := range taken {
				all = append(all, p.OrderID)
			}
		})
	}
	callers.Wait()
	seen := map[string]bool{}
	for _, id := range all {
		if seen[id] {
			t.Errorf("order %s was given twice", id)
		}
		seen[id] = true
	}
	if len(seen) != 15 {
		t.Errorf("%d of 15 due payments were given", len(seen))
	}
}

// Of each merchant come some that wait longest and some whose time came last: a backlog is
// worked off, and neither another merchant nor a fresh payment waits behind it.
func TestABacklogLeavesRoomForOthersAndForTheLatest(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	for i := range 20 {
		p := request(fmt.Sprintf("order%04d", i))
		p.DueAt = time.Now().Add(time.Duration(i-60) * time.Minute)
		if i >= 18 {
			p.Merchant = "other"
		}
		record(t, s, p)
	}
	claim := settled.Claim{Status: settled.StatusRequested, Merchants: []string{"classic", "other"}, Each: 5, Lease: time.Hour}
	for _, want := range []string{
		"order0000 order0001 order0002 order0016 order0017 order0018 order0019",
		"order0003 order0004 order0005 order0014 order0015",
		"order0006 order0007 order0008 order0012 order0013",
		"order0009 order0010 order0011",
		"",
	} {
		taken, err := s.Due(t.Context(), claim)
		if err != nil {
			t.Fatal(err)
		}
		var orders []string
		for _, p := range taken {
			orders = append(orders, p.OrderID)
		}
		slices.Sort(orders)
		if got := strings.Join(orders, " "); got != want {
			t.Errorf("claimed %q, want %q", got, want)
		}
	}
}

func TestADelayLeavesAMovedPaymentAlone(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	p := record(t, s, request("order0001"))
	stale := settled.Delay{PaymentID: p.ID, Status: p.Status, DueAt: time.Now().Add(time.Hour), Attempts: 3, Trouble: "timeout"}
	if delayed, err := s.Delay(t.Context(), stale); !delayed || err != nil {
		t.Fatalf("Delay = %v, %v", delayed, err)
	}
	if p, err := s.PaymentByID(t.Context(), p.ID); err != nil || p.Attempts != 3 || p.Trouble != "timeout" {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := s.Move(t.Context(), moveOf(p, settled.FactPaid)); err != nil {
		t.Fatal(err)
	}
	if delayed, err := s.Delay(t.Context(), stale); delayed || err != nil {
		t.Errorf("Delay of a moved payment = %v, %v", delayed, err)
	}
	if delayed, err := s.Delay(t.Context(), settled.Delay{PaymentID: uuid.NewString(), Status: p.Status}); delayed || err != nil {
		t.Errorf("Delay of nothing = %v, %v", delayed, err)
	}
}

// A renewal leaves the payment where it stands: what it brings tells a second one apart,
// on whatever machine.
func TestARenewalToTheVerySameMovesOnce(t *testing.T) {
	t.Parallel()
	s, address := migrated(t)
	p, err := s.PaymentByID(t.Context(), arrive(t, s, "order001", settled.FactPrepared).ID)
	if err != nil {
		t.Fatal(err)
	}
	var moves atomic.Int64
	var machines sync.WaitGroup
	for range 8 {
		other := storetest.Open(t, address)
		machines.Go(func() {
			moved, err := other.Move(t.Context(), moveOf(p, settled.FactRenewed))
			if err != nil {
				t.Error(err)
			}
			if moved {
				moves.Add(1)
			}
		})
	}
	machines.Wait()
	if p, err = s.PaymentByID(t.Context(), p.ID); err != nil || p.Prepared.PrepayID != "wx2" || moves.Load() != 1 {
		t.Errorf("moved %d times: %+v, %v", moves.Load(), p.Prepared, err)
	}
}
