package store_test

import (
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"settled"
	"settled/store"
	"settled/store/storetest"
)

// twin is a database beside its model, seen through two stores: two machines, as it were.
type twin struct {
	db     *sql.DB
	stores [2]*store.Store
	model  *model
	heard  []settled.Event // by subscribers
}

var (
	orders  = rapid.SampledFrom([]string{"order0001", "order0002"})
	numbers = rapid.SampledFrom([]string{"r1", "r2", "r3"})
	ours    = []string{"classic"}
)

// However what the workers do is mixed, repeated and spread over two machines: the
// database and a few maps tell the same. A sequence that shows a difference is shrunk to
// the shortest one. -rapid.checks and -rapid.steps make more and longer ones.
func TestTheStoreIsItsModel(t *testing.T) {
	t.Parallel()
	s, address := migrated(t)
	w := &twin{db: storetest.DB(t, address), stores: [2]*store.Store{s, storetest.Open(t, address)}}
	rapid.Check(t, func(t *rapid.T) {
		w.forget(t)
		if rapid.Bool().Draw(t, "paid already") {
			w.recordOrder(t, "order0001")
			w.moveBy(t, "order0001", settled.Edge{From: settled.StatusRequested, Fact: settled.FactPaid, To: settled.StatusCompleted})
		}
		t.Repeat(map[string]func(*rapid.T){
			"record": w.record, "move": w.move, "delay": w.delay, "due": w.due,
			"tell": w.tell, "repeat": w.repeat, "learn payer": w.learnPayer, "acknowledged": w.acknowledged,
			"record refund": w.recordRefund, "move refund": w.moveRefund, "delay refund": w.delayRefund,
			"due refunds": w.dueRefunds, "relay": w.relay,
			"": w.agree,
		})
		w.end(t)
	})
}

// forget begins a sequence with nothing in the database.
func (w *twin) forget(t *rapid.T) {
	for _, table := range []string{"outbox", "events", "refunds", "payments"} {
		if _, err := w.db.ExecContext(t.Context(), "delete from "+table); err != nil {
			t.Fatal(err)
		}
	}
	w.model, w.heard = newModel(), nil
}

// agree compares every row and every history with the model's.
func (w *twin) agree(t *rapid.T) {
	waits := map[string]bool{}
	for _, q := range w.model.outbox {
		waits[q.id] = true
	}
	for order, want := range w.model.payments {
		want := *want
		want.History = slices.Clone(want.History)
		for i := range want.History {
			want.History[i].Queued = waits[want.History[i].ID]
		}
		if diff := cmp.Diff(want, w.booked(t, order), about); diff != "" {
			t.Fatalf("payment %s (-model +database):\n%s", order, diff)
		}
	}
	for number, want := range w.model.refunds {
		r, err := w.stores[0].Refund(t.Context(), "classic", number)
		if err != nil {
			t.Fatal(err)
		}
		got := owed{
			ID: r.ID, Order: r.OrderID, Number: r.RefundID, Amount: r.Amount, Status: r.Status, Held: r.Held,
			Due: r.DueAt, Attempts: r.Attempts, Trouble: r.Trouble, place: want.place,
		}
		if diff := cmp.Diff(*want, got, about, cmp.AllowUnexported(owed{})); diff != "" {
			t.Fatalf("refund %s (-model +database):\n%s", number, diff)
		}
	}
}

// booked is what the database has of an order.
func (w *twin) booked(t *rapid.T, order string) booked {
	p, err := w.stores[0].Payment(t.Context(), "classic", order)
	if err != nil {
		t.Fatal(err)
	}
	history, err := w.stores[1].History(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	got := booked{
		ID: p.ID, Fingerprint: p.Fingerprint, Status: p.Status, Prepay: p.Prepared.PrepayID, Transaction: p.Paid.TransactionID,
		Payer: p.PayerOpenID, Acknowledged: !p.AcknowledgedAt.IsZero(), Refunding: p.Refunding,
		Due: p.DueAt, Attempts: p.Attempts, Trouble: p.Trouble,
	}
	for i, h := range history {
		if h.Version != int64(i+1) {
			t.Fatalf("place %d of the history of %s has version %d", i+1, order, h.Version)
		}
		got.History = append(got.History, line{ID: h.ID, Type: h.Type, From: h.From, To: h.To, Private: h.Private, Queued: h.Queued})
	}
	if p.Version != int64(len(history)) {
		t.Fatalf("payment %s is at version %d of %d", order, p.Version, len(history))
	}
	return got
}

// about lets a time differ by what a step takes.
var about = cmp.Comparer(func(a, b time.Time) bool {
	return a.IsZero() == b.IsZero() && a.Sub(b).Abs() < 10*time.Second
})

// end publishes what is left: subscribers have heard each payment's events in their
// order, and an audit finds nothing.
func (w *twin) end(t *rapid.T) {
	w.publish(t, len(w.model.outbox)+1, nil, false)
	w.agree(t)
	for order, p := range w.model.payments {
		var want, got []string
		for _, l := range p.History {
			if !l.Private {
				want = append(want, l.ID)
			}
		}
		for _, e := range w.heard {
			if e.PaymentID == p.ID && !slices.Contains(got, e.ID) {
				got = append(got, e.ID)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("events of %s as they were heard first (-history +heard):\n%s", order, diff)
		}
	}
	err := w.stores[0].Audit(t.Context(), 24*time.Hour, func(a settled.Audited) {
		if len(a.Breaks) > 0 {
			t.Fatalf("audit %s: %+v", a.Check, a.Breaks)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// machine is one of the two stores.
func (w *twin) machine(t *rapid.T) *store.Store {
	return w.stores[rapid.IntRange(0, 1).Draw(t, "machine")]
}

// recorded is a payment that was recorded. (A step is passed over before anything is drawn
// for it: rapid takes what is skipped later for a wasted try, and ends the sequence early.)
func (w *twin) recorded(t *rapid.T) (string, *booked) {
	if len(w.model.payments) == 0 {
		t.Skip("nothing is recorded yet") // to rapid: this can not be done now, something else can
	}
	order := rapid.SampledFrom(slices.Sorted(maps.Keys(w.model.payments))).Draw(t, "order")
	return order, w.model.payments[order]
}

// near is mostly what is, and otherwise any: most steps do something, and the rest are
// those of somebody who has seen it as it was.
func near[T any](t *rapid.T, what string, is T, all []T) T {
	if rapid.IntRange(0, 3).Draw(t, what+" is") < 3 {
		return is
	}
	return rapid.SampledFrom(all).Draw(t, what)
}

// when is a time to look again: never, long past (no two the same), or in an hour.
func (w *twin) when(t *rapid.T, kinds ...string) time.Time {
	w.model.ticks++
	switch rapid.SampledFrom(kinds).Draw(t, "due") {
	case "past":
		return time.Now().Add(-time.Hour + time.Duration(rapid.IntRange(0, 9).Draw(t, "since"))*time.Minute +
			time.Duration(w.model.ticks)*time.Millisecond)
	case "hour":
		return time.Now().Add(time.Hour)
	default:
		return time.Time{}
	}
}

// event is one that nobody has told before.
func (w *twin) event(eventType, order string) settled.Event {
	p := w.model.payments[order]
	return settled.Event{
		ID: uuid.NewString(), Type: eventType, PaymentID: p.ID, Merchant: "classic", OrderID: order,
		At: time.Now(), Data: fmt.Appendf(nil, `{"order": %q}`, order),
	}
}
