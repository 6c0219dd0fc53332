//go:build !failpoints

package failpoint_test

import (
	"testing"

	"settled/failpoint"
)

// In a usual build a point costs nothing: not even the list of its name's parts is made.
func TestAPointIsNothing(t *testing.T) {
	name := t.Name()
	if made := testing.AllocsPerRun(100, func() { failpoint.At("ack", name, "before") }); made != 0 {
		t.Errorf("a point allocates %v times", made)
	}
}

func BenchmarkAt(b *testing.B) {
	name := b.Name()
	for b.Loop() {
		failpoint.At("ack", name, "before")
	}
}
