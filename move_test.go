package settled_test

import (
	"testing"

	"settled"
)

func TestNextIsTotal(t *testing.T) {
	t.Parallel()
	const stays = ""
	want := map[settled.Status]map[settled.Fact]settled.Status{
		settled.StatusRequested: {
			settled.FactPrepared: settled.StatusPrepared, settled.FactPaid: settled.StatusCompleted,
			settled.FactClosed: settled.StatusClosed, settled.FactRefused: settled.StatusFailed,
		},
		settled.StatusPrepared: {
			settled.FactPrepared: stays, settled.FactRenewed: settled.StatusPrepared, settled.FactPaid: settled.StatusCompleted,
			settled.FactClosed: settled.StatusClosed, settled.FactRefused: stays,
		},
		settled.StatusCompleted: {
			settled.FactPrepared: stays, settled.FactPaid: stays, settled.FactClosed: stays, settled.FactRefused: stays,
		},
		settled.StatusClosed: {
			settled.FactPrepared: stays, settled.FactPaid: settled.StatusCompleted,
			settled.FactClosed: stays, settled.FactRefused: stays,
		},
		settled.StatusFailed: {
			settled.FactPrepared: stays, settled.FactPaid: settled.StatusCompleted,
			settled.FactClosed: stays, settled.FactRefused: stays,
		},
	}
	for _, from := range settled.Statuses {
		for _, fact := range settled.Facts {
			to, moved := settled.Next(from, fact)
			wantTo := want[from][fact]
			if moved != (wantTo != stays) {
				t.Errorf("Next(%s, %s) moved = %v", from, fact, moved)
			}
			if wantTo == stays {
				wantTo = from
			}
			if to != wantTo {
				t.Errorf("Next(%s, %s) = %s, want %s", from, fact, to, wantTo)
			}
		}
	}
}

// However facts are repeated, reordered or lost: once paid is among them the payment is
// completed, and it never leaves that state.
func TestMoneyAlwaysWins(t *testing.T) {
	t.Parallel()
	const length = 5
	sequence := make([]settled.Fact, length)
	var walk func(at int, status settled.Status, paid bool)
	walk = func(at int, status settled.Status, paid bool) {
		if paid != (status == settled.StatusCompleted) {
			t.Errorf("after %v: %s", sequence[:at], status)
		}
		if at == length {
			return
		}
		for _, fact := range settled.Facts {
			sequence[at] = fact
			next, _ := settled.Next(status, fact)
			walk(at+1, next, paid || fact == settled.FactPaid)
		}
	}
	walk(0, settled.StatusRequested, false)
}
