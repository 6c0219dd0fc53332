package store_test

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"settled"
	"settled/store"
	"settled/store/storetest"
)

func act(t *testing.T, s *store.Store, a settled.Act) bool {
	t.Helper()
	done, err := s.Act(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func byID(t *testing.T, s *store.Store, id string) settled.Payment {
	t.Helper()
	p, err := s.PaymentByID(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// noted is the last row of a payment's history, which must be private.
func noted(t *testing.T, s *store.Store, id string) (eventType string, note map[string]string) {
	t.Helper()
	history, err := s.History(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	last := history[len(history)-1]
	if err := json.Unmarshal(last.Data, &note); err != nil {
		t.Fatal(err)
	}
	if p := byID(t, s, id); !last.Private || last.Queued || last.Version != p.Version {
		t.Errorf("%s is not private, or not the last of %d: %+v", last.Type, p.Version, last)
	}
	return last.Type, note
}

// What is open, or closed and may yet be paid, is looked at next; nothing else is.
func TestAnOperatorHasAPaymentAskedAbout(t *testing.T) {
	t.Parallel()
	s, _ := migrated(t)
	for name, c := range map[string]struct {
		payment settled.Payment
		done    bool
	}{
		"requested": {record(t, s, request("requested")), true},
		"prepared":  {arrive(t, s, "prepared", settled.FactPrepared), true},
		"closed":    {arrive(t, s, "closed00", settled.FactClosed), true},
		"completed": {arrive(t, s, "completed", settled.FactPaid), false},
		"failed":    {arrive(t, s, "failed00", settled.FactRefused), false},
	} {
		before := byID(t, s, c.payment.ID)
		a := settled.Act{Kind: settled.ActQuery, PaymentID: before.ID, By: "mei", Comment: "the customer called", At: time.Now()}
		if done := act(t, s, a); done != c.done {
			t.Errorf("%s: done is %v", name, done)
		}
		after := byID(t, s, before.ID)
		if after.Status != before.Status || !c.done && after.Version != before.Version {
			t.Errorf("%s was changed: %+v", name, after)
		}
		if !c.done {
			continue
		}
		if after.DueAt.IsZero() || after.DueAt.After(s.Now().Add(time.Second)) {
			t.Errorf("%s is due at %v", name, after.DueAt)
		}
		eventType, note := noted(t, s, before.ID)
		if eventType != "operator.query" || note["by"] != "mei" || note["comment"] != "the customer called" {
			t.Errorf("%s: %s %v", name, eventType, note)
		}
		if act(t, s, a) {
			t.Errorf("%s: done again, though it is due already", name)
		}
	}
}

// A payment that WeChat gives no answer about is asked about now, and keeps its trouble until
// an answer comes; the few questions of a closed one are not used up.
func TestAnOperatorsQuestionCostsNothing(t *testing.T) {
	t.Parallel()
	s, _ := migrated(t)
	for _, c := range []struct {
		status               settled.Status
		payment              settled.Payment
		attempts, attemptsIs int
	}{
		{settled.StatusPrepared, arrive(t, s, "prepared", settled.FactPrepared), 4, 4},
		{settled.StatusClosed, arrive(t, s, "closed00", settled.FactClosed), 3, 2},
		{settled.StatusClosed, arrive(t, s, "closed01", settled.FactClosed), 0, 0},
	} {
		d := settled.Delay{PaymentID: c.payment.ID, Status: c.status, DueAt: time.Now().Add(time.Hour), Attempts: c.attempts, Trouble: "timeout"}
		if delayed, err := s.Delay(t.Context(), d); err != nil || !delayed {
			t.Fatal(delayed, err)
		}
		if !act(t, s, settled.Act{Kind: settled.ActQuery, PaymentID: c.payment.ID}) {
			t.Errorf("%s was not done", c.payment.OrderID)
		}
		if p := byID(t, s, c.payment.ID); p.Attempts != c.attemptsIs || p.Trouble != "timeout" {
			t.Errorf("%s has %d attempts and trouble %q", p.OrderID, p.Attempts, p.Trouble)
		}
	}
}

func TestAnOperatorAsksForAClose(t *testing.T) {
	t.Parallel()
	s, _ := migrated(t)
	for name, c := range map[string]struct {
		payment settled.Payment
		done    bool
	}{
		"requested": {record(t, s, request("requested")), true},
		"prepared":  {arrive(t, s, "prepared", settled.FactPrepared), true},
		"closed":    {arrive(t, s, "closed00", settled.FactClosed), false},
		"completed": {arrive(t, s, "completed", settled.FactPaid), false},
		"failed":    {arrive(t, s, "failed00", settled.FactRefused), false},
	} {
		a := settled.Act{Kind: settled.ActClose, PaymentID: c.payment.ID, By: "mei", Comment: "ordered twice"}
		if done := act(t, s, a); done != c.done {
			t.Errorf("%s: done is %v", name, done)
		}
		p := byID(t, s, c.payment.ID)
		if p.CloseAsked != c.done || p.CloseReason == settled.Requested {
			t.Errorf("%s: %+v", name, p)
		}
		if !c.done {
			continue
		}
		if p.DueAt.After(s.Now().Add(time.Second)) {
			t.Errorf("%s is due at %v", name, p.DueAt)
		}
		if eventType, note := noted(t, s, p.ID); eventType != "operator.close" || note["by"] != "mei" {
			t.Errorf("%s: %s %v", name, eventType, note)
		}
		if act(t, s, a) {
			t.Errorf("%s: asked for twice", name)
		}
	}
}

// However many operators do the same at the same moment, on however many machines: it is
// done once, and stands once in the history.
func TestOfManyOperatorsOneActs(t *testing.T) {
	t.Parallel()
	address := storetest.URL(t)
	one, two := storetest.Open(t, address), storetest.Open(t, address)
	if _, err := one.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	flagged := arrive(t, one, "flagged0", settled.FactPaid)
	flag := flagOf(flagged, "2")
	if _, err := one.Tell(t.Context(), flag); err != nil {
		t.Fatal(err)
	}
	for kind, a := range map[string]settled.Act{
		"operator.query": {Kind: settled.ActQuery, PaymentID: arrive(t, one, "query000", settled.FactPrepared).ID},
		"operator.close": {Kind: settled.ActClose, PaymentID: arrive(t, one, "close000", settled.FactPrepared).ID},
		"flag.settled":   {Kind: settled.ActSettle, PaymentID: flagged.ID, EventID: flag.ID},
	} {
		var done atomic.Int64
		var operators sync.WaitGroup
		for i := range 40 {
			s := []*store.Store{one, two}[i%2]
			operators.Go(func() {
				did, err := s.Act(t.Context(), a)
				if err != nil {
					t.Error(err)
				}
				if did {
					done.Add(1)
				}
			})
		}
		operators.Wait()
		history, err := one.History(t.Context(), a.PaymentID)
		if err != nil {
			t.Fatal(err)
		}
		rows := 0
		for i, h := range history {
			if h.Version != int64(i+1) {
				t.Errorf("%s: version %d at place %d", kind, h.Version, i+1)
			}
			if h.Type == kind {
				rows++
			}
		}
		if done.Load() != 1 || rows != 1 {
			t.Errorf("%s was done %d times and is %d times in the history", kind, done.Load(), rows)
		}
	}
}

func TestAFlagIsSettled(t *testing.T) {
	t.Parallel()
	s, _ := migrated(t)
	p := arrive(t, s, "flagged0", settled.FactPaid)
	known, unknown := flagOf(p, "2"), flagOf(settled.Payment{Merchant: "classic", OrderID: "nobody"}, "3")
	known.Data = []byte(`{"reason": "second_transaction", "detail": "paid twice"}`)
	for _, flag := range []settled.Event{known, unknown} {
		if _, err := s.Tell(t.Context(), flag); err != nil {
			t.Fatal(err)
		}
	}
	flags := func(settledOnes bool) (ids []string) {
		return leafed(t, func(f settled.Flag) string { return f.EventID }, func(after string) (settled.Page[settled.Flag], error) {
			return s.Flags(t.Context(), settled.FlagListing{Merchant: "classic", Settled: settledOnes, After: after, Size: 1})
		})
	}
	if waiting := flags(false); len(waiting) != 2 {
		t.Errorf("%v wait", waiting)
	}
	other := record(t, s, request("other000"))
	if act(t, s, settled.Act{Kind: settled.ActSettle, EventID: known.ID, PaymentID: other.ID}) {
		t.Error("settled as a flag of another payment")
	}
	for _, flag := range []settled.Event{known, unknown} {
		if !act(t, s, settled.Act{Kind: settled.ActSettle, EventID: flag.ID, PaymentID: flag.PaymentID, By: "mei", Comment: "given back by hand"}) {
			t.Errorf("%s was not settled", flag.OrderID)
		}
	}
	if waiting, done := flags(false), flags(true); len(waiting) != 0 || len(done) != 2 || done[0] != unknown.ID {
		t.Errorf("%v wait, %v are settled", waiting, done)
	}
	if eventType, note := noted(t, s, p.ID); eventType != "flag.settled" || note["flag"] != known.ID || note["comment"] != "given back by hand" {
		t.Errorf("%s %v", eventType, note)
	}
	of, err := s.FlagsOf(t.Context(), p.ID)
	if err != nil || len(of) != 1 {
		t.Fatal(of, err)
	}
	f := of[0]
	if f.Reason != settled.SecondTransaction || f.Detail != "paid twice" || f.SettledBy != "mei" || f.SettledAt.IsZero() || f.PaymentID != p.ID {
		t.Errorf("%+v", f)
	}
}

func TestAnActOnNothingIsNotFound(t *testing.T) {
	t.Parallel()
	s, _ := migrated(t)
	p := arrive(t, s, "paid0000", settled.FactPaid)
	history, err := s.History(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	for name, a := range map[string]settled.Act{
		"no payment":                        {Kind: settled.ActQuery, PaymentID: uuid.NewString()},
		"no flag":                           {Kind: settled.ActSettle, EventID: uuid.NewString()},
		"no flag either, but another event": {Kind: settled.ActSettle, EventID: history[0].ID},
		"no act":                            {Kind: "refund", PaymentID: p.ID},
	} {
		if done, err := s.Act(t.Context(), a); done || !errors.Is(err, settled.ErrNotFound) {
			t.Errorf("%s: %v, %v", name, done, err)
		}
	}
}

// What an operator writes is kept as far as it can be, and never keeps the act from being done.
func TestAnOperatorMayWriteAnything(t *testing.T) {
	t.Parallel()
	s, _ := migrated(t)
	for i, text := range hostile {
		p := arrive(t, s, strings.Repeat("x", i+8), settled.FactPaid)
		flag := flagOf(p, "2")
		if _, err := s.Tell(t.Context(), flag); err != nil {
			t.Fatal(err)
		}
		if !act(t, s, settled.Act{Kind: settled.ActSettle, EventID: flag.ID, By: text, Comment: text}) {
			t.Errorf("%.32q was not done", text)
		}
		if _, note := noted(t, s, p.ID); len(note["comment"]) > 1000 || len(note["by"]) > 128 {
			t.Errorf("%.32q fills %d bytes", text, len(note["comment"]))
		}
	}
}

// The rows that acts leave break no invariant.
func TestTheAuditTakesNoOffenceAtOperators(t *testing.T) {
	t.Parallel()
	s, _ := migrated(t)
	p := arrive(t, s, "prepared", settled.FactPrepared)
	act(t, s, settled.Act{Kind: settled.ActQuery, PaymentID: p.ID, By: "mei"})
	act(t, s, settled.Act{Kind: settled.ActClose, PaymentID: p.ID, By: "mei"})
	p.Status = settled.StatusPrepared
	if moved, err := s.Move(t.Context(), moveOf(p, settled.FactPaid)); err != nil || !moved {
		t.Fatal(moved, err)
	}
	flag := flagOf(p, "2")
	if _, err := s.Tell(t.Context(), flag); err != nil {
		t.Fatal(err)
	}
	act(t, s, settled.Act{Kind: settled.ActSettle, EventID: flag.ID, By: "mei"})
	err := s.Audit(t.Context(), time.Hour, func(page settled.Audited) {
		for _, b := range page.Breaks {
			t.Errorf("%+v", b)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}
