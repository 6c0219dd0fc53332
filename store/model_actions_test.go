package store_test

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"settled"
)

func (w *twin) record(t *rapid.T) { w.recordOrder(t, orders.Draw(t, "order")) }

func (w *twin) recordOrder(t *rapid.T, order string) {
	content := rapid.SampledFrom([]string{"one", "another"}).Draw(t, "content")
	p := request(order)
	p.Fingerprint, p.DueAt = content, w.when(t, "past", "hour")
	got, err := w.machine(t).Record(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	known := w.model.payments[order]
	if known == nil {
		known = &booked{ID: p.ID, Fingerprint: content, Status: settled.StatusRequested, Due: p.DueAt}
		w.model.payments[order] = known
		w.model.tell(order, line{ID: p.ID, Type: "payment.recorded", Private: true})
	}
	if got.Created != (known.ID == p.ID) || got.Payment.ID != known.ID || got.Payment.Fingerprint != known.Fingerprint {
		t.Fatalf("Record = %+v, want payment %s, %s", got, known.ID, known.Fingerprint)
	}
}

// move tries what is legal from where the payment stands or has stood, and what never is.
func (w *twin) move(t *rapid.T) {
	order, p := w.recorded(t)
	legal := slices.DeleteFunc(slices.Clone(settled.Edges), func(e settled.Edge) bool { return e.From != p.Status })
	edge := settled.Edge{
		From: near(t, "from", p.Status, settled.Statuses),
		Fact: rapid.SampledFrom(settled.Facts).Draw(t, "fact"),
		To:   rapid.SampledFrom(settled.Statuses).Draw(t, "to"),
	}
	if len(legal) > 0 && rapid.IntRange(0, 3).Draw(t, "legal") < 3 {
		edge = rapid.SampledFrom(legal).Draw(t, "edge")
	}
	w.moveBy(t, order, edge)
}

func (w *twin) moveBy(t *rapid.T, order string, edge settled.Edge) {
	p := w.model.payments[order]
	m := moveOf(settled.Payment{ID: p.ID, Merchant: "classic", OrderID: order, Status: edge.From}, edge.Fact)
	m.To, m.Event = edge.To, w.event("payment."+string(edge.To), order)
	m.DueAt = w.when(t, "past", "hour")
	switch edge.Fact {
	case settled.FactPaid:
		m.Source = rapid.SampledFrom([]settled.Source{settled.FromNotify, settled.FromQuery}).Draw(t, "source")
		m.Paid.OpenID = rapid.SampledFrom([]string{"", "o1"}).Draw(t, "payer")
		m.Event.Data = completedBody(price, m)
	case settled.FactPrepared, settled.FactRenewed:
		m.Prepared.PrepayID = rapid.SampledFrom([]string{"wx1", "wx2"}).Draw(t, "prepay id")
	case settled.FactClosed, settled.FactRefused:
	}
	moved, err := w.machine(t).Move(t.Context(), m)
	if want, illegal := w.model.move(order, m); moved != want || (err != nil) != illegal {
		t.Fatalf("%+v: Move = %t, %v; want %t, refused %t", edge, moved, err, want, illegal)
	}
}

func (w *twin) delay(t *rapid.T) {
	_, p := w.recorded(t)
	d := settled.Delay{
		PaymentID: p.ID, Status: near(t, "seen as", p.Status, settled.Statuses), DueAt: w.when(t, "past", "hour"),
		Attempts: rapid.IntRange(0, 3).Draw(t, "attempts"), Trouble: rapid.SampledFrom([]string{"", "timeout"}).Draw(t, "trouble"),
	}
	delayed, err := w.machine(t).Delay(t.Context(), d)
	if err != nil || delayed != (p.Status == d.Status) {
		t.Fatalf("Delay = %t, %v; the payment is %s", delayed, err, p.Status)
	}
	if delayed {
		p.Due, p.Attempts, p.Trouble = d.DueAt, d.Attempts, d.Trouble
	}
}

func (w *twin) due(t *rapid.T) {
	_, p := w.recorded(t)
	c := settled.Claim{
		Status: near(t, "status", p.Status, settled.Statuses), Merchants: ours,
		Each: rapid.IntRange(1, 3).Draw(t, "each"), Lease: time.Hour,
	}
	claimed, err := w.machine(t).Due(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range claimed {
		got = append(got, p.OrderID)
	}
	sameSet(t, w.model.due(c), got)
}

// tell tells one of a few things, which may have been told before, of a payment or of none.
func (w *twin) tell(t *rapid.T) {
	order := orders.Draw(t, "order")
	what := rapid.SampledFrom([]string{"one", "two"}).Draw(t, "what")
	e := settled.Event{Type: "payment.flagged", Merchant: "classic", OrderID: order, At: time.Now(), Data: []byte(`{}`)}
	if p := w.model.payments[order]; p != nil && what == "one" {
		e.PaymentID = p.ID
	} else {
		order = ""
	}
	e.ID = settled.EventID(e.Type, e.PaymentID, what)
	told, err := w.machine(t).Tell(t.Context(), e)
	_, before := w.model.known[e.ID]
	if err != nil || told == before {
		t.Fatalf("Tell = %t, %v; told before: %t", told, err, before)
	}
	if told {
		w.model.tell(order, line{ID: e.ID, Type: e.Type})
	}
	if known, err := w.machine(t).Told(t.Context(), e.ID); err != nil || !known {
		t.Fatalf("Told = %t, %v", known, err)
	}
}

func (w *twin) repeat(t *rapid.T) {
	_, p := w.recorded(t)
	l := rapid.SampledFrom(p.History).Draw(t, "event")
	if l.Private {
		l.ID = uuid.NewString() // there is no such event
	}
	if err := w.machine(t).Repeat(t.Context(), l.ID); err != nil {
		t.Fatal(err)
	}
	if q, known := w.model.known[l.ID]; known && !slices.Contains(w.model.outbox, q) {
		w.model.outbox = append(w.model.outbox, q)
	}
}

func (w *twin) learnPayer(t *rapid.T) {
	_, p := w.recorded(t)
	if err := w.machine(t).LearnPayer(t.Context(), p.ID, "o2"); err != nil {
		t.Fatal(err)
	}
	if p.Status == settled.StatusCompleted && p.Payer == "" {
		p.Payer = "o2"
		if !p.Due.IsZero() {
			p.Due = time.Now()
		}
	}
}

func (w *twin) acknowledged(t *rapid.T) {
	order, p := w.recorded(t)
	e := w.event("payment.acknowledged", order)
	done, err := w.machine(t).Acknowledged(t.Context(), e)
	if want := p.Status == settled.StatusCompleted && !p.Acknowledged; err != nil || done != want {
		t.Fatalf("Acknowledged = %t, %v; want %t", done, err, want)
	}
	if done {
		p.Acknowledged, p.Due, p.Attempts, p.Trouble = true, time.Time{}, 0, ""
		w.model.tell(order, line{ID: e.ID, Type: e.Type, Private: true})
	}
}

func (w *twin) relay(t *rapid.T) {
	var failing []string // orders whose events the stream does not take
	if rapid.Bool().Draw(t, "trouble") {
		failing = rapid.SliceOfN(orders, 1, 2).Draw(t, "failing")
	}
	w.publish(t, rapid.IntRange(1, 5).Draw(t, "most"), failing, rapid.IntRange(0, 3).Draw(t, "crash") == 3)
}

// publish relays once: what the store hands over is the head of the model's outbox. After
// a crash between the publish and the commit all of it is published again.
func (w *twin) publish(t *rapid.T, most int, failing []string, crash bool) {
	// Who has crashed may hold the turn for a moment longer: until PostgreSQL has heard of it.
	if _, err := w.db.ExecContext(t.Context(), `select name from turns where name = 'relay' for update`); err != nil {
		t.Fatal(err)
	}
	ctx, die := context.WithCancel(t.Context())
	defer die()
	head := w.model.outbox[:min(most, len(w.model.outbox))]
	var done []queued
	relayed, err := w.machine(t).Relay(ctx, settled.RelayRound{Most: most}, func(_ context.Context, events []settled.Event) (uint64, []error) {
		if crash {
			defer die()
		}
		outcomes := make([]error, len(events))
		for i, e := range events {
			if i >= len(head) || e.ID != head[i].id {
				t.Fatalf("event %d to be published is %s of %s, want of %v", i, e.Type, e.OrderID, head)
			}
			if slices.Contains(failing, head[i].order) {
				outcomes[i] = errors.New("not stored")
				continue
			}
			w.heard, done = append(w.heard, e), append(done, head[i])
		}
		return 0, outcomes
	})
	n := relayed.Published
	switch {
	case crash && len(head) > 0:
		if err == nil || n != 0 {
			t.Fatalf("Relay = %d, %v, and its transaction is gone", n, err)
		}
	case n != len(done) || (err != nil) != (len(done) == 0 && len(head) > 0):
		t.Fatalf("Relay = %d, %v; the stream took %d of %d", n, err, len(done), len(head))
	default:
		w.model.published(done)
	}
}

// sameSet compares what was claimed with what had to be: the longest waiting, in any order.
func sameSet(t *rapid.T, want, got []string) {
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" && len(want)+len(got) > 0 {
		t.Fatalf("claimed (-model +database):\n%s", diff)
	}
}
