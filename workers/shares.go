package workers

import (
	"math/rand/v2"
	"slices"
	"sync"
)

// shares keeps one merchant whose WeChat is slow from holding all of a pool's hands: none
// has more than its share in hand at once.
type shares struct {
	most int

	mu   sync.Mutex
	held map[string]int
}

// newShares lets each of several merchants have half of what a pool may have in hand; a
// merchant by itself has all of it.
func newShares(inFlight, merchants int) *shares {
	most := inFlight
	if merchants > 1 {
		most = max(1, inFlight/2)
	}
	return &shares{most: most, held: map[string]int{}}
}

// take reports whether the merchant's share has room for one more, and then counts it.
func (s *shares) take(merchant string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[merchant] >= s.most {
		return false
	}
	s.held[merchant]++
	return true
}

// claimed counts one that was claimed already.
func (s *shares) claimed(merchant string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[merchant]++
}

func (s *shares) give(merchant string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[merchant]--
}

// open are the merchants with room in their share, and how many may be claimed of each of
// them with so many hands free. One that has almost none left waits, so that nobody's claims
// become small. With fewer hands than merchants, it is some of them.
func (s *shares) open(merchants []string, free int) (open []string, each int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	each = s.most
	open = slices.DeleteFunc(slices.Clone(merchants), func(merchant string) bool {
		room := s.most - s.held[merchant]
		if room <= 0 || room < s.most/4 {
			return true
		}
		each = min(each, room)
		return false
	})
	if free < len(open) {
		rand.Shuffle(len(open), func(i, j int) { open[i], open[j] = open[j], open[i] })
		return open[:free], 1
	}
	return open, min(each, free/max(1, len(open)))
}
