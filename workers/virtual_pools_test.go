package workers_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled"
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
