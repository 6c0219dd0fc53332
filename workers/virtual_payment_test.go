package workers_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled"
	"settled/events"
)

// glimpse is how long after its time a row is taken up at the latest: the pause of the pool
// that looks for it, with its jitter.
const glimpse = 600 * time.Millisecond

// Half an hour in which nobody pays: WeChat is asked on the schedule, told to close the
// order when time is up, asked once more, and only then is the payment closed.
func TestAnUnpaidPaymentIsAskedAboutOnScheduleAndClosedAtExpiry(t *testing.T) {
	inBubble(t, func(t *testing.T, v *virtual) {
		v.has(settled.Payment{
			Status: settled.StatusPrepared, PreparedAt: v.began, ExpiresAt: v.began.Add(30 * time.Minute), DueAt: v.began.Add(5 * time.Second),
		})
		v.shop.will("query", says{})
		v.shop.will("close", says{})
		stop := v.start("reconcile")
		pass(30*time.Minute + glimpse)
		stop()
		if diff := cmp.Diff([]string{"query", "query", "query", "query", "query", "query", "query", "close", "query"}, v.shop.asked()); diff != "" {
			t.Fatalf("WeChat was asked (-want +got):\n%s", diff)
		}
		within(t, v.shop.since(v.began), append(v.cfg.QuerySchedule[:7:7], 30*time.Minute, 30*time.Minute), glimpse)
		if p := v.stands(); p.Status != settled.StatusClosed || p.CloseReason != settled.Expired {
			t.Errorf("the payment is %s, %s", p.Status, p.CloseReason)
		}
	})
}

// Money that was on its way when time was up: WeChat is asked five times more, over a day
// and a half, and then no more.
func TestAClosedPaymentIsAskedAboutForOverADay(t *testing.T) {
	inBubble(t, func(t *testing.T, v *virtual) {
		v.has(settled.Payment{Status: settled.StatusClosed, DueAt: v.began.Add(time.Minute)})
		v.shop.will("query", says{})
		stop := v.start("reconcile")
		pass(40 * time.Hour)
		stop()
		times := v.shop.since(v.began)
		pauses := []time.Duration{10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour}
		if len(times) != len(pauses)+1 {
			t.Fatalf("WeChat was asked at %v", times)
		}
		for i, pause := range pauses {
			about(t, times[i+1]-times[i], pause)
		}
		if due := v.stands().DueAt; !due.IsZero() {
			t.Errorf("there is another question after %s", due.Sub(v.began))
		}
	})
}

// WeChat says nothing for an hour: it is asked ever more slowly, but a minute after it is
// back the customer can pay.
func TestAfterAnHourOfSilenceTheNextTryComesWithinAMinute(t *testing.T) {
	inBubble(t, func(t *testing.T, v *virtual) {
		v.has(settled.Payment{Status: settled.StatusRequested, ExpiresAt: v.began.Add(3 * time.Hour), DueAt: v.began})
		stop := v.start("prepare")
		pass(time.Hour)
		times, want := v.shop.since(v.began), time.Second
		for i := range times[1:] {
			about(t, times[i+1]-times[i], want)
			want = min(2*want, time.Minute)
		}
		v.shop.will("prepay", says{prepared: settled.Prepared{PrepayID: "wx1"}})
		pass(time.Minute*6/5 + glimpse)
		stop()
		if p := v.stands(); p.Status != settled.StatusPrepared {
			t.Errorf("a minute after WeChat was back the payment is %s", p.Status)
		}
	})
}

// WeChat asks to be left alone for ten minutes: it is, and time that is up brings the
// payment up all the same.
func TestWeChatIsLeftAloneForAsLongAsItAsks(t *testing.T) {
	inBubble(t, func(t *testing.T, v *virtual) {
		const expiry = 25 * time.Minute
		v.has(settled.Payment{Status: settled.StatusPrepared, PreparedAt: v.began, ExpiresAt: v.began.Add(expiry), DueAt: v.began})
		v.shop.will("query", says{err: &settled.Unknown{Code: "FREQUENCY_LIMITED", After: 10 * time.Minute}})
		stop := v.start("reconcile")
		pass(expiry + glimpse)
		stop()
		times := v.shop.since(v.began)
		for i := range times[1:] {
			if pause := times[i+1] - times[i]; pause < 8*time.Minute && times[i+1] < expiry {
				t.Errorf("question %d came %s after the one before", i+2, pause)
			}
		}
		if last := times[len(times)-1]; last < expiry {
			t.Errorf("the last question came after %s, before time was up", last)
		}
		if p := v.stands(); p.Status != settled.StatusPrepared {
			t.Errorf("unknown is not unpaid: the payment is %s", p.Status)
		}
	})
}

// A machine dies with a payment in hand: another takes it up when the lease is over, and
// not before.
func TestARowWhoseWorkerDiedIsTakenUpAfterItsLease(t *testing.T) {
	inBubble(t, func(t *testing.T, v *virtual) {
		v.has(settled.Payment{Status: settled.StatusPrepared, PreparedAt: v.began, ExpiresAt: v.began.Add(time.Hour), DueAt: v.began})
		dead, err := v.memory.Due(t.Context(), settled.Claim{
			Status: settled.StatusPrepared, Merchants: []string{"shop3"}, Each: 1, Lease: 20 * time.Second,
		})
		if err != nil || len(dead) != 1 {
			t.Fatalf("claimed %v, %v", dead, err)
		}
		v.shop.will("query", says{trade: paid()})
		stop := v.start("reconcile")
		pass(20*time.Second + glimpse)
		stop()
		within(t, v.shop.since(v.began), []time.Duration{20 * time.Second}, glimpse)
		if p := v.stands(); p.Status != settled.StatusCompleted {
			t.Errorf("the payment is %s", p.Status)
		}
	})
}

// A call to WeChat that never ends is cut off when the lease is over, so that no two
// machines have a payment in hand; the row comes up again.
func TestACallThatHangsEndsWithTheLease(t *testing.T) {
	inBubble(t, func(t *testing.T, v *virtual) {
		v.has(settled.Payment{Status: settled.StatusPrepared, PreparedAt: v.began, ExpiresAt: v.began.Add(time.Hour), DueAt: v.began})
		v.shop.hang = make(chan struct{})
		stop := v.start("reconcile")
		pass(19 * time.Second)
		if attempts := v.stands().Attempts; attempts != 0 {
			t.Fatalf("%d attempts were given up before the lease was over", attempts)
		}
		pass(2 * time.Second)
		if p := v.stands(); p.Attempts != 1 || p.Trouble == "" {
			t.Errorf("after the lease: %d attempts, trouble %q", p.Attempts, p.Trouble)
		}
		close(v.shop.hang)
		stop()
	})
}

// A notify that is faster than its order waits for it: one, two, four and eight seconds;
// then a person is told, once.
func TestANotifyOfAnUnknownOrderWaitsAndIsFlagged(t *testing.T) {
	inBubble(t, func(t *testing.T, v *virtual) {
		v.shop.news["signed"] = settled.News{Trade: tradeOf("order001")}
		data, err := json.Marshal(events.Notify{Merchant: "shop3", Kind: events.NotifyPayment, Method: "POST", Body: []byte("signed")})
		if err != nil {
			t.Fatal(err)
		}
		v.bus.inbox = []events.Message{{ID: "m1", Subject: events.NotifyReceived, At: v.began, Data: data}}
		stop := v.start("finalize")
		pass(time.Minute)
		stop()
		const second = time.Second
		within(t, v.memory.since("payment", v.began), []time.Duration{0, second, 3 * second, 7 * second, 15 * second}, 0)
		within(t, v.memory.since("tell", v.began), []time.Duration{15 * second}, 0)
	})
}

// within checks moments that may each be a little late.
func within(t *testing.T, got, want []time.Duration, late time.Duration) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("at %v, want %v", got, want)
	}
	for i := range got {
		if got[i] < want[i] || got[i] > want[i]+late {
			t.Errorf("number %d at %s, want %s and at most %s later", i+1, got[i], want[i], late)
		}
	}
}

// about checks a pause with jitter, after which a row is taken up.
func about(t *testing.T, got, want time.Duration) {
	t.Helper()
	if got < want*4/5 || got > want*6/5+glimpse {
		t.Errorf("a pause of %s, want about %s", got, want)
	}
}
