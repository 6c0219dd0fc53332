package settled_test

import (
	"slices"
	"testing"
	"time"

	names "github.com/google/uuid"

	"settled"
)

func TestTheSameThingToldTwiceHasOneID(t *testing.T) {
	t.Parallel()
	payment, another := "0199f3c4-8f3a-7c11-9b52-0d3c5a1e7f20", "0199f3c4-8f3a-7c11-9b52-0d3c5a1e7f21"
	once := settled.EventID("payment.completed", payment)
	if again := settled.EventID("payment.completed", payment); again != once {
		t.Errorf("told again it is %s instead of %s", again, once)
	}
	seen := map[string]bool{once: true}
	for _, other := range []string{
		settled.EventID("payment.completed"),
		settled.EventID("payment.completed", another),
		settled.EventID("payment.closed", payment),
		settled.EventID("payment.completed", payment, ""),
		settled.EventID("payment.completed", "shop", "order0001"),
		settled.EventID("payment.completed", "shop\x00order0001", ""),
	} {
		if seen[other] {
			t.Errorf("%s is the id of two things", other)
		}
		seen[other] = true
		if _, err := names.Parse(other); err != nil {
			t.Errorf("%s: %v", other, err)
		}
	}
}

func TestEventsOfLaterPaymentsHaveLaterIDs(t *testing.T) {
	t.Parallel()
	var ids []string
	for i := range 50 {
		at := time.Date(2026, 11, 28, 12, 0, i, 0, time.UTC).UnixMilli()
		payment := names.Must(names.NewV7())
		for i := range 6 {
			payment[i] = uint8(at >> (40 - 8*i)) //nolint:gosec // one byte of it
		}
		ids = append(ids, settled.EventID("payment.completed", payment.String()))
	}
	if !slices.IsSorted(ids) {
		t.Errorf("ids do not rise: %q", ids)
	}
}
