package store

import (
	"testing"

	"settled"
)

// Moves that nobody traces cost nothing for it: neither memory nor bytes on the wire.
func TestUntracedMovesCostNothing(t *testing.T) { //nolint:paralleltest // it counts allocations
	moves := make([]settled.Move, 256)
	of := func(m *settled.Move) string { return m.Event.Traceparent }
	if allocated := testing.AllocsPerRun(100, func() { traceparents(moves, of) }); allocated != 0 {
		t.Errorf("%g allocations for 256 moves", allocated)
	}
	if column := traceparents(moves, of); column != noTraceparents {
		t.Errorf("the column is %v", column)
	}
}

func BenchmarkTraceparents(b *testing.B) {
	moves := make([]settled.Move, 256)
	of := func(m *settled.Move) string { return m.Event.Traceparent }
	for name, traced := range map[string]string{"off": "", "on": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"} {
		b.Run(name, func(b *testing.B) {
			moves[0].Event.Traceparent = traced
			b.ReportAllocs()
			for b.Loop() {
				traceparents(moves, of)
			}
		})
	}
}
