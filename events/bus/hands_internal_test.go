package bus

import (
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
)

// goroutine names the one that calls it.
func goroutine() string {
	var stack [64]byte
	name, _, _ := strings.Cut(string(stack[:runtime.Stack(stack[:], false)]), " [")
	return name
}

// A hand that is done takes the next message; as many are made as are needed at once, and
// none is left when they are dismissed: synctest fails if one still waits.
func TestHandsAreKeptUntilTheyAreDismissed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHands()
		defer h.dismiss()
		made := map[string]int{}
		for range 3 {
			name := ""
			h.take("lane", func() { name = goroutine() })
			synctest.Wait()
			made[name]++
		}
		if len(made) != 1 {
			t.Errorf("one message after the other was taken by %d hands: %v", len(made), made)
		}
		release := make(chan struct{})
		h.take("lane", func() { <-release })
		h.take("next", func() { <-release })
		synctest.Wait()
		if all, lane := h.held(""), h.held("lane"); all != 2 || lane != 1 {
			t.Errorf("%d in hand, %d of them of the lane", all, lane)
		}
		close(release)
		synctest.Wait()
		if all := h.held(""); all != 0 {
			t.Errorf("%d in hand after all is done", all)
		}
	})
}
