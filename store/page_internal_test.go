package store

import (
	"fmt"
	"testing"
	"time"
)

// What is rare fills no page at once, and no page costs more than its budget; turned to the
// end, all of it is found.
func TestAPageOfWhatIsRareIsBounded(t *testing.T) {
	t.Parallel()
	const many, each = 100_000, 30_000
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(i int) place {
		return place{began.Add(-time.Duration(i) * time.Second), fmt.Sprintf("00000000-0000-7000-8000-%012d", i)}
	}
	var found []string
	short := 0
	for after, pages := "", 0; ; pages++ {
		looked := 0
		ids, next, err := turn(50, after, func(from place, most int) (rows []candidate, err error) {
			first := 0
			if from.ID != "" {
				first = int(began.Sub(from.At)/time.Second) + 1
			}
			for i := first; i < many && len(rows) < most; i++ {
				rows = append(rows, candidate{at(i), i%each == each-1})
			}
			looked += len(rows)
			return rows, nil
		})
		if err != nil || looked > pageBudget || pages > many/pageBudget+1 {
			t.Fatalf("page %d looked at %d rows, %v", pages, looked, err)
		}
		found = append(found, ids...)
		if after = next; after == "" {
			break
		}
		if len(ids) < 50 {
			short++
		}
	}
	if len(found) != many/each || found[0] != at(each-1).ID || short == 0 {
		t.Errorf("found %v, %d pages were short", found, short)
	}
}
