package workers_test

import (
	"testing"
	"time"

	"settled"
	"settled/events"
)

func TestExpiryAsksClosesAndAsksOnceMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.prepared("order001")
	w.expired(p)
	w.wechat.will("query", says{})
	w.wechat.will("close", says{})
	w.comes("reconcile", "payments", p.ID)
	p = w.stands("order001", settled.StatusClosed, "query", "close", "query")
	if _, body := w.last(p, events.PaymentClosed); body["reason"] != "expired" {
		t.Errorf("told %v", body)
	}
	if p.DueAt.IsZero() {
		t.Error("nobody asks about it any more, and money may be on its way")
	}
}

func TestWhatExpiryHears(t *testing.T) {
	t.Parallel()
	closedThen := func(answers ...says) []says { return answers }
	for name, test := range map[string]struct {
		query   []says
		closing says
		want    settled.Status
		asked   []string
	}{
		"money between the two questions": {closedThen(says{}, says{trade: paid()}), says{}, "completed", []string{"query", "close", "query"}},
		"no close: it was paid":           {closedThen(says{}, says{trade: paid()}), says{err: saidPaid}, "completed", []string{"query", "close", "query"}},
		"no close, and the query is slow": {closedThen(says{}, says{}), says{err: saidPaid}, "prepared", []string{"query", "close", "query"}},
		"no close: refused":               {closedThen(says{}), says{err: &settled.Refusal{Code: "SIGNERROR"}}, "prepared", []string{"query", "close"}},
		"no answer to the close":          {closedThen(says{}), says{err: silence}, "prepared", []string{"query", "close"}},
		"no answer to the first question": {closedThen(says{err: silence}), says{}, "prepared", []string{"query"}},
		"no answer to the second":         {closedThen(says{}, says{err: silence}), says{}, "prepared", []string{"query", "close", "query"}},
		"closed there before":             {closedThen(says{trade: settled.Trade{Closed: true}}), says{}, "closed", []string{"query"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p := w.prepared("order001")
			w.expired(p)
			w.wechat.will("query", test.query...)
			w.wechat.will("close", test.closing)
			w.comes("reconcile", "payments", p.ID)
			p = w.stands("order001", test.want, test.asked...)
			if p.Status.Open() && (p.Trouble == "" || p.Attempts != 1 || !p.DueAt.After(time.Now())) {
				t.Errorf("not put off: %d attempts, %q, due %s", p.Attempts, p.Trouble, p.DueAt)
			}
		})
	}
}

func TestAnOrderThatWasNeverPreparedIsClosedWithTheSameCare(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wechat.will("prepay", says{err: silence})
	w.done(events.PaymentRequested, request("order001"))
	p := w.stands("order001", settled.StatusRequested, "prepay")
	w.expired(p)
	w.wechat.will("query", says{})
	w.wechat.will("close", says{})
	w.comes("prepare", "payments", p.ID)
	w.stands("order001", settled.StatusClosed, "query", "close", "query")
}

func TestAnOrderThatIsClosedAtWeChatBeforeItsTimeIsClosedAsRequested(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.prepared("order001")
	w.wechat.will("query", says{trade: settled.Trade{Closed: true}})
	w.comes("reconcile", "payments", p.ID)
	w.stands("order001", settled.StatusClosed, "query")
	if _, body := w.last(p, events.PaymentClosed); body["reason"] != "requested" {
		t.Errorf("told %v", body)
	}
}

// closing asks for a close as an operator does.
func (w *world) closing(p settled.Payment) {
	w.t.Helper()
	done, err := w.ledger.Act(w.t.Context(), settled.Act{Kind: settled.ActClose, PaymentID: p.ID, By: "mei"})
	if err != nil || !done {
		w.t.Fatal(done, err)
	}
}

func TestAnOperatorsCloseIsAsCarefulAsExpiry(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		query   []says
		closing says
		want    settled.Status
		asked   []string
	}{
		"unpaid":                          {[]says{{}, {}}, says{}, "closed", []string{"query", "close", "query"}},
		"it was paid":                     {[]says{{trade: paid()}}, says{}, "completed", []string{"query"}},
		"money between the two questions": {[]says{{}, {trade: paid()}}, says{}, "completed", []string{"query", "close", "query"}},
		"no close: it was paid":           {[]says{{}, {trade: paid()}}, says{err: saidPaid}, "completed", []string{"query", "close", "query"}},
		"no answer":                       {[]says{{err: silence}}, says{}, "prepared", []string{"query"}},
		"no answer to the close":          {[]says{{}}, says{err: silence}, "prepared", []string{"query", "close"}},
		"no answer to the second":         {[]says{{}, {err: silence}}, says{}, "prepared", []string{"query", "close", "query"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p := w.prepared("order001")
			w.closing(p)
			w.wechat.will("query", test.query...)
			w.wechat.will("close", test.closing)
			w.comes("reconcile", "payments", p.ID)
			p = w.stands("order001", test.want, test.asked...)
			if p.Status.Open() && (p.Trouble == "" || !p.CloseAsked || !p.DueAt.After(time.Now())) {
				t.Errorf("not put off: %q, asked %t, due %s", p.Trouble, p.CloseAsked, p.DueAt)
			}
			if test.want != "closed" {
				return
			}
			if _, body := w.last(p, events.PaymentClosed); body["reason"] != "requested" {
				t.Errorf("told %v", body)
			}
		})
	}
}

// An order that WeChat may never have heard of is not prepared any more, but closed.
func TestAnOperatorClosesWhatWasNeverPrepared(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wechat.will("prepay", says{err: silence})
	w.done(events.PaymentRequested, request("order001"))
	p := w.stands("order001", settled.StatusRequested, "prepay")
	w.closing(p)
	w.wechat.will("query", says{})
	w.wechat.will("close", says{})
	w.comes("prepare", "payments", p.ID)
	p = w.stands("order001", settled.StatusClosed, "query", "close", "query")
	if p.CloseReason != settled.Requested {
		t.Errorf("closed because %s", p.CloseReason)
	}
}

// A close that was asked for after the time was up is still what somebody wanted.
func TestAnOperatorsCloseIsRequestedEvenIfTimeIsUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.prepared("order001")
	w.closing(p)
	w.expired(p)
	w.wechat.will("query", says{}, says{})
	w.wechat.will("close", says{})
	w.comes("reconcile", "payments", p.ID)
	if p = w.stands("order001", settled.StatusClosed, "query", "close", "query"); p.CloseReason != settled.Requested {
		t.Errorf("closed because %s", p.CloseReason)
	}
}

// An operator has WeChat asked at once, whatever the schedule says and however often WeChat
// gave no answer.
func TestAnOperatorHasWeChatAskedNow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.prepared("order001")
	w.write(`update payments set due_at = now() + interval '1 day', trouble = 'timeout', attempts = 9 where id = $1`, p.ID)
	done, err := w.ledger.Act(t.Context(), settled.Act{Kind: settled.ActQuery, PaymentID: p.ID, By: "mei"})
	if err != nil || !done {
		t.Fatal(done, err)
	}
	w.wechat.will("query", says{trade: paid()})
	w.untilSaid("reconcile", p.ID)
	w.stands("order001", settled.StatusCompleted, "query")
}

// closed is a payment whose time was up.
func (w *world) closed(orderID string) settled.Payment {
	w.t.Helper()
	p := w.prepared(orderID)
	w.wechat.will("query", says{trade: settled.Trade{Closed: true}})
	w.comes("reconcile", "payments", p.ID)
	return w.stands(orderID, settled.StatusClosed, "query")
}

func TestMoneyAfterAClosedPaymentIsCompletedLate(t *testing.T) {
	t.Parallel()
	for _, by := range []string{"query", "notify"} {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p := w.closed("order001")
			if by == "query" {
				w.wechat.will("query", says{trade: paid()})
				w.comes("reconcile", "payments", p.ID)
			} else {
				w.notified(settled.News{Trade: tradeOf("order001")})
			}
			if p := w.payment("order001"); p.Status != settled.StatusCompleted || !p.Late {
				t.Errorf("%s, late %t", p.Status, p.Late)
			}
			if _, body := w.last(p, events.PaymentCompleted); body["late"] != true || body["source"] != by {
				t.Errorf("told %v", body)
			}
		})
	}
}

// Anybody who knows its id may say that the customer is back, once a second. The questions
// that a closed payment has are spread over a day, and must not be used up in a minute.
func TestAHintTakesNoneOfTheQuestionsOfAClosedPayment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.closed("order001")
	hint := map[string]any{"payment_id": before.ID}
	for range 6 {
		w.done(events.PaymentReturned, hint)
	}
	after := w.stands("order001", settled.StatusClosed, "query", "query", "query", "query", "query", "query")
	if after.Attempts != before.Attempts || !after.DueAt.Equal(before.DueAt) {
		t.Errorf("after the hints: %d questions asked, the next %s; before: %d, %s", after.Attempts, after.DueAt, before.Attempts, before.DueAt)
	}
	w.wechat.will("query", says{trade: paid()})
	w.done(events.PaymentReturned, hint)
	w.stands("order001", settled.StatusCompleted, "query")
}

func TestAClosedPaymentIsAskedAboutInItsTurnsAndThenNoMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.closed("order001")
	for turn := 1; !p.DueAt.IsZero(); turn++ {
		if turn > 5 {
			t.Fatalf("a question %d at %s", turn, p.DueAt)
		}
		w.wechat.will("query", says{err: silence}, says{}) // an outage costs none of them
		w.comes("reconcile", "payments", p.ID)
		w.comes("reconcile", "payments", p.ID)
		if p = w.stands("order001", settled.StatusClosed, "query", "query"); p.Attempts != turn {
			t.Errorf("after turn %d: %d", turn, p.Attempts)
		}
	}
	if p.Attempts != 5 {
		t.Errorf("%d turns", p.Attempts)
	}
}
