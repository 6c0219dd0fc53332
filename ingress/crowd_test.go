package ingress

import "testing"

func TestOneMerchantHasAtMostHalfOfWhatIsInHand(t *testing.T) {
	t.Parallel()
	c := newCrowd(4)
	for i := range 2 {
		if !c.enter("order ", "a") {
			t.Errorf("order %d is turned away", i+1)
		}
	}
	if c.enter("order ", "a") {
		t.Error("a third order of four in hand is let in")
	}
	if !c.enter("notify ", "a") || !c.enter("order ", "b") {
		t.Error("its notifies, or another merchant's orders, are turned away")
	}
	c.leave("order ", "a")
	if !c.enter("order ", "a") {
		t.Error("the room that was left is not there")
	}
}
