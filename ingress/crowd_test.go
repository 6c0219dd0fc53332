package ingress

import "testing"

func TestOneMerchantHasAtMostHalfOfWhatIsInHand(t *testing.T) {
	t.Parallel()
	c := newCrowd(4)
	for i := range 2 {
		if !c.enter(orders, "a") {
			t.Errorf("order %d is turned away", i+1)
		}
	}
	if c.enter(orders, "a") {
		t.Error("a third order of four in hand is let in")
	}
	if !c.enter(notifies, "a") || !c.enter(orders, "b") {
		t.Error("its notifies, or another merchant's orders, are turned away")
	}
	c.leave(orders, "a")
	if !c.enter(orders, "a") {
		t.Error("the room that was left is not there")
	}
}

func TestWhoCanNotBeServedInTimeIsTurnedAwayAtOnce(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ inHand, inTime, inVain, want int }{
		"nobody has waited yet":                   {4096, 0, 0, 2048},
		"a few waited in vain":                    {4096, 0, 10, 2008},
		"all do: some still find out":             {4096, 0, 10_000, 16},
		"it begins to come again":                 {4096, 100, 10_000, 116},
		"it comes again":                          {4096, 5000, 10_000, 2048},
		"with few in hand, all of them find out":  {8, 0, 1000, 4},
		"with one in hand, somebody is served":    {1, 0, 1000, 1},
		"more were served than there is room for": {64, 1000, 0, 32},
	} {
		c := newCrowd(row.inHand)
		c.enter(orders, "a")
		c.leave(orders, "a")
		for range row.inVain {
			c.waited(orders, "a", true)
		}
		for range row.inTime {
			c.waited(orders, "a", false)
		}
		let := 0
		for c.enter(orders, "a") {
			let++
		}
		if let != row.want {
			t.Errorf("%s: %d are let in, want %d", name, let, row.want)
		}
		if !c.enter(notifies, "a") || !c.enter(orders, "b") {
			t.Errorf("%s: others are turned away", name)
		}
	}
}
