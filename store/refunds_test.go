package store_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/lib/pq"

	"settled"
	"settled/store"
	"settled/store/storetest"
)

// paid is a payment of 1999 fen that was paid.
func paid(t *testing.T, s *store.Store, orderID string) settled.Payment {
	t.Helper()
	p := arrive(t, s, orderID, settled.FactPaid)
	p, err := s.PaymentByID(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func refundOf(p settled.Payment, refundID string, amount settled.Fen) settled.Refund {
	return settled.Refund{
		ID: uuid.NewString(), PaymentID: p.ID, Merchant: p.Merchant, OrderID: p.OrderID, RefundID: refundID,
		Amount: amount, Total: p.Amount.Total, Currency: p.Amount.Currency, Reason: "tea was cold",
		Fingerprint: fmt.Sprint(refundID, amount), Request: []byte(`{"a":1}`), Status: settled.RefundRequested, Held: true,
		DueAt: time.Now(),
	}
}

func refundMoveOf(r settled.Refund, fact settled.RefundFact, held bool) settled.RefundMove {
	to, _ := settled.NextRefund(r.Status, fact)
	m := settled.RefundMove{
		ID: r.ID, PaymentID: r.PaymentID, Fact: fact, From: r.Status, To: to, WechatRefundID: "w" + r.RefundID, Held: held,
		DueAt: time.Now().Add(time.Hour),
		Event: settled.Event{
			ID: settled.EventID("refund."+string(to), r.ID), Type: "refund." + string(to), PaymentID: r.PaymentID,
			RefundID: r.ID, Merchant: r.Merchant, OrderID: r.OrderID, At: time.Now(), Data: []byte(`{}`), RequestID: "q1",
		},
	}
	switch to {
	case settled.RefundCompleted:
		m.RefundedAt = time.Now()
		m.Event.Data = refundedBody(r.Amount, settled.Money{Total: r.Total, Currency: r.Currency}, m)
	case settled.RefundFailed:
		m.Failure = settled.Failure{Code: "CLOSED", Message: "m"}
	case settled.RefundRequested, settled.RefundAccepted:
	}
	return m
}

// refundedBody is what refund.completed says, as far as a row has it.
func refundedBody(amount settled.Fen, of settled.Money, m settled.RefundMove) []byte {
	return fmt.Appendf(nil, `{"amount": {"refund": %d, "total": %d, "currency": %q}, "wechat_refund_id": %q, "refunded_at": %q}`,
		amount, of.Total, of.Currency, m.WechatRefundID, wireTime(m.RefundedAt))
}

func migrated(t *testing.T) (*store.Store, string) {
	t.Helper()
	address := storetest.URL(t)
	s := storetest.Open(t, address)
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, address
}

func TestARefundIsRecordedOnceUnderItsNumber(t *testing.T) {
	t.Parallel()
	s, _ := migrated(t)
	p := paid(t, s, "order001")
	first, again := refundOf(p, "r1", 500), refundOf(p, "r1", 500)
	recorded, err := s.RecordRefund(t.Context(), first)
	if err != nil || !recorded.Created {
		t.Fatalf("RecordRefund = %+v, %v", recorded, err)
	}
	repeated, err := s.RecordRefund(t.Context(), again)
	if err != nil || repeated.Created || repeated.Refund.ID != first.ID {
		t.Errorf("the second time: %+v, %v", repeated, err)
	}
	if p, err = s.PaymentByID(t.Context(), p.ID); err != nil || p.Refunding != 500 {
		t.Errorf("%d fen are held, %v", p.Refunding, err)
	}
	byNumber, err := s.Refund(t.Context(), p.Merchant, "r1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(recorded.Refund, byNumber); diff != "" {
		t.Error(diff)
	}
	if _, err := s.Refund(t.Context(), p.Merchant, "r2"); !errors.Is(err, settled.ErrNotFound) {
		t.Errorf("a refund that is not there: %v", err)
	}
}

// However many ask at the same moment, from however many machines: never more than was
// paid is on its way back.
func TestNoRaceGivesBackMoreThanWasPaid(t *testing.T) {
	t.Parallel()
	s, address := migrated(t)
	p := paid(t, s, "order001")
	var given, refused atomic.Int64
	var machines sync.WaitGroup
	for machine := range 4 {
		other := storetest.Open(t, address)
		for ask := range 8 {
			machines.Go(func() {
				r := refundOf(p, fmt.Sprintf("r-%d-%d", machine, ask), 400)
				switch _, err := other.RecordRefund(t.Context(), r); {
				case err == nil:
					given.Add(400)
				case errors.Is(err, settled.ErrTooMuch):
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
		}
	}
	machines.Wait()
	if given.Load() != 1600 || refused.Load() != 28 {
		t.Errorf("%d of %d fen given back, %d requests refused", given.Load(), p.Amount.Total, refused.Load())
	}
}

func TestAnUnpaidPaymentGivesNothingBack(t *testing.T) {
	t.Parallel()
	s, _ := migrated(t)
	p := record(t, s, request("order001"))
	if _, err := s.RecordRefund(t.Context(), refundOf(p, "r1", 1)); !errors.Is(err, settled.ErrTooMuch) {
		t.Errorf("RecordRefund = %v", err)
	}
}

func TestWhatWeChatWillNeverPayOutIsFreeAgain(t *testing.T) {
	t.Parallel()
	s, _ := migrated(t)
	p := paid(t, s, "order001")
	for i, test := range []struct {
		held bool
		then error
	}{{false, nil}, {true, settled.ErrTooMuch}} {
		r := recordRefund(t, s, refundOf(p, fmt.Sprint("all", i), p.Amount.Total))
		if moved, err := s.MoveRefund(t.Context(), refundMoveOf(r, settled.RefundFactRefused, test.held)); err != nil || !moved {
			t.Fatalf("MoveRefund = %v, %v", moved, err)
		}
		if _, err := s.RecordRefund(t.Context(), refundOf(p, fmt.Sprint("next", i), p.Amount.Total)); !errors.Is(err, test.then) {
			t.Errorf("held %v: the next refund: %v, want %v", test.held, err, test.then)
		}
		if !test.held {
			next, err := s.Refund(t.Context(), p.Merchant, "next0")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.MoveRefund(t.Context(), refundMoveOf(next, settled.RefundFactRefused, false)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func recordRefund(t *testing.T, s *store.Store, r settled.Refund) settled.Refund {
	t.Helper()
	recorded, err := s.RecordRefund(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return recorded.Refund
}

func TestARefundMovesOnceAndTellsItInThePaymentsHistory(t *testing.T) {
	t.Parallel()
	s, _ := migrated(t)
	p := paid(t, s, "order001")
	r := recordRefund(t, s, refundOf(p, "r1", 700))
	if _, err := s.RefundNews(t.Context(), r.ID); !errors.Is(err, settled.ErrNotFound) {
		t.Errorf("news of a refund of which nobody was told: %v", err)
	}
	accept := refundMoveOf(r, settled.RefundFactAccepted, true)
	for i, want := range []bool{true, false} {
		if moved, err := s.MoveRefund(t.Context(), accept); err != nil || moved != want {
			t.Errorf("MoveRefund, time %d: %v, %v", i+1, moved, err)
		}
	}
	r, err := s.RefundByID(t.Context(), r.ID)
	if err != nil || r.Status != settled.RefundAccepted || r.WechatRefundID != "wr1" {
		t.Fatalf("%+v, %v", r, err)
	}
	if moved, err := s.MoveRefund(t.Context(), refundMoveOf(r, settled.RefundFactRefunded, true)); err != nil || !moved {
		t.Fatalf("MoveRefund = %v, %v", moved, err)
	}
	news, err := s.RefundNews(t.Context(), r.ID)
	if err != nil || news.Type != "refund.completed" || news.RequestID != "q1" {
		t.Errorf("%+v, %v", news, err)
	}
	history, err := s.History(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for i, h := range history {
		told = append(told, h.Type)
		if h.Version != int64(i+1) {
			t.Errorf("version %d stands at place %d", h.Version, i+1)
		}
	}
	want := []string{"payment.recorded", "payment.completed", "refund.recorded", "refund.accepted", "refund.completed"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
}

func TestRefundsOfOnePaymentComeOneAfterTheOther(t *testing.T) {
	t.Parallel()
	s, _ := migrated(t)
	p, other := paid(t, s, "order001"), paid(t, s, "order002")
	first := recordRefund(t, s, refundOf(p, "r1", 100))
	second := recordRefund(t, s, refundOf(p, "r2", 100))
	foreign := recordRefund(t, s, refundOf(other, "r3", 100))
	claim := settled.RefundClaim{Status: settled.RefundRequested, Merchants: []string{p.Merchant}, Each: 10, Lease: time.Minute}
	claimed := func(id string) map[string]bool {
		t.Helper()
		claim.ID = id
		due, err := s.DueRefunds(t.Context(), claim)
		if err != nil {
			t.Fatal(err)
		}
		ids := map[string]bool{}
		for _, r := range due {
			ids[r.ID] = true
		}
		return ids
	}
	if diff := cmp.Diff(map[string]bool{}, claimed(second.ID)); diff != "" {
		t.Errorf("the second before its turn: %s", diff)
	}
	if diff := cmp.Diff(map[string]bool{first.ID: true, foreign.ID: true}, claimed("")); diff != "" {
		t.Errorf("what is due: %s", diff)
	}
	if _, err := s.MoveRefund(t.Context(), refundMoveOf(first, settled.RefundFactAccepted, true)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]bool{second.ID: true}, claimed("")); diff != "" {
		t.Errorf("after the first was accepted: %s", diff)
	}
}

func TestARefundIsLeftToWhoeverRecordedIt(t *testing.T) {
	t.Parallel()
	s, _ := migrated(t)
	r := refundOf(paid(t, s, "order001"), "r1", 100)
	r.DueAt = time.Now().Add(time.Hour)
	r = recordRefund(t, s, r)
	pool := settled.RefundClaim{Status: r.Status, Merchants: []string{r.Merchant}, Each: 10, Lease: 2 * time.Hour}
	own := pool
	own.ID, own.DueBy = r.ID, r.DueAt
	for i, test := range []struct {
		who   string
		claim settled.RefundClaim
		want  int
	}{{"the pool", pool, 0}, {"whoever recorded it", own, 1}, {"whoever recorded it, after it was taken up", own, 0}} {
		claimed, err := s.DueRefunds(t.Context(), test.claim)
		if err != nil || len(claimed) != test.want {
			t.Errorf("%d: %s claims %d, %v; want %d", i, test.who, len(claimed), err, test.want)
		}
	}
}

func TestADelayedRefundThatMovedIsLeftAlone(t *testing.T) {
	t.Parallel()
	s, _ := migrated(t)
	r := recordRefund(t, s, refundOf(paid(t, s, "order001"), "r1", 100))
	late := settled.RefundDelay{ID: r.ID, Status: r.Status, DueAt: time.Now().Add(time.Hour), Attempts: 3, Trouble: "status_502"}
	if delayed, err := s.DelayRefund(t.Context(), late); err != nil || !delayed {
		t.Fatalf("DelayRefund = %v, %v", delayed, err)
	}
	if r, err := s.RefundByID(t.Context(), r.ID); err != nil || r.Attempts != 3 || r.Trouble != "status_502" {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := s.MoveRefund(t.Context(), refundMoveOf(r, settled.RefundFactAccepted, true)); err != nil {
		t.Fatal(err)
	}
	if delayed, err := s.DelayRefund(t.Context(), late); err != nil || delayed {
		t.Errorf("DelayRefund after a move = %v, %v", delayed, err)
	}
}

func TestAFailedRefundMayBeLookedAtNoMore(t *testing.T) {
	t.Parallel()
	s, _ := migrated(t)
	r := recordRefund(t, s, refundOf(paid(t, s, "order001"), "r1", 100))
	if _, err := s.MoveRefund(t.Context(), refundMoveOf(r, settled.RefundFactRefused, true)); err != nil {
		t.Fatal(err)
	}
	delayed, err := s.DelayRefund(t.Context(), settled.RefundDelay{ID: r.ID, Status: settled.RefundFailed, Attempts: 5})
	if err != nil || !delayed {
		t.Fatalf("DelayRefund = %v, %v", delayed, err)
	}
	if r, err := s.RefundByID(t.Context(), r.ID); err != nil || !r.DueAt.IsZero() {
		t.Errorf("due at %s, %v", r.DueAt, err)
	}
}

func TestTheDatabaseRefusesARefundThatCanNotBe(t *testing.T) {
	t.Parallel()
	s, address := migrated(t)
	p := paid(t, s, "order001")
	r := recordRefund(t, s, refundOf(p, "r1", 1000))
	db := storetest.DB(t, address)
	for name, test := range map[string]struct{ constraint, statement string }{
		"completed at once":        {"refund_completed", `update refunds set status = 'completed' where id = $1`},
		"an unknown state":         {"refund_legal_move", `update refunds set status = 'lost' where id = $1`},
		"another amount":           {"refund_identity", `update refunds set amount = 1 where id = $1`},
		"other bytes":              {"refund_identity", `update refunds set request = 'x' where id = $1`},
		"free and on its way":      {"refund_held", `update refunds set held = false where id = $1`},
		"open and never looked at": {"refund_watched", `update refunds set due_at = null where id = $1`},
		"more than was paid": {"payment_refunding", `insert into refunds (id, payment_id, merchant, order_id, refund_id,
			amount, total, currency, reason, fingerprint, request, due_at)
			select gen_random_uuid(), payment_id, merchant, order_id, 'r2', 1000, total, currency, '', 'f', 'r', now()
			from refunds where id = $1`},
		"begun as accepted": {"refund_begins_requested", `insert into refunds (id, payment_id, merchant, order_id, refund_id, status,
			amount, total, currency, reason, fingerprint, request, due_at)
			select gen_random_uuid(), payment_id, merchant, order_id, 'r3', 'accepted', 1, total, currency, '', 'f', 'r', now()
			from refunds where id = $1`},
	} {
		_, err := db.ExecContext(t.Context(), test.statement, r.ID)
		var pqErr *pq.Error
		if !errors.As(err, &pqErr) || pqErr.Constraint != test.constraint {
			t.Errorf("%s: %v, want a violation of %s", name, err, test.constraint)
		}
	}
}
