package store_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"settled"
	"settled/store"
	"settled/store/storetest"
)

// asked is what a caller wants of one payment: to read it, or to move it.
type asked struct {
	order    string
	fact     settled.Fact // empty: to read
	from, to settled.Status
}

// heardBack is what came of it.
type heardBack struct {
	unknown bool // the connection was cut: it may have happened, and may not
	moved   bool
	status  settled.Status // as read
}

// register is a payment as a register that moves: each call takes effect at one moment
// between its call and its return, whatever ran beside it, on whichever machine.
var register = (&porcupine.NondeterministicModel{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byOrder := map[string][]porcupine.Operation{}
		for _, operation := range history {
			order := operation.Input.(asked).order
			byOrder[order] = append(byOrder[order], operation)
		}
		var parts [][]porcupine.Operation
		for _, part := range byOrder {
			parts = append(parts, part)
		}
		return parts
	},
	Init: func() []any { return []any{settled.StatusRequested} },
	Step: func(state, input, output any) []any {
		stood, in, out := state.(settled.Status), input.(asked), output.(heardBack)
		leads := stood == in.from
		switch {
		case in.fact == "" && (out.unknown || out.status == stood):
			return []any{stood}
		case in.fact == "":
			return nil
		case out.unknown && leads:
			return []any{stood, in.to}
		case out.unknown:
			return []any{stood}
		case out.moved && leads:
			return []any{in.to}
		case !out.moved && !leads:
			return []any{stood}
		}
		return nil
	},
}).ToModel()

// history collects what callers asked and heard, and when.
type history struct {
	mu         sync.Mutex
	began      time.Time
	operations []porcupine.Operation
	unknown    int
}

// do notes one call. One whose outcome is unknown may take effect at any later time.
func (h *history) do(client int, in asked, call func() (heardBack, error)) heardBack {
	called := time.Since(h.began).Nanoseconds()
	out, err := call()
	returned := time.Since(h.began).Nanoseconds()
	if err != nil {
		out, returned = heardBack{unknown: true}, math.MaxInt64
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		h.unknown++
	}
	h.operations = append(h.operations, porcupine.Operation{ClientId: client, Input: in, Call: called, Output: out, Return: returned})
	return out
}

// Many callers on two machines read and move a few payments at the same time, by a notify,
// a query, an expiry and a refusal, while their connections are cut in the middle: whatever
// they hear agrees with one order of events.
func TestWhatCallersHearOfAPaymentIsLinearizable(t *testing.T) {
	t.Parallel()
	const rounds, mostRounds, cuts, callers, payments = 12, 500, 10, 8, 3
	whole := storetest.URL(t)
	address := named(t, whole, "linearizable")
	machines := []*store.Store{storetest.Open(t, address), storetest.Open(t, address)}
	if _, err := machines[0].Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	uncut := storetest.Open(t, whole)
	h := &history{began: time.Now()}
	over, cut := context.WithCancel(t.Context())
	var cutting sync.WaitGroup
	cutting.Go(func() { cutConnections(over, t, address) })
	for round := 0; round < rounds || h.unknown < cuts && round < mostRounds; round++ {
		var made []settled.Payment
		for n := range payments {
			made = append(made, record(t, uncut, request(fmt.Sprintf("order%04d-%d", round, n))))
		}
		var busy sync.WaitGroup
		for caller := range callers {
			busy.Go(func() {
				for _, p := range made {
					h.meddle(t, machines[caller%2], caller, p)
				}
			})
		}
		busy.Wait()
	}
	cut()
	cutting.Wait()
	if result := porcupine.CheckOperationsTimeout(register, h.operations, 30*time.Second); result != porcupine.Ok {
		t.Errorf("%d operations, %d of them with an unknown outcome: %s", len(h.operations), h.unknown, result)
	}
	if h.unknown < cuts {
		t.Errorf("only %d connections were cut in the middle of a call", h.unknown)
	}
	t.Logf("%d operations, %d of them with an unknown outcome", len(h.operations), h.unknown)
}

// meddle reads a payment and moves it from where it was seen, a few times.
func (h *history) meddle(t *testing.T, s *store.Store, client int, p settled.Payment) {
	for range 3 {
		seen := h.do(client, asked{order: p.OrderID}, func() (heardBack, error) {
			found, err := s.PaymentByID(t.Context(), p.ID)
			return heardBack{status: found.Status}, err
		})
		if seen.unknown {
			continue
		}
		facts := []settled.Fact{settled.FactPrepared, settled.FactPaid, settled.FactClosed, settled.FactRefused}
		fact := facts[rand.N(len(facts))]
		p.Status = seen.status
		to, leads := settled.Next(p.Status, fact)
		if !leads {
			continue
		}
		h.do(client, asked{order: p.OrderID, fact: fact, from: p.Status, to: to}, func() (heardBack, error) {
			moved, err := s.Move(t.Context(), moveOf(p, fact))
			return heardBack{moved: moved}, err
		})
	}
}

// cutConnections ends the connections of the stores at an address, again and again.
func cutConnections(ctx context.Context, t *testing.T, address string) {
	db := storetest.DB(t, named(t, address, "scissors"))
	often := time.NewTicker(60 * time.Millisecond)
	defer often.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-often.C:
			_, _ = db.ExecContext(ctx, `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'linearizable'`)
		}
	}
}

// named is an address whose connections have a name of their own.
func named(t *testing.T, address, name string) string {
	t.Helper()
	at, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	query := at.Query()
	query.Set("application_name", name)
	at.RawQuery = query.Encode()
	return at.String()
}

// A checker that takes everything proves nothing.
func TestAPaymentThatMovesTwiceIsNotLinearizable(t *testing.T) {
	t.Parallel()
	paid := asked{order: "a", fact: settled.FactPaid, from: settled.StatusRequested, to: settled.StatusCompleted}
	for name, history := range map[string][]porcupine.Operation{
		"two callers both moved it": {
			{Input: paid, Output: heardBack{moved: true}, Call: 0, Return: 10},
			{ClientId: 1, Input: paid, Output: heardBack{moved: true}, Call: 5, Return: 15},
		},
		"a read after the move saw it unmoved": {
			{Input: paid, Output: heardBack{moved: true}, Call: 0, Return: 10},
			{ClientId: 1, Input: asked{order: "a"}, Output: heardBack{status: settled.StatusRequested}, Call: 11, Return: 12},
		},
		"it was unmoved after somebody saw it moved": {
			{Input: paid, Output: heardBack{unknown: true}, Call: 0, Return: math.MaxInt64},
			{ClientId: 1, Input: asked{order: "a"}, Output: heardBack{status: settled.StatusCompleted}, Call: 1, Return: 2},
			{ClientId: 1, Input: asked{order: "a"}, Output: heardBack{status: settled.StatusRequested}, Call: 3, Return: 4},
		},
	} {
		if porcupine.CheckOperations(register, history) {
			t.Errorf("%s, and that passes", name)
		}
	}
}
