package store_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"settled"
	"settled/store"
	"settled/store/storetest"
)

func overview(t *testing.T, s *store.Store) settled.Overview {
	t.Helper()
	o, err := s.Overview(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestTheOverviewOfNothing(t *testing.T) {
	t.Parallel()
	s, _ := migrated(t)
	o := overview(t, s)
	if o.Oldest != nil || len(o.Lines) != 0 || len(o.Steps) != 0 || o.Flagged != 0 || o.Open[settled.StatusPrepared] != 0 {
		t.Errorf("%+v", o)
	}
}

func TestTheOverviewCountsWhatIsThere(t *testing.T) {
	t.Parallel()
	s, address := migrated(t)
	late := record(t, s, request("late0000"))
	d := settled.Delay{PaymentID: late.ID, Status: late.Status, DueAt: time.Now().Add(-time.Minute), Trouble: "timeout"}
	if _, err := s.Delay(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	record(t, s, request("request0"))
	arrive(t, s, "prepared", settled.FactPrepared)
	arrive(t, s, "closed00", settled.FactClosed)
	for i := range 3 {
		p := arrive(t, s, fmt.Sprintf("paid%04d", i), settled.FactPaid)
		if i > 0 {
			if _, err := s.Tell(t.Context(), flagOf(p, "2")); err != nil {
				t.Fatal(err)
			}
			act(t, s, settled.Act{Kind: settled.ActSettle, EventID: flagOf(p, "2").ID})
		}
		if _, err := s.Tell(t.Context(), flagOf(p, "3")); err != nil {
			t.Fatal(err)
		}
	}
	moveBack := `update payments set paid_at = now() - interval '10 minutes' where order_id = 'paid0001';
		update payments set source = 'query' where order_id = 'paid0002'`
	if _, err := storetest.DB(t, address).ExecContext(t.Context(), moveBack); err != nil {
		t.Fatal(err)
	}
	o := overview(t, s)
	if o.Open[settled.StatusRequested] != 2 || o.Open[settled.StatusPrepared] != 1 || o.Flagged != 3 {
		t.Errorf("open %v, flagged %d", o.Open, o.Flagged)
	}
	if o.Oldest == nil || o.Oldest.ID != late.ID || o.Census.Overdue[settled.StatusRequested] < time.Minute {
		t.Errorf("the oldest is %+v, late %v", o.Oldest, o.Census.Overdue)
	}
	if n := o.Notifies; n != (settled.NotifyHealth{OnTime: 1, Late: 1, Never: 1}) {
		t.Errorf("%+v", n)
	}
	if len(o.Steps) != 2 || o.Steps[0].Name != "prepare" || o.Steps[0].Count != 1 || o.Steps[1].Name != "complete" || o.Steps[1].Count != 3 {
		t.Errorf("%+v", o.Steps)
	}
	sum := settled.Rate{}
	for i, rate := range o.Rates {
		sum.Requested, sum.Completed, sum.Closed = sum.Requested+rate.Requested, sum.Completed+rate.Completed, sum.Closed+rate.Closed
		if i > 0 && rate.Minute.Sub(o.Rates[i-1].Minute) != time.Minute {
			t.Errorf("minute %v comes after %v", rate.Minute, o.Rates[i-1].Minute)
		}
	}
	if sum.Requested != 7 || sum.Completed != 3 || sum.Closed != 1 {
		t.Errorf("%+v", o.Rates)
	}
}

// A minute that is over is counted once; what is going on is counted anew each time.
func TestTheMinutesAreAsTheyWere(t *testing.T) {
	t.Parallel()
	s, address := migrated(t)
	record(t, s, request("order0001"))
	db := storetest.DB(t, address)
	back := func(minutes int) {
		t.Helper()
		_, err := db.ExecContext(t.Context(), `update events set at = at - $1 * interval '1 minute' where type = 'payment.recorded'`, minutes)
		if err != nil {
			t.Fatal(err)
		}
	}
	requested := func() (n int) {
		o := overview(t, s)
		for len(o.Rates) < 15 { // a slow machine counts them bit by bit
			o = overview(t, s)
		}
		for _, rate := range o.Rates {
			n += rate.Requested
		}
		return n
	}
	back(5)
	if n := requested(); n != 1 {
		t.Errorf("%d requests", n)
	}
	back(5)
	if n := requested(); n != 1 { // where it has gone was counted, and where it was, too
		t.Errorf("%d requests", n)
	}
	record(t, s, request("order0002"))
	if n := requested(); n != 2 {
		t.Errorf("%d requests", n)
	}
}

func TestTheOverviewTellsOfEachLine(t *testing.T) {
	t.Parallel()
	s, address := migrated(t)
	p := record(t, s, request("order0001"))
	var lost atomic.Int64
	beside := journalling(t, address, &lost)
	now := time.Now().Truncate(time.Microsecond)
	for i := range 20 {
		e := callOf(p, now.Add(-time.Duration(i)*time.Second))
		e.Took = time.Duration(i+1) * time.Millisecond
		if i != 3 && i != 9 {
			e.Outcome, e.Code = "done", "0"
		}
		beside.Note(e)
	}
	other := callOf(p, now)
	other.Host, other.Outcome, other.Code = "backup", "refused", "ORDERPAID"
	old := callOf(p, now.Add(-11*time.Minute))
	old.Merchant = "gone"
	notify := settled.Entry{At: now, Merchant: p.Merchant, OrderID: p.OrderID, Kind: settled.EntryNotify, Outcome: "busy"}
	for _, e := range []settled.Entry{other, old, notify} {
		beside.Note(e)
	}
	if err := beside.Close(); err != nil {
		t.Fatal(err)
	}
	lines := overview(t, s).Lines
	if len(lines) != 2 || lines[1].Host != "backup" || lines[1].Failed != 0 || lines[1].Calls != 1 || !lines[1].LastFailure.IsZero() {
		t.Fatalf("%+v", lines)
	}
	main := lines[0]
	if main.Calls != 20 || main.Failed != 2 || main.LastFailureCode != "timeout" || main.LastFailureOutcome != "unknown" ||
		!main.LastFailure.Equal(now.Add(-3*time.Second)) {
		t.Errorf("%+v", main)
	}
	if main.P50 < 10*time.Millisecond || main.P50 > 11*time.Millisecond || main.P99 < 19*time.Millisecond {
		t.Errorf("%+v", main)
	}
}
