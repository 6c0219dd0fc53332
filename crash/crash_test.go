package crash_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"settled/crash"
	"settled/failpoint"
)

// lane is one process that dies again and again, at one point after another.
type lane struct {
	name   string
	kind   failpoint.Process
	points []failpoint.Point
}

// lanes are an ingress, a relay, and workers that divide their points among them.
func lanes() []lane {
	all := []lane{
		{name: "ingress-1", kind: failpoint.Ingress}, {name: "relay-1", kind: failpoint.Relay},
		{name: "worker-1", kind: failpoint.Worker}, {name: "worker-2", kind: failpoint.Worker}, {name: "worker-3", kind: failpoint.Worker},
	}
	turn := map[failpoint.Process]int{}
	for _, point := range failpoint.Points() {
		var own []*lane
		for i := range all {
			if all[i].kind == point.Process {
				own = append(own, &all[i])
			}
		}
		next := own[turn[point.Process]%len(own)]
		next.points = append(next.points, point)
		turn[point.Process]++
	}
	return all
}

// Every point is come to and died at once, in one world, while customers order and pay the
// whole time: nothing is lost and nothing comes twice.
func TestDyingEverywhereLosesNothing(t *testing.T) {
	t.Parallel()
	program, err := crash.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Remove() })
	servers, err := crash.StartServers(t.Context(), program)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := servers.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	w, err := servers.NewWorld(t.Context(), crash.WorldConfig{Name: "everywhere"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	closed := opens(t, w)
	var dying sync.WaitGroup
	for _, l := range lanes() {
		p, err := w.Add(l.name, l.kind)
		if err != nil {
			t.Fatal(err)
		}
		dying.Go(func() {
			if err := l.die(t.Context(), p); err != nil {
				t.Error(err)
			}
		})
	}
	dying.Wait()
	closed()
	report := w.Settle(t.Context())
	t.Logf("%d points: %s", len(failpoint.Points()), report)
	if err := report.Err(); err != nil {
		w.Keep()
		t.Errorf("%v; logs in %s", err, w.Folder())
	}
}

// opens lets customers come until the returned function is called, which waits for the last
// one.
func opens(t *testing.T, w *crash.World) (closes func()) {
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for ctx.Err() == nil {
			w.Shop.Place(t.Context(), 4+rand.N(5))
			if err := w.Shop.Nonsense(ctx); err != nil && ctx.Err() == nil {
				t.Error(err)
			}
			select {
			case <-ticker.C:
			case <-ctx.Done():
			}
		}
	}()
	return func() {
		stop()
		<-ended
	}
}

// die lets the process die at each of the lane's points, and live in the end.
func (l lane) die(ctx context.Context, p *crash.Process) error {
	const within = 3 * time.Minute // one order in 36 comes to some points, and to one of three workers
	var failed []error
	for i, point := range l.points {
		arm := crash.Arm{Point: point.Name, Way: failpoint.Ways[i%len(failpoint.Ways)]}
		if err := p.Start(arm); err != nil {
			return err
		}
		bounded, cancel := context.WithTimeout(ctx, within)
		failed = append(failed, p.AwaitHit(bounded, arm))
		cancel()
		if arm.Way == failpoint.Hang && p.Running() {
			failed = append(failed, p.Thaw()) // it goes on, and dies while it does
		}
		p.Kill()
	}
	return errors.Join(append(failed, p.Start(crash.Arm{}))...)
}

// The page has every cell that there is, and none that there is no more.
func TestThePageListsEveryCell(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/crash-matrix.md")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, cell := range crash.Cells() {
		want = append(want, cell.String())
	}
	listed, err := crash.ListedCells(text)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(listed, want) {
		t.Errorf("docs/crash-matrix.md has %d cells, there are %d; make crash writes it anew%s", len(listed), len(want), difference(listed, want))
	}
}

func difference(listed, want []string) string {
	text := ""
	for _, cell := range want {
		if !slices.Contains(listed, cell) {
			text += fmt.Sprintf("\n  not listed: %s", cell)
		}
	}
	for _, cell := range listed {
		if !slices.Contains(want, cell) {
			text += fmt.Sprintf("\n  is no more: %s", cell)
		}
	}
	return text
}
