package workers_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled"
	"settled/events"
)

func TestAnAgedPrepayIDIsRenewedOnRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.prepared("order001")
	first, _ := w.last(p, events.PaymentPrepared)
	w.wechat.will("prepay", says{prepared: settled.Prepared{PrepayID: "wx2", Client: map[string]string{"prepayid": "wx2"}}})

	w.done(events.PaymentRequested, request("order001"))
	w.stands("order001", settled.StatusPrepared) // it is young: WeChat is not asked
	if again, _ := w.last(p, events.PaymentPrepared); again.ID != first.ID {
		t.Error("a young prepay id was told as another event")
	}

	w.ahead.Add(int64(2 * time.Hour))
	w.done(events.PaymentRequested, request("order001"))
	w.stands("order001", settled.StatusPrepared, "prepay")
	renewed, body := w.last(p, events.PaymentPrepared)
	if renewed.ID == first.ID || body["prepay_id"] != "wx2" || field(body, "client.prepayid") != "wx2" {
		t.Errorf("told %s %v, the first was %s", renewed.ID, body, first.ID)
	}
	if sent := w.wechat.bytes("prepay"); len(sent) != 2 || sent[0] != sent[1] {
		t.Errorf("other bytes were sent: %q", sent)
	}
	if diff := cmp.Diff([]string{"recorded", "payment.prepared", "recorded", "payment.prepared"}, w.bus.heard()); diff != "" {
		t.Errorf("replies (-want +got):\n%s", diff)
	}
}

func TestAnAgedPrepayIDThatLivesOnIsToldAsTheSameEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.prepared("order001")
	w.ahead.Add(int64(2 * time.Hour))
	w.done(events.PaymentRequested, request("order001"))
	w.stands("order001", settled.StatusPrepared, "prepay")
	if told := types(w.told(p)); len(told) != 1 {
		t.Errorf("told %v", told)
	}
	if diff := cmp.Diff([]string{"recorded", "payment.prepared"}, w.bus.heard()); diff != "" {
		t.Errorf("replies (-want +got):\n%s", diff)
	}
}

// Two machines that renew at the same moment and hear the same are one event.
func TestARenewalAtTheSameMomentIsOneEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.prepared("order001")
	w.ahead.Add(int64(2 * time.Hour))
	w.wechat.will("prepay", says{prepared: settled.Prepared{PrepayID: "wx2"}})
	w.wechat.during("prepay", func() { w.done(events.PaymentRequested, request("order001")) })
	w.done(events.PaymentRequested, request("order001"))
	w.stands("order001", settled.StatusPrepared, "prepay", "prepay")
	if told := types(w.told(p)); len(told) != 2 {
		t.Errorf("told %v", told)
	}
}

func TestARenewalThatIsRefusedBecauseItWasPaidCompletes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.prepared("order001")
	w.ahead.Add(int64(2 * time.Hour))
	w.wechat.will("prepay", says{err: saidPaid})
	w.wechat.will("query", says{trade: paid()})
	w.done(events.PaymentRequested, request("order001"))
	w.stands("order001", settled.StatusCompleted, "prepay", "query")
	if _, body := w.last(p, events.PaymentCompleted); body["late"] != false || body["source"] != "query" {
		t.Errorf("told %v", body)
	}
	if diff := cmp.Diff([]string{"recorded", "payment.completed"}, w.bus.heard()); diff != "" {
		t.Errorf("replies (-want +got):\n%s", diff)
	}
}

func TestARenewalWhoseOutcomeIsUnknownIsTriedAgainAndThenToldAsItWas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.prepared("order001")
	w.ahead.Add(int64(2 * time.Hour))
	w.wechat.will("prepay", says{err: silence})
	for attempt := range 3 {
		err := w.deliver(events.PaymentRequested, request("order001"), attempt+1)
		if _, later := events.IsLater(err); !later {
			t.Errorf("attempt %d: %v, want another one later", attempt+1, err)
		}
	}
	w.bus.heard()
	if err := w.deliver(events.PaymentRequested, request("order001"), 4); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"recorded", "payment.prepared"}, w.bus.heard()); diff != "" {
		t.Errorf("replies (-want +got):\n%s", diff)
	}
}
