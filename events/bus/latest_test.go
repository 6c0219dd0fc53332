package bus_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"settled/events"
)

// However many letters were dropped, and wherever: the rest are read, the latest first.
func TestTheLatestLettersComeFirst(t *testing.T) {
	t.Parallel()
	for name, kept := range map[string]func(n int) bool{
		"all":             func(int) bool { return true },
		"none":            func(int) bool { return false },
		"the first":       func(n int) bool { return n == 1 },
		"the last":        func(n int) bool { return n == 200 },
		"every third":     func(n int) bool { return n%3 == 0 },
		"those far apart": func(n int) bool { return n%37 == 1 },
		"two ends":        func(n int) bool { return n < 5 || n > 190 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := onShared(t)
			var want []string
			for n := 1; n <= 200; n++ {
				w.buried(events.PaymentRequested, nil, fmt.Sprint(n))
				if kept(n) {
					want = append([]string{fmt.Sprint(n)}, want...)
					continue
				}
				if err := w.DropDead(t.Context(), uint64(n)); err != nil {
					t.Fatal(err)
				}
			}
			var got []string
			for before := uint64(0); ; {
				letters, next, err := w.LatestDead(t.Context(), before, 7)
				if err != nil {
					t.Fatal(err)
				}
				for _, letter := range letters {
					got = append(got, string(letter.Data))
				}
				if before = next; before == 0 {
					break
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
