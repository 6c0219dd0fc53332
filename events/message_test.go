package events_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled/events"
)

func TestVerdictsKeepTheirCause(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	wrap := func(err error) error { return fmt.Errorf("handle: %w", err) }
	later, park, hold := wrap(events.Later(cause, time.Minute)), wrap(events.Park(cause)), wrap(events.Hold(cause))
	if d, ok := events.IsLater(later); !ok || d != time.Minute {
		t.Errorf("IsLater = %v, %v", d, ok)
	}
	if !events.IsPark(park) || !events.IsHold(hold) {
		t.Error("a verdict was not recognised")
	}
	for _, err := range []error{later, park, hold} {
		if !errors.Is(err, cause) {
			t.Errorf("%v lost its cause", err)
		}
	}
	if _, ok := events.IsLater(park); ok || events.IsPark(hold) || events.IsHold(later) || events.IsPark(cause) {
		t.Error("a verdict was taken for another")
	}
}

func TestEnvelopeHeaders(t *testing.T) {
	t.Parallel()
	e := events.Envelope{
		ID: "id-1", Type: events.PaymentCompleted, Merchant: "classic", OrderID: "order1",
		Time: time.Date(2026, 11, 23, 12, 0, 0, 0, time.FixedZone("", 8*3600)),
	}
	want := map[string][]string{
		"ce-specversion": {"1.0"}, "ce-id": {"id-1"}, "ce-type": {"payment.completed"}, "ce-source": {"settled/classic"},
		"ce-time": {"2026-11-23T04:00:00Z"}, "ce-subject": {"order1"},
		"content-type": {"application/json"}, "Nats-Msg-Id": {"id-1"},
	}
	if diff := cmp.Diff(want, e.Header()); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
}
