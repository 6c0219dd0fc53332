package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"settled/cmd/settled/config"
	"settled/events"
	"settled/events/bus"
	"settled/store/storetest"
)

func TestTwoWhoReplayAtOncePublishEachLetterOnce(t *testing.T) {
	t.Parallel()
	w := deadWorld(t)
	const many = 60
	for n := range many {
		w.bury(events.PaymentRequested, "a bug", order(fmt.Sprintf("twice%04d", n), nil), nil)
	}
	var wait sync.WaitGroup
	for _, by := range []string{"alice", "bob"} {
		wait.Go(func() { w.dead(exitDone, "replay", "--all", "--rate", "10000", "--by", by) })
	}
	wait.Wait()
	if w.kept(bus.Orders) != many || w.kept(bus.Dead) != 0 {
		t.Errorf("%d were published, %d are left", w.kept(bus.Orders), w.kept(bus.Dead))
	}
	var orders, firsts int
	err := storetest.DB(t, w.postgres).QueryRowContext(t.Context(), `
		select count(distinct order_id), count(*) filter (where data->>'again' is null) from events where type = 'dead.replayed'`).Scan(&orders, &firsts)
	if err != nil || orders != many || firsts != many {
		t.Errorf("%d of %d are noted, %d as the first, %v", orders, many, firsts, err)
	}
}

// atWork is somebody who is at work on the letters that the options name, within this process.
func (w *world) atWork(o deadOptions) (*process, *deadWork) {
	w.t.Helper()
	cfg, err := config.Load(w.file, os.LookupEnv)
	if err != nil {
		w.t.Fatal(err)
	}
	e := environment{streams{out: io.Discard, err: io.Discard}, slog.New(slog.DiscardHandler)}
	p, err := open(w.t.Context(), cfg, e.log)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = p.close(w.t.Context()) })
	return p, p.deadWork(e, o)
}

// stopped is a bus whose connection breaks between the note and the deed.
type stopped struct{ deadLetters }

func (stopped) ReplayDead(context.Context, bus.DeadLetter) error { return io.ErrUnexpectedEOF }

func TestAReplayThatBreaksOffLeavesANoteAndIsNotedOnceMore(t *testing.T) {
	t.Parallel()
	w := deadWorld(t)
	w.bury(events.PaymentRequested, "a bug", order("broken01", nil), nil)
	p, work := w.atWork(deadOptions{numbers: []uint64{1}, rate: 1, by: "alice"})
	work.letters = stopped{p.bus}
	if err := work.act(t.Context(), replaying); err == nil {
		t.Fatal("the work did not fail")
	}
	w.dead(exitDone, "replay", "1", "--by", "bob")
	notes, err := p.store.ToldOfOrder(t.Context(), []string{deadReplayed}, "classic", "broken01")
	if err != nil || len(notes) != 2 {
		t.Fatalf("%d notes, %v", len(notes), err)
	}
	if first, second := inWords(notes[0].Event), inWords(notes[1].Event); !strings.Contains(first, "replayed by alice") || !strings.Contains(second, "replayed once more by bob") {
		t.Errorf("%q, %q", first, second)
	}
}

func TestAnInterruptedReplaySaysHowFarItCame(t *testing.T) {
	t.Parallel()
	w := deadWorld(t)
	const many = 200
	for n := range many {
		w.bury(events.PaymentRequested, "a bug", order(fmt.Sprintf("stop%04d", n), nil), nil)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	replay := exec.CommandContext(t.Context(), self, "dead", "replay", "--all", "--rate", "2", "--config", w.file) //nolint:gosec // this very program
	replay.Env = append(os.Environ(), asSettled+"=1")
	said := &written{}
	replay.Stderr = said
	out, err := replay.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := replay.Start(); err != nil {
		t.Fatal(err)
	}
	done := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if done++; done == 2 {
			if err := replay.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := replay.Wait(); err != nil {
		t.Errorf("ended with %v\n%s", err, said)
	}
	if !strings.Contains(said.String(), fmt.Sprintf("stopped, what is left may be begun again: replayed: %d done", done)) {
		t.Errorf("said %s", said)
	}
	if left := w.kept(bus.Dead); left != uint64(many-done) || w.kept(bus.Orders) != uint64(done) {
		t.Errorf("%d done, %d left, %d published", done, left, w.kept(bus.Orders))
	}
}

// None is before its turn: the pace of act is asked once for each letter.
func TestTheRateIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		pace := rate.NewLimiter(20, 1).Wait
		for range 41 {
			if err := pace(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took < 2*time.Second-time.Millisecond || took > 2*time.Second+time.Millisecond {
			t.Errorf("41 turns at 20 a second took %s", took)
		}
	})
	w := deadWorld(t)
	for n := range 5 {
		w.bury(events.PaymentRequested, "a bug", order(fmt.Sprintf("pace%04d", n), nil), nil)
	}
	_, work := w.atWork(deadOptions{rate: 1, by: "alice"})
	turns := 0
	work.pace = func(context.Context) error {
		if published := w.kept(bus.Orders); published != uint64(turns) {
			t.Errorf("%d were published in %d turns", published, turns)
		}
		turns++
		return nil
	}
	if err := work.act(t.Context(), replaying); err != nil || turns != 5 {
		t.Errorf("%d turns, %v", turns, err)
	}
}
