package store_test

import (
	"errors"
	"maps"
	"slices"
	"time"

	"pgregory.net/rapid"

	"settled"
)

func (w *twin) recordRefund(t *rapid.T) {
	order, p := w.recorded(t)
	r := refundOf(settled.Payment{
		ID: p.ID, Merchant: "classic", OrderID: order, Amount: price,
	}, numbers.Draw(t, "number"), settled.Fen(rapid.SampledFrom([]int{1, 600, 900, 1999}).Draw(t, "amount")))
	r.DueAt = w.when(t, "past", "hour")
	got, err := w.machine(t).RecordRefund(t.Context(), r)
	known, created, want := w.model.refund(r)
	switch {
	case !errors.Is(err, want) || err != nil && want == nil:
		t.Fatalf("RecordRefund: %v, want %v", err, want)
	case err == nil && (got.Created != created || got.Refund.ID != known.ID):
		t.Fatalf("RecordRefund = %+v, want %+v, made %t", got, known, created)
	}
}

// refunded is a refund that was recorded.
func (w *twin) refunded(t *rapid.T) *owed {
	if len(w.model.refunds) == 0 {
		t.Skip("nothing is recorded yet") // to rapid: this can not be done now, something else can
	}
	return w.model.refunds[rapid.SampledFrom(slices.Sorted(maps.Keys(w.model.refunds))).Draw(t, "number")]
}

// moveRefund tries every pair of states, whatever the refund's own is.
func (w *twin) moveRefund(t *rapid.T) {
	r := w.refunded(t)
	from := near(t, "from", r.Status, settled.RefundStatuses)
	others := slices.DeleteFunc(slices.Clone(settled.RefundStatuses), func(s settled.RefundStatus) bool { return s == from })
	to := rapid.SampledFrom(others).Draw(t, "to")
	m := refundMoveOf(settled.Refund{
		ID: r.ID, PaymentID: w.model.payments[r.Order].ID, Merchant: "classic", OrderID: r.Order, RefundID: r.Number, Status: from,
	}, settled.RefundFactAccepted, true)
	m.To, m.Event.ID, m.Event.Type = to, settled.EventID("refund."+string(to), r.ID), "refund."+string(to)
	m.Held = to != settled.RefundFailed || rapid.Bool().Draw(t, "held")
	m.RefundedAt, m.Failure = time.Now(), settled.Failure{Code: "CLOSED", Message: "m"}
	if to == settled.RefundCompleted {
		m.Event.Data = refundedBody(r.Amount, price, m)
	}
	m.DueAt = w.when(t, "past", "hour")
	moved, err := w.machine(t).MoveRefund(t.Context(), m)
	wantMoved, want := w.model.moveRefund(m, r.Number)
	if moved != wantMoved || (err != nil) != (want != nil) || errors.Is(want, settled.ErrTooMuch) && !errors.Is(err, want) {
		t.Fatalf("%s to %s: MoveRefund = %t, %v; want %t, %v", from, to, moved, err, wantMoved, want)
	}
}

func (w *twin) delayRefund(t *rapid.T) {
	r := w.refunded(t)
	d := settled.RefundDelay{
		ID: r.ID, Status: near(t, "seen as", r.Status, settled.RefundStatuses), DueAt: w.when(t, "past", "hour"),
		Attempts: rapid.IntRange(0, 3).Draw(t, "attempts"), Trouble: rapid.SampledFrom([]string{"", "timeout"}).Draw(t, "trouble"),
	}
	delayed, err := w.machine(t).DelayRefund(t.Context(), d)
	if err != nil || delayed != (r.Status == d.Status) {
		t.Fatalf("DelayRefund = %t, %v; the refund is %s", delayed, err, r.Status)
	}
	if delayed {
		r.Due, r.Attempts, r.Trouble = d.DueAt, d.Attempts, d.Trouble
	}
}

func (w *twin) dueRefunds(t *rapid.T) {
	r := w.refunded(t)
	c := settled.RefundClaim{
		Status: near(t, "status", r.Status, settled.RefundStatuses), Merchants: ours,
		Each: rapid.IntRange(1, 3).Draw(t, "each"), Lease: time.Hour,
	}
	if rapid.Bool().Draw(t, "by whoever recorded it") {
		c.ID, c.DueBy = r.ID, r.Due
	}
	claimed, err := w.machine(t).DueRefunds(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range claimed {
		got = append(got, r.RefundID)
	}
	sameSet(t, w.model.dueRefunds(c), got)
}
