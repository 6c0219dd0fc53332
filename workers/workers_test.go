package workers_test

import (
	"slices"
	"strings"
	"testing"

	"settled/workers"
)

func TestAnUnknownPoolIsRefused(t *testing.T) {
	t.Parallel()
	_, err := workers.New(workers.Config{Pools: []string{"prepare", "sweeep"}})
	if err == nil || !strings.Contains(err.Error(), `"sweeep"`) {
		t.Errorf("New = %v", err)
	}
}

func TestPoolsFollowALifeOfAPayment(t *testing.T) {
	t.Parallel()
	want := []string{"prepare", "finalize", "reconcile", "refund", "acknowledge", "relay", "sweep", "audit"}
	if got := workers.Pools(); !slices.Equal(got, want) {
		t.Errorf("Pools = %v, want %v", got, want)
	}
}
