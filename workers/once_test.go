package workers_test

import (
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settled"
	"settled/events"
	"settled/store"
)

func TestARefundThatComesToManyMachinesAtOnceIsSentOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.completed("order001")
	w.wechat.will("refund", repayment(settled.RepaymentProcessing))
	var machines sync.WaitGroup
	for range 4 {
		machine := &bus{handlers: map[string]events.Handler{}}
		w.listen(machine)
		for range 3 {
			machines.Go(func() {
				if err := w.deliverBy(machine, events.RefundRequested, refundRequest("order001", "R1", 500), 1); err != nil {
					t.Error(err)
				}
			})
		}
	}
	machines.Wait()
	w.refundStands("R1", settled.RefundAccepted, "refund")
	if told := types(w.told(p)); len(told) != 3 {
		t.Errorf("told %v", told)
	}
}

// PostgreSQL committed, and its answer got lost: the message is kept in hand and handled
// once more, and finds that all is done.
func TestAMoveWhoseCommitNobodyHeardOfIsFoundDone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.completed("order001")
	w.wechat.will("refund", repayment(settled.RepaymentProcessing))
	w.ledger.lost.Store(1)
	w.bus.heard()
	if err := w.deliver(events.RefundRequested, refundRequest("order001", "R1", 500), 1); !events.IsHold(err) {
		t.Fatalf("%v, want it kept in hand", err)
	}
	w.done(events.RefundRequested, refundRequest("order001", "R1", 500))
	w.refundStands("R1", settled.RefundAccepted, "refund")
	if told := types(w.told(p)); len(told) != 3 {
		t.Errorf("told %v", told)
	}
	if diff := cmp.Diff([]string{"recorded", "recorded", "refund.accepted"}, w.bus.heard()); diff != "" {
		t.Errorf("replies (-want +got):\n%s", diff)
	}
}

// WeChat has the refund and PostgreSQL, or the whole machine, is gone before that is
// written: the row's lease brings it back, and WeChat is sent the same bytes.
func TestARefundThatIsCutOffAfterWeChatHasItIsSentAgainByteForByte(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.completed("order001")
	w.wechat.will("refund", repayment(settled.RepaymentProcessing))
	w.ledger.gone.Store(true)
	if err := w.deliver(events.RefundRequested, refundRequest("order001", "R1", 500), 1); !events.IsHold(err) {
		t.Fatalf("%v, want it kept in hand", err)
	}
	w.ledger.gone.Store(false)
	w.done(events.RefundRequested, refundRequest("order001", "R1", 500)) // leased: not sent beside
	r := w.refundStands("R1", settled.RefundRequested, "refund")
	w.comes("refund", "refunds", r.ID)
	w.refundStands("R1", settled.RefundAccepted, "refund")
	if sent := w.wechat.bytes("refund"); len(sent) != 2 || sent[0] != sent[1] {
		t.Errorf("sent %q", sent)
	}
}

func TestWithoutPostgreSQLEveryMessageIsKeptInHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := w.notify(settled.News{Repayment: &settled.Repayment{RefundID: "R1"}})
	away, err := store.Open(store.Config{URL: "postgres://127.0.0.1:1/away", Log: w.cfg.Log})
	if err != nil {
		t.Fatal(err)
	}
	w.ledger.Store = away
	for subject, body := range map[string]any{
		events.PaymentRequested: request("order001"),
		events.RefundRequested:  refundRequest("order001", "R1", 500),
		events.PaymentReturned:  map[string]any{"merchant": "shop3", "order_id": "order001"},
		events.NotifyReceived:   n,
	} {
		if err := w.deliver(subject, body, 1); !events.IsHold(err) {
			t.Errorf("%s: %v, want it kept in hand", subject, err)
		}
	}
	if asked := w.wechat.asked(); len(asked) != 0 {
		t.Errorf("WeChat was asked %v before anything was recorded", asked)
	}
}

// Who waits, and everyone who listens, hears of what PostgreSQL has, and of nothing else.
func TestNothingIsToldBeforeItsCommit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.prepared("order001")
	trade := paid()
	trade.OrderID = "order001"
	n := w.notify(settled.News{Trade: &trade})
	w.ledger.gone.Store(true)
	if err := w.deliver(events.NotifyReceived, n, 1); !events.IsHold(err) {
		t.Fatalf("%v, want it kept in hand", err)
	}
	if told := w.bus.heard(); len(told) > 0 || w.bus.published.Load() > 0 {
		t.Errorf("replied %v and published %d before anything was committed", told, w.bus.published.Load())
	}
	w.ledger.gone.Store(false)
	w.done(events.NotifyReceived, n)
	if diff := cmp.Diff([]string{events.ReplyCommitted}, w.bus.heard()); diff != "" {
		t.Errorf("replies (-want +got):\n%s", diff)
	}
	w.stands("order001", settled.StatusCompleted)
}

// A bug that one payment meets is that payment's trouble alone.
func TestAPanicOverOnePaymentLeavesTheOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cursed, other := w.prepared("order001"), w.prepared("order002")
	w.wechat.will("query", says{trade: paid()})
	due := `update payments set due_at = now() - interval '1 second' where id = $1`
	w.wechat.during("query", func() {
		w.write(due, other.ID)
		panic("a bug")
	})
	w.write(due, cursed.ID)
	w.untilSaid("reconcile", other.ID)
	if w.payment("order001").Status != settled.StatusPrepared || w.payment("order002").Status != settled.StatusCompleted {
		t.Errorf("order001 is %s, order002 is %s", w.payment("order001").Status, w.payment("order002").Status)
	}
}
