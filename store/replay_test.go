package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled"
	"settled/store"
	"settled/store/storetest"
)

var told = []string{"payment.prepared", "payment.completed", "payment.flagged"}

// past is payments whose history has three public events each, by clocks that disagree:
// sorted by time alone, a payment's events would leave in another order.
func past(t *testing.T, s *store.Store, payments int) {
	t.Helper()
	now := time.Now()
	for i := range payments {
		p := record(t, s, request(fmt.Sprintf("order%04d", i)))
		for version, fact := range []settled.Fact{settled.FactPrepared, settled.FactPaid} {
			m := moveOf(p, fact)
			m.Event.At = now.Add(time.Duration(i-payments)*time.Second - time.Duration(version*2500)*time.Millisecond)
			if _, err := s.Move(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			p.Status = m.To
		}
		flag := flagOf(p, "1")
		flag.At = now.Add(time.Duration(i-payments) * time.Second)
		if _, err := s.Tell(t.Context(), flag); err != nil {
			t.Fatal(err)
		}
		private := flagOf(p, "2")
		private.Private = true
		if _, err := s.Tell(t.Context(), private); err != nil {
			t.Fatal(err)
		}
	}
	nobody := settled.Event{
		ID: settled.EventID("payment.flagged", "nobody"), Type: "payment.flagged", Merchant: "m", OrderID: "unknown", At: now, Data: []byte(`{}`),
	}
	if _, err := s.Tell(t.Context(), nobody); err != nil {
		t.Fatal(err)
	}
}

// ordered checks that each payment's events came in the order of its history, and once.
func ordered(t *testing.T, events []string, payments int) {
	t.Helper()
	of := map[string][]string{}
	for _, e := range events {
		order, eventType, _ := strings.Cut(e, " ")
		of[order] = append(of[order], eventType)
	}
	for i := range payments {
		if diff := cmp.Diff(told, of[fmt.Sprintf("order%04d", i)]); diff != "" {
			t.Errorf("order%04d (-want +got):\n%s", i, diff)
		}
	}
	if len(of["unknown"]) != 1 || len(events) != 3*payments+1 {
		t.Errorf("%d events, want %d; of nobody %v", len(events), 3*payments+1, of["unknown"])
	}
}

// Whatever the size of a page: each event once, and each payment's in its order.
func TestAReplayKeepsTheOrderOfEachPayment(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	past(t, s, 7)
	r := settled.Replay{Types: told, Since: time.Now().Add(-time.Hour), Until: time.Now().Add(time.Minute)}
	for most := 1; most < 30; most++ {
		ordered(t, pages(t, s, r, most), 7)
	}
}

func TestAReplayTakesWhatItIsAskedFor(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	past(t, s, 4)
	all := settled.Replay{Types: told, Since: time.Now().Add(-time.Hour), Until: time.Now().Add(time.Minute)}
	for name, c := range map[string]struct {
		change func(*settled.Replay)
		want   int
	}{
		"all":               {func(*settled.Replay) {}, 13},
		"one type":          {func(r *settled.Replay) { r.Types = []string{"payment.completed"} }, 4},
		"one order":         {func(r *settled.Replay) { r.OrderID = "order0002" }, 3},
		"another merchant":  {func(r *settled.Replay) { r.Merchant = "another" }, 0},
		"nothing so recent": {func(r *settled.Replay) { r.Since = time.Now().Add(30 * time.Second) }, 0},
		"nothing so old":    {func(r *settled.Replay) { r.Until = time.Now().Add(-30 * time.Minute) }, 0},
	} {
		r := all
		c.change(&r)
		if got := pages(t, s, r, 2); len(got) != c.want {
			t.Errorf("%s: %d events, want %d: %v", name, len(got), c.want, got)
		}
	}
}

func pages(t *testing.T, s *store.Store, r settled.Replay, most int) []string {
	t.Helper()
	var all []string
	for place, more := (settled.ReplayPlace{}), true; more; {
		var page []settled.Event
		var err error
		if page, place, more, err = s.Replayed(t.Context(), r, place, most); err != nil {
			t.Fatal(err)
		}
		if len(page) > most {
			t.Fatalf("%d events in a page of %d", len(page), most)
		}
		for _, e := range page {
			all = append(all, e.OrderID+" "+e.Type)
		}
	}
	return all
}

// shop is a store whose stream of events the test plays.
type shop struct {
	*store.Store
	t      *testing.T
	stream settled.Stream
	got    []string
	down   error
}

func newShop(t *testing.T) *shop {
	t.Helper()
	return &shop{Store: storetest.New(t), t: t, stream: settled.Stream{Name: "out", Created: time.Unix(1_700_000_000, 0), Refill: time.Hour}}
}

func (s *shop) look() []settled.StreamLoss {
	s.t.Helper()
	losses, mine, err := s.Look(s.t.Context(), func(context.Context) ([]settled.Stream, error) { return []settled.Stream{s.stream}, nil })
	if err != nil || !mine {
		s.t.Fatalf("Look = %t, %v", mine, err)
	}
	return losses
}

// lost looks, and wants to see this loss.
func (s *shop) lost(want settled.Loss) settled.StreamLoss {
	s.t.Helper()
	losses := s.look()
	if len(losses) != 1 || losses[0].Loss != want {
		s.t.Fatalf("losses %+v, want %s", losses, want)
	}
	if again := s.look(); again != nil {
		s.t.Errorf("noticed again: %+v", again)
	}
	return losses[0]
}

func (s *shop) round(most int) settled.Relayed {
	s.t.Helper()
	done, err := s.Relay(s.t.Context(), settled.RelayRound{Stream: "out", Types: told, Most: most}, s.publish)
	if !errors.Is(err, s.down) {
		s.t.Fatal(err)
	}
	return done
}

func (s *shop) publish(_ context.Context, events []settled.Event) (uint64, []error) {
	failures := make([]error, len(events))
	for i, e := range events {
		if failures[i] = s.down; s.down == nil {
			s.stream.Last++
			s.got = append(s.got, e.OrderID+" "+e.Type)
		}
	}
	return s.stream.Last, failures
}

// drained relays until nothing is left and returns what was published since the last time.
func (s *shop) drained(most int) []string {
	s.t.Helper()
	for s.round(most).More {
	}
	got := s.got
	s.got = nil
	return got
}

func TestTheFirstLookIsNoLoss(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	past(t, s.Store, 1)
	s.stream.Last, s.stream.Lost = 99, "long ago"
	if losses := s.look(); losses != nil {
		t.Errorf("losses %+v", losses)
	}
	ordered(t, s.drained(2), 1)
	if losses := s.look(); losses != nil {
		t.Errorf("losses %+v", losses)
	}
}

// A stream that was made anew gets everything within its retention again, before
// anything new; a crash in the middle goes on where it stood.
func TestARemadeStreamIsFilledAgain(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	past(t, s.Store, 5)
	s.look()
	s.drained(256)
	s.stream.Created, s.stream.Last = s.stream.Created.Add(time.Second), 0
	s.lost(settled.LossRemade)
	arrive(t, s.Store, "new00001", settled.FactPrepared)
	for range 2 {
		if done := s.round(4); done.Replayed == 0 || done.Published > 0 || !done.More {
			t.Errorf("a page: %+v", done)
		}
	}
	s.down = errors.New("nats is down")
	s.round(4) // leaves the place where it is
	s.down = nil
	got := s.drained(4)
	first := slices.Index(got, "new00001 payment.prepared")
	if first < 15 {
		t.Errorf("something new is told before all that is old: %v", got)
	}
	ordered(t, slices.DeleteFunc(got, func(e string) bool { return strings.HasPrefix(e, "new") }), 5)
	if again := s.drained(4); again != nil {
		t.Errorf("published again: %v", again)
	}
}

// A second loss in the middle of a replay begins it again.
func TestALossDuringAReplay(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*shop) settled.Loss{
		"made anew": func(s *shop) settled.Loss {
			s.stream.Created, s.stream.Last = s.stream.Created.Add(time.Hour), 0
			return settled.LossRemade
		},
		"shortened": func(s *shop) settled.Loss { s.stream.Last--; return settled.LossShortened },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			past(t, s.Store, 5)
			s.look()
			s.drained(256)
			s.stream.Created, s.stream.Last = s.stream.Created.Add(time.Second), 0
			s.lost(settled.LossRemade)
			s.round(7)
			s.got = nil
			s.lost(lose(s))
			ordered(t, s.drained(3), 5)
		})
	}
}

// What a shortened stream has lost was published after what it has; how old the events
// were is no matter.
func TestAShortenedStreamGetsItsEndAgain(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	past(t, s.Store, 6)
	s.look()
	for range 3 {
		s.round(6) // all within a minute, so one mark
	}
	db := s.stream.Last
	s.drained(256)
	s.stream.Last = db
	loss := s.lost(settled.LossShortened)
	if age := time.Since(loss.ReplaySince); age < time.Second || age > time.Minute {
		t.Errorf("replayed since %s ago", age)
	}
	if got := s.drained(256); !slices.Contains(got, "order0005 payment.flagged") || !slices.Contains(got, "unknown payment.flagged") {
		t.Errorf("replayed %v", got)
	}
}

// An event that had waited for long is as lost as any other: marks tell of the event's
// time, and not of when it was published.
func TestMarksKnowHowOldTheLostEventsWere(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.look()
	s.stream.Last = 1000
	s.look()
	old := settled.Event{
		ID: settled.EventID("payment.flagged", "old"), Type: "payment.flagged", Merchant: "m", OrderID: "waited", At: time.Now().Add(-20 * time.Minute), Data: []byte(`{}`),
	}
	if _, err := s.Tell(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	if got := s.drained(10); len(got) != 1 {
		t.Fatalf("published %v", got)
	}
	s.stream.Last = 1000
	s.lost(settled.LossShortened)
	if diff := cmp.Diff([]string{"waited payment.flagged"}, s.drained(10)); diff != "" {
		t.Errorf("replayed (-want +got):\n%s", diff)
	}
}

func TestAHoleIsFilledOnce(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	past(t, s.Store, 2)
	s.look()
	s.drained(256)
	for _, hole := range []string{"a", "b"} {
		s.stream.Lost = hole
		s.lost(settled.LossHole)
		ordered(t, s.drained(2), 2)
	}
	for _, hole := range []string{"a", "", "b"} { // as another replica tells it
		s.stream.Lost = hole
		if losses := s.look(); losses != nil {
			t.Errorf("noticed again: %+v", losses)
		}
	}
}

func TestAStreamThatNothingFillsIsNoticedAlone(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	past(t, s.Store, 1)
	s.stream.Refill = 0
	s.look()
	s.drained(256)
	s.stream.Created = s.stream.Created.Add(time.Second)
	if loss := s.lost(settled.LossRemade); !loss.ReplaySince.IsZero() {
		t.Errorf("replayed since %s", loss.ReplaySince)
	}
	if got := s.drained(256); got != nil {
		t.Errorf("replayed %v", got)
	}
}

func TestOnlyWhoHasTheTurnLooks(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	_, mine, err := s.Look(t.Context(), func(ctx context.Context) ([]settled.Stream, error) {
		_, mine, err := s.Look(ctx, func(context.Context) ([]settled.Stream, error) {
			t.Error("two look at once")
			return nil, nil
		})
		if mine || err != nil {
			t.Errorf("the second one: %t, %v", mine, err)
		}
		return nil, nil
	})
	if !mine || err != nil {
		t.Errorf("Look = %t, %v", mine, err)
	}
}

// However many events there are, no page reads them all.
func TestAReplayReadsByIndex(t *testing.T) {
	t.Parallel()
	address := storetest.URL(t)
	first := storetest.Open(t, address)
	if _, err := first.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	_ = first.Close() // a session tells what it did when it ends
	s, db := storetest.Open(t, address), storetest.DB(t, address)
	db.SetMaxOpenConns(1)
	for _, statement := range []string{
		`insert into events (id, type, merchant, order_id, at, data)
			select gen_random_uuid(), (array['payment.prepared', 'payment.completed', 'payment.flagged'])[1 + n % 3], 'm', 'o' || n, now() - n * interval '1 second', '{}'
			from generate_series(1, 30000) n`,
		`analyze events`,
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	scans := func() (scanned int64) {
		t.Helper()
		err := db.QueryRowContext(t.Context(), `
			select seq_scan from pg_stat_user_tables where schemaname = current_schema() and relname = 'events'`).Scan(&scanned)
		if err != nil {
			t.Fatal(err)
		}
		return scanned
	}
	before := scans()
	if got := pages(t, s, settled.Replay{Types: told, Since: time.Now().Add(-time.Hour), Until: time.Now()}, 256); len(got) < 3500 {
		t.Errorf("%d events", len(got))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if after := scans(); after != before {
		t.Errorf("%d sequential scans of events", after-before)
	}
}
