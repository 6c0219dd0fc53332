package workers_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled"
	"settled/events"
)

// refundRequest is refund.requested for an order of 1999 fen.
func refundRequest(orderID, refundID string, amount int) map[string]any {
	return map[string]any{
		"merchant": "shop3", "order_id": orderID, "refund_id": refundID,
		"amount": map[string]any{"refund": amount, "total": 1999},
	}
}

// repayment is what WeChat says of a refund of 500 fen of order001.
func repayment(state settled.RepaymentState) says {
	return says{repayment: settled.Repayment{
		State: state, WechatRefundID: "5000000001", OrderID: "order001", Amount: 500, Total: 1999, RequestID: "refund-1",
	}}
}

// refund reads a refund by its number.
func (w *world) refund(refundID string) settled.Refund {
	w.t.Helper()
	r, err := w.ledger.Refund(w.t.Context(), "shop3", refundID)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// requested is the refund R1 of 500 fen of a completed payment, to which WeChat said what
// the test has it say; what was asked and replied so far is forgotten.
func (w *world) requested(answer says) settled.Refund {
	w.t.Helper()
	w.completed("order001")
	w.wechat.will("refund", answer)
	w.done(events.RefundRequested, refundRequest("order001", "R1", 500))
	w.wechat.asked()
	w.bus.heard()
	return w.refund("R1")
}

// refundStands checks where a refund stands, and what WeChat was asked since the last look.
func (w *world) refundStands(refundID string, want settled.RefundStatus, asked ...string) settled.Refund {
	w.t.Helper()
	r := w.refund(refundID)
	if r.Status != want {
		w.t.Errorf("refund %s is %s, want %s; trouble %q", refundID, r.Status, want, r.Trouble)
	}
	if diff := cmp.Diff(asked, w.wechat.asked()); diff != "" {
		w.t.Errorf("WeChat was asked (-want +got):\n%s", diff)
	}
	return r
}

// repaid hands over a notify of a refund.
func (w *world) repaid(t settled.Repayment) {
	w.t.Helper()
	t.RefundID, t.RequestID = "R1", ""
	w.notified(settled.News{Repayment: &t})
}

func TestARefundIsAcceptedAndThenCompletedByTheQuery(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.completed("order001")
	w.bus.heard()
	w.wechat.will("refund", repayment(settled.RepaymentProcessing))
	w.done(events.RefundRequested, refundRequest("order001", "R1", 500))
	r := w.refundStands("R1", settled.RefundAccepted, "refund")
	if diff := cmp.Diff([]string{"recorded", "refund.accepted"}, w.bus.heard()); diff != "" {
		t.Errorf("replies (-want +got):\n%s", diff)
	}
	if r.WechatRefundID != "5000000001" || r.DueAt.IsZero() || w.payment("order001").Refunding != 500 {
		t.Errorf("accepted: %+v", r)
	}
	w.wechat.will("query_refund", says{err: silence}, repayment(settled.RepaymentProcessing), repayment(settled.RepaymentSucceeded))
	for _, want := range []settled.RefundStatus{"accepted", "accepted", "completed"} {
		w.comes("refund", "refunds", r.ID)
		r = w.refundStands("R1", want, "query_refund")
	}
	last, body := w.last(p, events.RefundCompleted)
	if last.RequestID != "refund-1" || last.RefundID != r.ID || body["wechat_refund_id"] != "5000000001" ||
		body["refund_id"] != "R1" || field(body, "amount.refund") != 500.0 || body["refunded_at"] == "" {
		t.Errorf("told %+v %v", last, body)
	}
	if !r.DueAt.IsZero() {
		t.Errorf("a completed refund is looked at again at %s", r.DueAt)
	}
}

func TestThePoolLeavesARefundToWhoeverCanAnswerForIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.completed("order001")
	w.bus.heard()
	w.ledger.meanwhile = func() {
		claim := settled.RefundClaim{Status: settled.RefundRequested, Merchants: []string{"shop3"}, Each: 10, Lease: time.Hour}
		if due, err := w.ledger.DueRefunds(t.Context(), claim); err != nil || len(due) != 0 {
			t.Errorf("the pool claims %d refunds, %v", len(due), err)
		}
	}
	w.wechat.will("refund", repayment(settled.RepaymentProcessing))
	w.done(events.RefundRequested, refundRequest("order001", "R1", 500))
	if diff := cmp.Diff([]string{"recorded", "refund.accepted"}, w.bus.heard()); diff != "" {
		t.Errorf("replies (-want +got):\n%s", diff)
	}
}

func TestARefundIsCompletedByANotifyThatOvertakesTheAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.completed("order001")
	w.wechat.will("refund", repayment(settled.RepaymentProcessing))
	w.wechat.during("refund", func() { w.repaid(repayment(settled.RepaymentSucceeded).repayment) })
	w.done(events.RefundRequested, refundRequest("order001", "R1", 500))
	w.refundStands("R1", settled.RefundCompleted, "refund")
	w.last(p, events.RefundCompleted)
	if told := types(w.told(p)); len(told) != 3 {
		t.Errorf("told %v", told)
	}
}

func TestTheSameRefundAgainIsTheSameEventAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.requested(repayment(settled.RepaymentProcessing))
	p := w.payment("order001")
	first, _ := w.last(p, events.RefundAccepted)
	w.write(`delete from outbox`)
	w.done(events.RefundRequested, refundRequest("order001", "R1", 500))
	w.refundStands("R1", settled.RefundAccepted)
	again, _ := w.last(p, events.RefundAccepted)
	if again.ID != first.ID || !again.Queued {
		t.Errorf("told again: %s, to be published: %t; the first was %s", again.ID, again.Queued, first.ID)
	}
	if diff := cmp.Diff([]string{"recorded", "refund.accepted"}, w.bus.heard()); diff != "" {
		t.Errorf("replies (-want +got):\n%s", diff)
	}
}

func TestANumberThatBelongsToAnotherRefundIsRejected(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.requested(repayment(settled.RepaymentProcessing))
	for _, conflicting := range []struct {
		name   string
		change func(map[string]any)
	}{
		{"another amount", func(r map[string]any) { r["amount"].(map[string]any)["refund"] = 501 }},
		{"all of it", func(r map[string]any) { r["amount"].(map[string]any)["refund"] = 1999 }},
		{"another reason", func(r map[string]any) { r["reason"] = "The tea was cold" }},
		{"another total", func(r map[string]any) { r["amount"].(map[string]any)["total"] = 2000 }},
		{"a broken rule", func(r map[string]any) { r["amount"].(map[string]any)["refund"] = 0 }},
		{"another order", func(r map[string]any) { r["order_id"] = "order002" }},
	} {
		conflict := refundRequest("order001", "R1", 500)
		conflicting.change(conflict)
		w.done(events.RefundRequested, conflict)
		if diff := cmp.Diff([]string{events.RefundRejected}, w.bus.heard()); diff != "" {
			t.Errorf("%s: replies (-want +got):\n%s", conflicting.name, diff)
		}
		if _, body := w.last(w.payment("order001"), events.RefundRejected); field(body, "error.code") != "conflict" || body["status"] != nil {
			t.Errorf("%s: told %v", conflicting.name, body)
		}
	}
	if diff := cmp.Diff(before, w.refundStands("R1", settled.RefundAccepted)); diff != "" {
		t.Errorf("the first was touched:\n%s", diff)
	}
}

// What keeps a refund from WeChat is told, and its number stays free.
func TestWhatCanNotBeGivenBackIsNotAskedFor(t *testing.T) {
	t.Parallel()
	for code, test := range map[string]struct {
		begin   func(w *world)
		request map[string]any
		attempt int
		asked   []string
	}{
		"exceeds_payment": {func(w *world) { w.requested(repayment(settled.RepaymentProcessing)) }, refundRequest("order001", "R2", 1500), 1, nil},
		"total_mismatch": {func(w *world) { w.completed("order001") }, map[string]any{
			"merchant": "shop3", "order_id": "order001", "refund_id": "R2", "amount": map[string]any{"refund": 1, "total": 2000},
		}, 1, nil},
		"not_paid":      {func(w *world) { w.prepared("order001"); w.wechat.will("query", says{}) }, refundRequest("order001", "R2", 1), 1, []string{"query"}},
		"unknown_order": {func(*world) {}, refundRequest("order001", "R2", 1), 3, nil},
		"invalid":       {func(*world) {}, refundRequest("order001", "", 0), 1, nil},
		"unsupported": {func(w *world) { w.completed("order001") }, map[string]any{
			"merchant": "shop3", "order_id": "order001", "refund_id": "R2", "amount": map[string]any{"refund": 1, "total": 1999}, "reason": "can't",
		}, 1, nil},
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			test.begin(w)
			w.wechat.asked()
			w.bus.heard()
			if err := w.deliver(events.RefundRequested, test.request, test.attempt); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.asked, w.wechat.asked()); diff != "" {
				t.Errorf("WeChat was asked (-want +got):\n%s", diff)
			}
			replies := w.bus.replies
			if len(replies) != 1 || replies[0].Kind != events.RefundFailed {
				t.Fatalf("replies %v", replies)
			}
			body := object(t, replies[0].Data)
			if field(body, "error.code") != code || body["status"] != "failed" || body["refund_id"] != test.request["refund_id"] {
				t.Errorf("told %v", body)
			}
			if problems, _ := body["problems"].([]any); (code == "invalid") != (len(problems) > 0) {
				t.Errorf("problems %v", problems)
			}
			if _, err := w.ledger.Refund(t.Context(), "shop3", "R2"); err == nil {
				t.Error("it was recorded")
			}
		})
	}
}

func TestARefundOfAnOrderThatIsStillBehindIsTriedLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for attempt := 1; attempt <= 2; attempt++ {
		if _, later := events.IsLater(w.deliver(events.RefundRequested, refundRequest("order001", "R1", 1), attempt)); !later {
			t.Errorf("attempt %d is not put off", attempt)
		}
	}
}

func TestWeChatIsAskedWhetherItWasPaidBeforeARefundIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.prepared("order001")
	w.wechat.will("query", says{trade: paid()})
	w.wechat.will("refund", repayment(settled.RepaymentProcessing))
	w.done(events.RefundRequested, refundRequest("order001", "R1", 500))
	w.refundStands("R1", settled.RefundAccepted, "query", "refund")
}

// An outage is not the news that nothing was paid.
func TestARefundIsNotRefusedWhileWeChatDoesNotSayWhetherItWasPaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.prepared("order001")
	w.wechat.will("query", says{err: silence}, says{trade: paid()})
	w.wechat.will("refund", repayment(settled.RepaymentProcessing))
	if _, later := events.IsLater(w.deliver(events.RefundRequested, refundRequest("order001", "R1", 500), 1)); !later {
		t.Error("it is not put off")
	}
	if replies := w.bus.heard(); len(replies) != 0 {
		t.Errorf("replies %v", replies)
	}
	if err := w.deliver(events.RefundRequested, refundRequest("order001", "R1", 500), 2); err != nil {
		t.Fatal(err)
	}
	w.refundStands("R1", settled.RefundAccepted, "query", "query", "refund")
}

func TestTwoRefundsOfOnePaymentGoOneAfterTheOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.requested(says{err: silence})
	w.wechat.will("refund", says{repayment: settled.Repayment{State: settled.RepaymentProcessing}})
	w.done(events.RefundRequested, refundRequest("order001", "R2", 700))
	second := w.refundStands("R2", settled.RefundRequested) // the first may be on its way
	if diff := cmp.Diff([]string{"recorded"}, w.bus.heard()); diff != "" {
		t.Errorf("replies (-want +got):\n%s", diff)
	}
	w.comes("refund", "refunds", first.ID)
	w.refundStands("R1", settled.RefundAccepted, "refund")
	w.comes("refund", "refunds", second.ID)
	w.refundStands("R2", settled.RefundAccepted, "refund")
	if held := w.payment("order001").Refunding; held != 1200 {
		t.Errorf("%d fen are held", held)
	}
}

func TestARefundWhoseOutcomeIsUnknownIsSentAgainByteForByte(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.requested(says{err: silence})
	if r.Status != settled.RefundRequested || r.Attempts != 1 || !strings.Contains(r.Trouble, "timeout") {
		t.Errorf("after an unknown outcome: %+v", r)
	}
	for range 3 {
		w.comes("refund", "refunds", r.ID)
	}
	w.wechat.will("refund", repayment(settled.RepaymentProcessing))
	w.comes("refund", "refunds", r.ID)
	w.refundStands("R1", settled.RefundAccepted, "refund", "refund", "refund", "refund")
	for _, sent := range w.wechat.bytes("refund") {
		if sent != string(r.Request) || sent != fmt.Sprintf("refund R1 %s", r.ID) {
			t.Errorf("sent %q, recorded %q", sent, r.Request)
		}
	}
}

func TestAContestedRefundIsDecidedByTheQuery(t *testing.T) {
	t.Parallel()
	contested := says{err: &settled.Refusal{Code: "INVALID_REQUEST", Message: "used", Contested: true}}
	absent := repayment(settled.RepaymentAbsent)
	for name, test := range map[string]struct {
		query says
		want  []settled.RefundStatus // after the request, and after each look
	}{
		"absent":         {absent, []settled.RefundStatus{"requested", "requested", "failed"}},
		"under way":      {repayment(settled.RepaymentProcessing), []settled.RefundStatus{"accepted"}},
		"through":        {repayment(settled.RepaymentSucceeded), []settled.RefundStatus{"completed"}},
		"given up":       {repayment(settled.RepaymentClosed), []settled.RefundStatus{"failed"}},
		"no answer":      {says{err: silence}, []settled.RefundStatus{"requested", "requested", "requested", "requested"}},
		"refuses to say": {says{err: &settled.Refusal{Code: "NOAUTH"}}, []settled.RefundStatus{"requested", "requested", "requested", "requested"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.completed("order001")
			w.wechat.will("refund", contested)
			w.wechat.will("query_refund", test.query)
			w.done(events.RefundRequested, refundRequest("order001", "R1", 500))
			for i, want := range test.want {
				if i > 0 {
					w.comes("refund", "refunds", w.refund("R1").ID)
				}
				w.refundStands("R1", want, "refund", "query_refund")
			}
		})
	}
}

func TestAContestedRefundHasItsTriesHoweverManyOutcomesWereUnknownBefore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.requested(says{err: silence})
	w.wechat.will("query_refund", repayment(settled.RepaymentAbsent))
	w.comes("refund", "refunds", r.ID)
	w.comes("refund", "refunds", r.ID)
	w.wechat.will("refund", says{err: &settled.Refusal{Code: "INVALID_REQUEST", Contested: true}})
	for _, want := range []settled.RefundStatus{"requested", "requested", "failed"} {
		w.comes("refund", "refunds", r.ID)
		if got := w.refund("R1"); got.Status != want {
			t.Fatalf("%s, want %s; %d attempts, %q", got.Status, want, got.Attempts, got.Trouble)
		}
	}
}

func TestARefundThatWeChatRefusesOrGivesUpIsFailedAndItsAmountIsFree(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]says{
		"NOT_ENOUGH": {err: &settled.Refusal{Code: "NOT_ENOUGH", Message: "no money", RequestID: "refund-1"}},
		"CLOSED":     repayment(settled.RepaymentClosed),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.requested(answer)
			last, body := w.last(w.payment("order001"), events.RefundFailed)
			if r.Status != settled.RefundFailed || r.Held || field(body, "error.code") != name || last.RequestID != "refund-1" {
				t.Errorf("%s, held %t, told %v", r.Status, r.Held, body)
			}
			w.wechat.will("refund", says{repayment: settled.Repayment{State: settled.RepaymentProcessing}})
			w.done(events.RefundRequested, refundRequest("order001", "R2", 1999))
			w.refundStands("R2", settled.RefundAccepted, "refund")
		})
	}
}

// WeChat repeats a notify that it has not heard "success" for; each must be done with.
func TestTheNotifyOfAClosedRefundMayComeTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.requested(repayment(settled.RepaymentProcessing))
	w.repaid(repayment(settled.RepaymentClosed).repayment)
	w.repaid(repayment(settled.RepaymentClosed).repayment)
	if told := types(w.told(w.payment("order001"))); told[len(told)-1] != events.RefundFailed || len(told) != 4 {
		t.Errorf("told %v", told)
	}
}

func TestAnAbnormalRefundIsFailedAndHeldAndCompletesWhenItIsMended(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.requested(repayment(settled.RepaymentProcessing))
	w.wechat.will("query_refund", repayment(settled.RepaymentAbnormal))
	w.comes("refund", "refunds", r.ID)
	r = w.refundStands("R1", settled.RefundFailed, "query_refund")
	if _, body := w.last(w.payment("order001"), events.RefundFailed); !r.Held || field(body, "error.code") != "ABNORMAL" {
		t.Errorf("held %t, told %v", r.Held, body)
	}
	w.done(events.RefundRequested, refundRequest("order001", "R2", 1999))
	if diff := cmp.Diff([]string{"refund.failed"}, w.bus.heard()); diff != "" {
		t.Errorf("its amount was given back twice (-want +got):\n%s", diff)
	}
	w.comes("refund", "refunds", r.ID)
	w.refundStands("R1", settled.RefundFailed, "query_refund")
	w.wechat.will("query_refund", repayment(settled.RepaymentSucceeded))
	w.comes("refund", "refunds", r.ID)
	w.refundStands("R1", settled.RefundCompleted, "query_refund")
	w.last(w.payment("order001"), events.RefundCompleted)
}

func TestAnAbnormalRefundIsAskedAboutAFewTimesAndThenLeftToItsNotify(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.requested(repayment(settled.RepaymentAbnormal))
	w.wechat.will("query_refund", repayment(settled.RepaymentAbnormal))
	looks := 0
	for ; !r.DueAt.IsZero() && looks < 10; looks++ {
		w.comes("refund", "refunds", r.ID)
		r = w.refund("R1")
	}
	if looks != 5 {
		t.Errorf("WeChat is asked %d times more, want 5", looks)
	}
	w.repaid(repayment(settled.RepaymentSucceeded).repayment)
	if r := w.refund("R1"); r.Status != settled.RefundCompleted {
		t.Errorf("%s", r.Status)
	}
}

func TestAnUnprovenNotifyOnlyAsks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.requested(repayment(settled.RepaymentProcessing))
	unproven := repayment(settled.RepaymentSucceeded).repayment
	unproven.Unproven, unproven.Amount = true, 1
	w.wechat.will("query_refund", repayment(settled.RepaymentProcessing), repayment(settled.RepaymentSucceeded))
	w.repaid(unproven)
	w.refundStands("R1", settled.RefundAccepted, "query_refund")
	w.repaid(unproven)
	w.refundStands("R1", settled.RefundCompleted, "query_refund")
	w.repaid(unproven)
	w.refundStands("R1", settled.RefundCompleted) // nothing is left to ask
}

// A refund that waits for an earlier one must not get in front of it by anybody's hint.
func TestAnUnprovenNotifySendsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.requested(says{err: silence})
	unproven := repayment(settled.RepaymentSucceeded).repayment
	unproven.Unproven = true
	w.wechat.will("query_refund", repayment(settled.RepaymentAbsent))
	w.repaid(unproven)
	w.refundStands("R1", settled.RefundRequested, "query_refund")
}

func TestARefundThatDisagreesIsFlaggedAndNotCompleted(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*settled.Repayment)
		reason settled.FlagReason
	}{
		"another amount":   {func(t *settled.Repayment) { t.Amount = 501 }, settled.AmountMismatch},
		"another total":    {func(t *settled.Repayment) { t.Total = 2000 }, settled.AmountMismatch},
		"another order":    {func(t *settled.Repayment) { t.OrderID = "order002" }, settled.MerchantMismatch},
		"another merchant": {func(t *settled.Repayment) { t.Foreign = "mchid 1900000000" }, settled.MerchantMismatch},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.requested(repayment(settled.RepaymentProcessing))
			lie := repayment(settled.RepaymentSucceeded)
			test.change(&lie.repayment)
			w.repaid(lie.repayment)
			w.wechat.will("query_refund", lie)
			w.comes("refund", "refunds", r.ID)
			r = w.refundStands("R1", settled.RefundAccepted, "query_refund")
			if _, body := w.last(w.payment("order001"), events.PaymentFlagged); body["reason"] != string(test.reason) {
				t.Errorf("told %v", body)
			}
			if told := types(w.told(w.payment("order001"))); len(told) != 4 {
				t.Errorf("flagged more than once: %v", told)
			}
			if r.Trouble == "" || !r.DueAt.After(time.Now().Add(time.Hour)) {
				t.Errorf("put off to %s, trouble %q", r.DueAt, r.Trouble)
			}
		})
	}
}

// WeChat refused a refund, its amount went back under another number, and now WeChat says
// that the first was paid out as well: somebody has to know.
func TestARefundThatIsPaidOutAfterItsAmountWentElsewhereIsFlagged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.requested(says{err: &settled.Refusal{Code: "SYSTEM_REFUSED"}})
	w.wechat.will("refund", says{repayment: settled.Repayment{State: settled.RepaymentProcessing}})
	w.done(events.RefundRequested, refundRequest("order001", "R2", 1999))
	w.repaid(repayment(settled.RepaymentSucceeded).repayment)
	r := w.refund("R1")
	if _, body := w.last(w.payment("order001"), events.PaymentFlagged); body["reason"] != "amount_mismatch" ||
		!strings.Contains(body["detail"].(string), "R1") {
		t.Errorf("told %v", body)
	}
	if r.Status != settled.RefundFailed || r.DueAt.IsZero() {
		t.Errorf("%s, looked at again at %s", r.Status, r.DueAt)
	}
}

func TestAnAcceptedRefundThatWeChatForgetsIsAskedAboutWithoutEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.requested(repayment(settled.RepaymentProcessing))
	w.wechat.will("query_refund", repayment(settled.RepaymentAbsent))
	for range 8 {
		w.comes("refund", "refunds", r.ID)
		r = w.refundStands("R1", settled.RefundAccepted, "query_refund")
	}
	if r.Trouble == "" {
		t.Error("nobody sees that WeChat says so")
	}
}
