package workers_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled"
	"settled/workers"
)

// PostgreSQL is away for an hour: it is tried every few seconds, and what came due
// meanwhile is taken up within three of its return.
func TestAfterAnHourWithoutPostgreSQLTheFirstTryComesWithinSeconds(t *testing.T) {
	inBubble(t, func(t *testing.T, v *virtual) {
		v.has(settled.Payment{
			Status: settled.StatusPrepared, PreparedAt: v.began, ExpiresAt: v.began.Add(2 * time.Hour), DueAt: v.began.Add(time.Minute),
		})
		v.shop.will("query", says{trade: paid()})
		v.memory.leaves(true)
		stop := v.start("reconcile")
		pass(time.Hour)
		if tries := len(v.memory.since("due prepared", v.began)); tries < 3600/3 || tries > 3600*2/3 {
			t.Errorf("PostgreSQL was tried %d times in an hour", tries)
		}
		v.memory.leaves(false)
		pass(3 * time.Second)
		stop()
		if times := v.shop.since(v.began); len(times) != 1 {
			t.Errorf("WeChat was asked at %v after PostgreSQL was back", times)
		}
		if p := v.stands(); p.Status != settled.StatusCompleted {
			t.Errorf("the payment is %s", p.Status)
		}
	})
}

// Ten thousand queries of one shop are overdue, and WeChat takes a tenth of a second for
// each: the pool's hands are never idle, and another shop's query does not wait for them.
func TestABacklogIsWorkedOffAndNobodyWaitsBehindIt(t *testing.T) {
	const backlog, took, hands = 10_000, 100 * time.Millisecond, 64
	inBubble(t, func(t *testing.T, v *virtual) {
		v.cfg.InFlight, v.cfg.QuerySchedule = hands, []time.Duration{time.Hour} // each once
		behind, fresh := &patient{took: took, wechat: newWechat()}, &patient{took: took, wechat: newWechat()}
		v.cfg.Merchants = map[string]workers.Merchant{
			"behind": {Protocol: "v3", Gateway: behind}, "fresh": {Protocol: "v3", Gateway: fresh},
		}
		due := func(id, merchant string, at time.Time) {
			v.memory.mu.Lock()
			defer v.memory.mu.Unlock()
			v.memory.payments[id] = &settled.Payment{
				ID: id, Merchant: merchant, OrderID: id, Status: settled.StatusPrepared,
				PreparedAt: v.began, ExpiresAt: v.began.Add(2 * time.Hour), DueAt: at,
			}
		}
		for i := range backlog {
			due(fmt.Sprintf("old%05d", i), "behind", v.began)
		}
		stop := v.start("reconcile")
		for i := range 5 {
			due(fmt.Sprintf("new%d", i), "fresh", time.Now())
			pass(time.Second)
			if asked := fresh.count(); asked != i+1 {
				t.Errorf("after %d s WeChat was asked for %d of the other shop's payments", i+1, asked)
			}
		}
		pass(backlog*took/(hands/2)*5/4 - 5*time.Second) // a shop has half of the hands
		stop()
		if asked := behind.count(); asked != backlog {
			t.Errorf("WeChat was asked for %d of %d payments in the time that it needs for a quarter more", asked, backlog)
		}
	})
}

// patient is a WeChat that takes its time, and knows of no payment.
type patient struct {
	*wechat
	took  time.Duration
	mu    sync.Mutex
	asked map[string]bool
}

func (p *patient) Query(_ context.Context, payment settled.Payment) (settled.Trade, error) {
	time.Sleep(p.took) // the bubble's time
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.asked == nil {
		p.asked = map[string]bool{}
	}
	p.asked[payment.ID] = true
	return settled.Trade{}, nil
}

func (p *patient) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.asked)
}

// Events that other machines commit are found within a third of a second; our own at once.
func TestTheRelayLooksOftenAndAtOnceWhenItIsWoken(t *testing.T) {
	inBubble(t, func(t *testing.T, v *virtual) {
		stop := v.start("relay")
		pass(time.Minute)
		tries := v.memory.since("relay", v.began)
		for i := range tries[1:] {
			if pause := tries[i+1] - tries[i]; pause < 200*time.Millisecond || pause > 300*time.Millisecond {
				t.Fatalf("look %d came %s after the one before", i+2, pause)
			}
		}
		woken := time.Now()
		if _, err := v.memory.Tell(t.Context(), settled.Event{ID: "e1"}); err != nil {
			t.Fatal(err)
		}
		v.memory.woken <- struct{}{}
		pass(0)
		if tries := v.bus.tries; len(tries) != 1 || !tries[0].Equal(woken) {
			t.Errorf("published at %v, want at %v", tries, woken)
		}
		stop()
	})
}

// Streams that take nothing are left alone for two seconds each time; a stop empties the
// outbox once more.
func TestTheRelayRestsWhileTheStreamsTakeNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, v *virtual) {
		if _, err := v.memory.Tell(t.Context(), settled.Event{ID: "e1"}); err != nil {
			t.Fatal(err)
		}
		v.bus.broken = errors.New("no stream")
		stop := v.start("relay")
		pass(10 * time.Minute)
		if tries := len(v.bus.tries); tries < 600*10/24-1 || tries > 600*10/16+1 {
			t.Errorf("the streams were tried %d times in ten minutes", tries)
		}
		if warned := v.said.counts()["events not published"]; warned != len(v.bus.tries) {
			t.Errorf("%d failures, %d warnings", len(v.bus.tries), warned)
		}
		v.bus.mu.Lock()
		v.bus.broken = nil
		v.bus.mu.Unlock()
		stop()
		if left := len(v.memory.waiting); left != 0 {
			t.Errorf("%d events are left", left)
		}
	})
}

// What stands still is said once, and once that it moves again, however long it lasts;
// the streams are trimmed about once a minute.
func TestTheSweepSaysOnceWhatStandsStill(t *testing.T) {
	inBubble(t, func(t *testing.T, v *virtual) {
		stop := v.start("sweep")
		for _, step := range []struct {
			overdue time.Duration
			want    map[string]int
		}{
			{time.Minute, map[string]int{}},
			{time.Minute + 1, map[string]int{"something stands still": 1}},
			{time.Hour, map[string]int{"something stands still": 1}},
			{0, map[string]int{"something stands still": 1, "it moves again": 1}},
		} {
			v.memory.mu.Lock()
			v.memory.overdue = step.overdue
			v.memory.mu.Unlock()
			pass(time.Hour)
			if diff := cmp.Diff(step.want, v.said.counts()); diff != "" {
				t.Errorf("overdue by %s, it was said (-want +got):\n%s", step.overdue, diff)
			}
		}
		stop()
		if trims := v.bus.trims; trims < 4*60*60/67 || trims > 4*60 {
			t.Errorf("the streams were trimmed %d times in four hours", trims)
		}
	})
}
