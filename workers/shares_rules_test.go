package workers

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAMerchantByItselfMayHaveAllOfAPool(t *testing.T) {
	t.Parallel()
	s := newShares(4, 1)
	for i := range 4 {
		if !s.take("a") {
			t.Errorf("take %d is refused", i+1)
		}
	}
	if s.take("a") {
		t.Error("a fifth is taken")
	}
	s.give("a")
	if !s.take("a") {
		t.Error("what was given back is not there")
	}
}

func TestOneOfSeveralMerchantsHasHalfOfAPool(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ inFlight, merchants, want int }{
		"two": {64, 2, 32}, "many": {64, 100, 32}, "a pool of one": {1, 2, 1}, "an odd pool": {5, 2, 2},
	} {
		s, taken := newShares(row.inFlight, row.merchants), 0
		for s.take("a") {
			taken++
		}
		if taken != row.want {
			t.Errorf("%s: one has %d, want %d", name, taken, row.want)
		}
		if !s.take("b") {
			t.Errorf("%s: the other has none", name)
		}
	}
}

func TestWhoHasAlmostNoRoomIsNotAskedFor(t *testing.T) {
	t.Parallel()
	all := []string{"a", "b", "c"}
	for name, row := range map[string]struct {
		held map[string]int
		open []string
		most int
	}{
		"nobody has anything":        {nil, all, 32},
		"one has some":               {map[string]int{"a": 12}, all, 20},
		"the fullest sets the bound": {map[string]int{"a": 12, "b": 24}, all, 8},
		"one is almost full":         {map[string]int{"b": 25}, []string{"a", "c"}, 32},
		"one is full":                {map[string]int{"a": 32}, []string{"b", "c"}, 32},
		"one was claimed beyond it":  {map[string]int{"a": 40}, []string{"b", "c"}, 32},
		"all are full":               {map[string]int{"a": 32, "b": 32, "c": 32}, []string{}, 32},
	} {
		s := newShares(64, len(all))
		for merchant, n := range row.held {
			for range n {
				s.claimed(merchant)
			}
		}
		open, most := s.open(all, 1000)
		if diff := cmp.Diff(row.open, open); diff != "" || most != row.most {
			t.Errorf("%s: at most %d of %v, want %d of %v", name, most, open, row.most, row.open)
		}
	}
	if diff := cmp.Diff([]string{"a", "b", "c"}, all); diff != "" {
		t.Errorf("the pool's own list was changed:\n%s", diff)
	}
}

func TestTheFreeHandsAreDividedAmongTheMerchants(t *testing.T) {
	t.Parallel()
	all := []string{"a", "b", "c"}
	for free, want := range map[int]struct{ open, each int }{
		0: {0, 1}, 1: {1, 1}, 2: {2, 1}, 3: {3, 1}, 8: {3, 2}, 64: {3, 21}, 1000: {3, 32},
	} {
		open, each := newShares(64, len(all)).open(all, free)
		if len(open) != want.open || each != want.each {
			t.Errorf("with %d hands free: %d of each of %v, want %d of %d", free, each, open, want.each, want.open)
		}
	}
}
