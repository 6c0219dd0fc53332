package crash

import (
	"context"
	"fmt"
	"strings"
	"time"

	"settled/failpoint"
)

// Cell is one way of dying at one point.
type Cell struct {
	Point failpoint.Point
	Way   failpoint.Way
}

// String names the cell: its point, its process and its way to die.
func (c Cell) String() string {
	return fmt.Sprintf("%s/%s/%s", c.Point.Name, c.Point.Process, c.Way)
}

// Cells are all of them: every point, and every way to die there.
func Cells() []Cell {
	var cells []Cell
	for _, point := range failpoint.Points() {
		for _, way := range failpoint.Ways {
			cells = append(cells, Cell{point, way})
		}
	}
	return cells
}

// orders are how many a cell has.
const orders = 36

// frozen is how long a process that hangs stays so: longer than whatever it holds is its
// own. A worker's messages are given to others after 30 s and its rows after 20 s,
// PostgreSQL ends the relay's transaction after 10 s, and WeChat waits 5 s for the ingress.
var frozen = map[failpoint.Process]time.Duration{
	failpoint.Worker: 33 * time.Second, failpoint.Relay: 13 * time.Second, failpoint.Ingress: 9 * time.Second,
}

// within is how soon the process must come to the point.
const within = 60 * time.Second

// On is the cell on servers that it shares with others: a process dies there while customers
// pay, is brought back as an operator would, and the money is counted.
func (c Cell) On(servers *Servers) Run {
	return Run{c.String(), func(ctx context.Context) Report { return c.survive(ctx, servers) }}
}

func (c Cell) survive(ctx context.Context, servers *Servers) Report {
	w, err := servers.NewWorld(ctx, WorldConfig{Name: c.schema()})
	if err != nil {
		return Report{Wrong: []string{err.Error()}}
	}
	report := c.run(ctx, w)
	if err := w.Close(); err != nil {
		report.Wrong = append(report.Wrong, err.Error())
	}
	if report.Err() != nil {
		w.Keep()
		report.Wrong = append(report.Wrong, "logs in "+w.Folder())
	}
	return report
}

func (c Cell) run(ctx context.Context, w *World) Report {
	began := time.Now()
	victim, others, err := c.cast(w)
	if err != nil {
		return Report{Wrong: []string{err.Error()}}
	}
	arm := Arm{Point: c.Point.Name, Way: c.Way}
	if err := victim.Start(arm); err != nil {
		return Report{Wrong: []string{err.Error()}}
	}
	for _, p := range others {
		if err := p.Start(Arm{}); err != nil {
			return Report{Wrong: []string{err.Error()}}
		}
	}
	placed := make(chan struct{})
	go func() {
		defer close(placed)
		w.Shop.Place(ctx, orders)
		_ = w.Shop.Nonsense(ctx) // repeated until it was taken
	}()
	if err := c.die(ctx, w, victim, arm); err != nil {
		w.saw("%s", err)
	}
	<-placed
	report := w.Settle(ctx)
	report.Took = time.Since(began)
	return report
}

// cast makes the processes: the one that is to die, and those that live. A worker that is to
// die is alone until it has, so that it comes to its point.
func (c Cell) cast(w *World) (victim *Process, others []*Process, err error) {
	for _, kind := range []failpoint.Process{failpoint.Ingress, failpoint.Worker, failpoint.Relay} {
		p, err := w.Add(string(kind)+"-1", kind)
		if err != nil {
			return nil, nil, err
		}
		if kind == c.Point.Process {
			victim = p
		} else {
			others = append(others, p)
		}
	}
	return victim, others, nil
}

// die waits until the process has died, and starts it again or lets it awake. Meanwhile
// there is another one, besides the ingress, which has an address of its own.
func (c Cell) die(ctx context.Context, w *World, victim *Process, arm Arm) error {
	bounded, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	hit := victim.AwaitHit(bounded, arm)
	if c.Point.Process != failpoint.Ingress {
		second, err := w.Add(string(c.Point.Process)+"-2", c.Point.Process)
		if err != nil {
			return err
		}
		if err := second.Start(Arm{}); err != nil {
			return err
		}
	}
	switch {
	case hit != nil:
		return hit
	case c.Way == failpoint.Hang:
		pause(ctx, frozen[c.Point.Process])
		return victim.Thaw()
	case !victim.Running():
		return victim.Start(Arm{})
	default:
		return nil // the panic was caught
	}
}

// schema is a name for the cell's world.
func (c Cell) schema() string {
	return strings.NewReplacer(".", "_", "/", "_").Replace(c.String())
}
