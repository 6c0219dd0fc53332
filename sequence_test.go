package settled_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"settled"
)

// machine is a state machine with a fact that always wins, and the state it leads to.
type machine[S, F comparable] struct {
	begin  S
	facts  []F
	next   func(S, F) (S, bool)
	edge   func(from S, fact F, to S) bool
	winner F
	won    S
}

var (
	ofPayments = machine[settled.Status, settled.Fact]{
		settled.StatusRequested, settled.Facts, settled.Next,
		func(from settled.Status, fact settled.Fact, to settled.Status) bool {
			return slices.Contains(settled.Edges, settled.Edge{From: from, Fact: fact, To: to})
		}, settled.FactPaid, settled.StatusCompleted,
	}
	ofRefunds = machine[settled.RefundStatus, settled.RefundFact]{
		settled.RefundRequested, settled.RefundFacts, settled.NextRefund,
		func(from settled.RefundStatus, fact settled.RefundFact, to settled.RefundStatus) bool {
			return slices.Contains(settled.RefundEdges, settled.RefundEdge{From: from, Fact: fact, To: to})
		}, settled.RefundFactRefunded, settled.RefundCompleted,
	}
)

// However facts are repeated, reordered, late or lost.
func TestEverySequenceOfFactsKeepsTheRules(t *testing.T) {
	t.Parallel()
	t.Run("payments", rapid.MakeCheck(ofPayments.keepsTheRules))
	t.Run("refunds", rapid.MakeCheck(ofRefunds.keepsTheRules))
}

func (m machine[S, F]) keepsTheRules(t *rapid.T) {
	sequence := rapid.SliceOfN(rapid.SampledFrom(m.facts), 0, 60).Draw(t, "facts")
	status := m.begin
	for i, fact := range sequence {
		next, moved := m.next(status, fact)
		switch {
		case moved && !m.edge(status, fact, next):
			t.Fatalf("%v by %v to %v is no edge", status, fact, next)
		case !moved && next != status:
			t.Fatalf("%v stays, and is %v", status, next)
		case moved && status == m.won:
			t.Fatalf("%v leaves %v", fact, status)
		}
		status = next
		if again, twice := m.next(status, fact); twice && again != status {
			t.Fatalf("%v a second time leads from %v to %v", fact, status, again)
		}
		if came := slices.Contains(sequence[:i+1], m.winner); came != (status == m.won) {
			t.Fatalf("%v after %v", status, sequence[:i+1])
		}
	}
	if slices.Contains(sequence, m.winner) {
		shuffled := rapid.Permutation(sequence).Draw(t, "shuffled")
		if end := m.after(shuffled); end != m.won {
			t.Fatalf("%v in another order ends as %v", shuffled, end)
		}
	}
}

// after is where a sequence of facts leads.
func (m machine[S, F]) after(facts []F) S {
	status := m.begin
	for _, fact := range facts {
		status, _ = m.next(status, fact)
	}
	return status
}
