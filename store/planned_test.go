package store_test

import (
	"fmt"
	"strings"
	"testing"
)

// PostgreSQL tries five plans for the arguments at hand before it trusts one for all.
const tries = 5

// A statement that callers share is planned once, though a lone caller's is for one row: its plan
// takes longer than its work. So is the relay's, whose rows are not counted in advance either.
func TestAStatementForOneIsNotPlannedAnew(t *testing.T) {
	t.Parallel()
	s, _ := migrated(t)
	const lives = 2 * tries
	for i := range lives { // one deed after the other, so that they have the same connection
		work(t, s, fmt.Sprintf("alone%03d", i))
	}
	plans, err := s.Plans(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kept := 0
	for _, p := range plans {
		if !strings.Contains(p.Statement, "(select $1::") {
			continue
		}
		kept++
		if p.Anew > tries || p.Once < lives-tries {
			t.Errorf("planned %d times beside the %d with one plan: %s", p.Anew, p.Once, p.Statement)
		}
	}
	if kept != 8 {
		t.Errorf("%d statements, not those that record, look up, delay, move and tell, record and move refunds, and relay", kept)
	}
}
