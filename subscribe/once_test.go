package subscribe_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"settled/subscribe"
	"settled/subscribe/subscribetest"
)

func TestManyMachinesAtOnceHaveOneEffect(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	event := order(0).Completed()
	event.Subscriber = w.name
	var machines sync.WaitGroup
	for range 16 {
		machines.Go(func() {
			if err := w.ship(t.Context(), event); err != nil {
				t.Error(err)
			}
		})
	}
	machines.Wait()
	w.onceEach(1)
}

// The second machine must wait for the first to end, and act if the first did not.
func TestAMachineActsInsteadOfOneThatFailed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	event := order(0).Completed()
	begun, fail, first := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		first <- subscribe.Once(t.Context(), w.db, event, func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, `insert into parcels (order_id) values ('wrong')`)
			close(begun)
			<-fail
			return errors.Join(err, errTrouble)
		})
	}()
	receive(t, begun)
	second := make(chan error, 1)
	go func() { second <- w.ship(t.Context(), event) }()
	w.until("the second waits for the first", func() bool {
		var waits bool
		err := w.db.QueryRowContext(t.Context(), `
			select exists (select from pg_stat_activity where wait_event_type = 'Lock' and query like '%settled_effects%'
				and pid <> pg_backend_pid())`).Scan(&waits)
		return err == nil && waits
	})
	close(fail)
	if err := <-first; !errors.Is(err, errTrouble) {
		t.Errorf("the first: %v", err)
	}
	if err := <-second; err != nil {
		t.Errorf("the second: %v", err)
	}
	w.onceEach(1)
}

func TestServicesThatShareATableDoNotDisturbEachOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	event := order(0).Completed()
	for _, name := range []string{"stock", "books", "stock"} {
		event.Subscriber = name
		if err := w.ship(t.Context(), event); err != nil {
			t.Fatal(err)
		}
	}
	if n := w.parcels()[event.OrderID]; n != 2 {
		t.Errorf("two services had %d effects", n)
	}
}

func TestAPanicRollsBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	event := order(0).Completed()
	func() {
		defer func() { _ = recover() }()
		_ = subscribe.Once(t.Context(), w.db, event, func(ctx context.Context, tx *sql.Tx) error {
			_, _ = tx.ExecContext(ctx, `insert into parcels (order_id) values ('wrong')`)
			panic("a bug")
		})
	}()
	if err := w.ship(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	w.onceEach(1)
}

// What is forgotten is never acted on again: it is too old by then.
func TestForgettingDoesNothingTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	effects := subscribe.Effects{DB: w.db, Table: "public_effects", Keep: 10 * 24 * time.Hour}
	if err := effects.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	ship := func(e subscribe.Event) error {
		return effects.Once(t.Context(), e, func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, `insert into parcels (order_id) values ($1)`, e.OrderID)
			return err
		})
	}
	old := order(0)
	old.At = time.Now().Add(-9 * 24 * time.Hour)
	for _, o := range []subscribetest.Order{old, order(1), order(0)} {
		if err := ship(o.Completed()); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := effects.Forget(t.Context()); n != 0 || err != nil {
		t.Errorf("forgot %d, %v", n, err)
	}
	w.exec(`update public_effects set done_at = now() - interval '11 days' where event_id = $1`, old.Completed().ID)
	if n, err := effects.Forget(t.Context()); n != 1 || err != nil {
		t.Errorf("forgot %d, %v", n, err)
	}
	old.At = time.Now().Add(-11 * 24 * time.Hour)
	if err := ship(old.Completed()); !errors.Is(err, subscribe.ErrTooOld) || !subscribe.IsGivenUp(err) {
		t.Errorf("an event that nobody remembers: %v", err)
	}
	w.onceEach(2)
}

func TestForgettingGoesInBatches(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(`insert into settled_effects (subscriber, event_id, event_type, done_at)
		select 'stock', n::text, 'payment.completed', now() - interval '31 days' from generate_series(1, 12001) n`)
	if n, err := (subscribe.Effects{DB: w.db}).Forget(t.Context()); n != 12001 || err != nil {
		t.Errorf("forgot %d, %v", n, err)
	}
}

func TestManyMachinesMakeTheTableAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for n := range 10 {
		effects := subscribe.Effects{DB: w.db, Table: fmt.Sprintf("effects_%d", n)}
		var machines sync.WaitGroup
		for range 8 {
			machines.Go(func() {
				if err := effects.Create(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		machines.Wait()
		if _, err := effects.Forget(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestSettingsOfEffectsAreChecked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, effects := range map[string]subscribe.Effects{
		"a table that is a statement": {DB: w.db, Table: "x; drop table parcels"},
		"a table with quotes":         {DB: w.db, Table: `"x"`},
		"kept too briefly":            {DB: w.db, Keep: 7 * 24 * time.Hour},
	} {
		_, err := effects.Forget(t.Context())
		once := effects.Once(t.Context(), order(0).Completed(), func(context.Context, *sql.Tx) error { return nil })
		if err == nil || once == nil || effects.Create(t.Context()) == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestAHandlerWithOncePassesTheTrial(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const seeds = 10
	for seed := range uint64(seeds) {
		tea := order(int(seed))
		subscribetest.Deliver(t, seed, func(ctx context.Context, e subscribe.Event) error {
			if e.Type != "payment.completed" {
				return nil
			}
			return w.ship(ctx, e)
		}, tea.Prepared(), tea.Completed(), tea.RefundAccepted("R1", 1))
	}
	w.onceEach(seeds)
}

// The trial has to find the usual mistakes.
func TestHandlersThatAreWrongFailTheTrial(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, handle := range map[string]subscribe.Handler{
		"no memory": func(ctx context.Context, e subscribe.Event) error {
			_, err := w.db.ExecContext(ctx, `insert into parcels (order_id) values ($1)`, e.OrderID)
			return err
		},
		"looked up before, not locked": func(ctx context.Context, e subscribe.Event) error {
			var there bool
			if err := w.db.QueryRowContext(ctx, `select exists (select from parcels where order_id = $1)`, e.OrderID).Scan(&there); err != nil || there {
				return err
			}
			_, err := w.db.ExecContext(ctx, `insert into parcels (order_id) select $1 from pg_sleep(0.01)`, e.OrderID)
			return err
		},
		"remembered before, not together": func(ctx context.Context, e subscribe.Event) error {
			first := false
			err := subscribe.Once(ctx, w.db, e, func(context.Context, *sql.Tx) error { first = true; return nil })
			if err != nil || !first {
				return err
			}
			if e.Attempt == 1 {
				return errTrouble // as any server may be away
			}
			_, err = w.db.ExecContext(ctx, `insert into parcels (order_id) values ($1)`, e.OrderID)
			return err
		},
	} {
		w.exec(`truncate parcels`)
		w.exec(`truncate settled_effects`)
		const seeds = 20
		for seed := range uint64(seeds) {
			subscribetest.Deliver(t, seed, handle, order(int(seed)).Completed())
		}
		right := 0
		for _, n := range w.parcels() {
			if n == 1 {
				right++
			}
		}
		if right == seeds {
			t.Errorf("%s: the trial did not find it", name)
		}
	}
}

func TestTheTrialTellsOfAnEventThatIsNeverDone(t *testing.T) {
	t.Parallel()
	failed := &failing{TB: t}
	subscribetest.Deliver(failed, 1, func(context.Context, subscribe.Event) error { return errTrouble }, order(0).Completed())
	if len(failed.said) != 2 {
		t.Errorf("it said %q", failed.said)
	}
	given := &failing{TB: t}
	subscribetest.Deliver(given, 1, func(context.Context, subscribe.Event) error { return subscribe.GiveUp(errTrouble) }, order(0).Completed())
	if len(given.said) != 0 {
		t.Errorf("what is given up is done, and it said %q", given.said)
	}
}

// failing is a test that may fail.
type failing struct {
	testing.TB
	said []string
}

func (f *failing) Errorf(format string, arguments ...any) {
	f.said = append(f.said, fmt.Sprintf(format, arguments...))
}
