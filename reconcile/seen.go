package reconcile

import (
	"hash/maphash"
	"slices"
)

// seen is a set of numbers that keeps eight bytes of each: a day may have millions. Two numbers
// out of ten million share these by a chance of less than one in a hundred thousand.
type seen struct {
	seed   maphash.Seed
	sums   []uint64
	sorted bool
}

func newSeen() *seen { return &seen{seed: maphash.MakeSeed()} }

func (s *seen) add(number string) {
	s.sums, s.sorted = append(s.sums, maphash.String(s.seed, number)), false
}

func (s *seen) has(number string) bool {
	if !s.sorted {
		slices.Sort(s.sums)
		s.sorted = true
	}
	_, found := slices.BinarySearch(s.sums, maphash.String(s.seed, number))
	return found
}
