package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// result is what an overload has come to. Lost and Doubled must be 0, and Wrong empty.
type result struct {
	Messages, Notifies  int           // that waited
	InFlight            int           // of each pool
	Recorded, WorkedOff time.Duration // until nothing of it waited in the streams, and until all was prepared and published
	Memory              []used
	Calm, Flooded       waits // newcomers outside of the floods and while they lasted
	Floods              []poured
	Taken               int // orders of the floods that heard 202
	Lost, Doubled       int
	Wrong               []string
}

// poured is a flood that was.
type poured struct {
	flood
	began, ended time.Time
	heard        []answers
}

// waits is how long newcomers waited.
type waits struct {
	Customers  int
	TurnedAway int         // how often one of them found no room, and came again
	Prepared   percentiles // from the first request on
	Completed  percentiles // from paying on
	Whole      percentiles // from the first request on
}

// percentiles of durations.
type percentiles struct{ P50, P99, Max time.Duration }

func percentilesOf(all []time.Duration) percentiles {
	if len(all) == 0 {
		return percentiles{}
	}
	slices.Sort(all)
	return percentiles{all[len(all)/2], all[len(all)*99/100], all[len(all)-1]}
}

// newcomers sums up those who came.
func (r *result) newcomers(n *newcomers) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var calm, flooded []*newcomer
	for _, o := range n.placed {
		if slices.ContainsFunc(r.Floods, func(f poured) bool { return o.asked.After(f.began) && o.asked.Before(f.ended) }) {
			flooded = append(flooded, o)
		} else {
			calm = append(calm, o)
		}
	}
	r.Calm, r.Flooded = waitsOf(calm), waitsOf(flooded)
}

func waitsOf(customers []*newcomer) waits {
	w := waits{Customers: len(customers)}
	var prepared, completed, whole []time.Duration
	for _, o := range customers {
		w.TurnedAway += o.turnedAway
		if !o.completed.IsZero() { // the others are errors by themselves
			prepared, completed = append(prepared, o.prepared.Sub(o.asked)), append(completed, o.completed.Sub(o.paid))
			whole = append(whole, o.completed.Sub(o.asked))
		}
	}
	w.Prepared, w.Completed, w.Whole = percentilesOf(prepared), percentilesOf(completed), percentilesOf(whole)
	return w
}

// err says what is wrong, nil if nothing is. How fast anything was is no part of it.
func (r result) err() error {
	var wrong []error
	if r.Lost != 0 || r.Doubled != 0 {
		wrong = append(wrong, fmt.Errorf("lost %d, doubled %d", r.Lost, r.Doubled))
	}
	if len(r.Wrong) > 0 {
		wrong = append(wrong, errors.New(strings.Join(r.Wrong, "; ")))
	}
	for _, u := range r.Memory {
		if u.Peak >= mostMemory {
			wrong = append(wrong, fmt.Errorf("the %s had %d MiB, more than %d", u.Process, u.Peak>>10, mostMemory>>10))
		}
	}
	for _, f := range r.Floods {
		for _, a := range f.heard {
			wrong = append(wrong, a.err())
		}
	}
	return errors.Join(wrong...)
}

// err says what a caller should not have heard.
func (a answers) err() error {
	for status := range a.Status {
		if !slices.Contains([]int{200, 202, 204, 429, 503}, status) {
			return fmt.Errorf("%s: %d answers with %d", a.Party, a.Status[status], status)
		}
	}
	if a.Bare > 0 {
		return fmt.Errorf("%s: %d were turned away without a time to come again", a.Party, a.Bare)
	}
	return nil
}

// String is what a party heard, in a line.
func (a answers) String() string {
	return fmt.Sprintf("%s: %d requests, %d taken; %s; longest %s; turned away within %s", a.Party, a.Requests, a.Taken,
		a.statuses(), short(a.Longest), percentilesOf(a.Turned))
}

// statuses counts the answers by their status.
func (a answers) statuses() string {
	var parts []string
	for _, status := range slices.Sorted(maps.Keys(a.Status)) {
		parts = append(parts, fmt.Sprintf("%d %d×", status, a.Status[status]))
	}
	if a.Refused > 0 {
		parts = append(parts, fmt.Sprintf("no connection %d×", a.Refused))
	}
	if a.Silent > 0 {
		parts = append(parts, fmt.Sprintf("no answer %d×", a.Silent))
	}
	return strings.Join(parts, ", ")
}

// String is p50 / p99 / max.
func (p percentiles) String() string {
	return short(p.P50) + " / " + short(p.P99) + " / " + short(p.Max)
}

func short(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
