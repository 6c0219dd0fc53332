package main

import (
	"context"
	"net/http"
	"os"
	"testing"
	"time"

	"settled/crash"
)

// The test's own program is the callers too.
func TestMain(m *testing.M) {
	if os.Getenv(callersVariable) != "" {
		if err := beCallers(context.Background(), os.Stdin, os.Stdout); err != nil {
			panic(err)
		}
		return
	}
	m.Run()
}

// A small backlog and a short flood: the callers beyond what is taken hear so, and whatever
// was ordered, by whomever, is there once.
func TestABacklogIsWorkedOffUnderAFlood(t *testing.T) {
	t.Parallel()
	program, err := crash.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Remove() })
	o := overload{
		messages: 2000, inFlight: 64, every: 200 * time.Millisecond, log: t.Output(),
		floods: []flood{{"one merchant", 2 * time.Second, []party{
			{"orders of shop2, too fast for their token", "shop2", crash.Hasty, 40},
			{"notifies of shop2", "shop2", "", 10},
			{"orders of classic", "classic", crash.Eager, 2100},
		}}},
	}
	r, err := o.under(t.Context(), program)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", r.table())
	if err := r.err(); err != nil {
		t.Error(err)
	}
	hasty, eager := r.Floods[0].heard[0], r.Floods[0].heard[2]
	if eager.Status[http.StatusServiceUnavailable] == 0 || hasty.Status[http.StatusTooManyRequests] == 0 {
		t.Errorf("nobody was turned away: %s; %s", eager, hasty)
	}
	if r.Calm.Customers+r.Flooded.Customers == 0 {
		t.Error("nobody came while the backlog was worked off")
	}
}
