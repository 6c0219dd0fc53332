package rig

import (
	"strings"
	"testing"
	"time"
)

func limit(name string, rate int) Result {
	return Result{Contestants: []Contested{{Name: name, Rounds: []Measure{{Operations: rate, Took: time.Second}}}}}
}

func TestALimitThatIsPassedTwiceLetsHalfAsManyThrough(t *testing.T) {
	t.Parallel()
	all := []Result{limit("write", 900), limit("read", 500), limit("sing", 10)}
	for _, c := range []struct {
		path []string
		name string
		rate float64
	}{
		{[]string{"write", "read"}, "read", 500},
		{[]string{"write", "read", "write"}, "write (passed 2 times)", 450},
		{[]string{"dance"}, "", 0},
		{nil, "", 0},
	} {
		if name, rate := (Result{Path: c.path}).tightest(all); name != c.name || rate != c.rate {
			t.Errorf("of %v the tightest is %q with %v, not %q with %v", c.path, name, rate, c.name, c.rate)
		}
	}
}

func TestCostsStandInATableOfTheirOwn(t *testing.T) {
	t.Parallel()
	m := Measure{Operations: 2, Took: time.Second, Extra: map[string]float64{"MiB": 7}, Cost: map[string]float64{"syncs": 0.25}}
	var text strings.Builder
	writeTable(&text, Result{Unit: "songs", Contestants: []Contested{{Name: "she", Settings: "alone", Rounds: []Measure{m}}}}, nil)
	for _, line := range []string{
		"| who | median, each second | lowest to highest | MiB | settings |\n", "\nWhat each of the songs took:\n", "\n| who | syncs |\n", "\n| she | 0.25 |\n",
	} {
		if !strings.Contains(text.String(), line) {
			t.Errorf("%q is missing in\n%s", line, text.String())
		}
	}
}

func TestUsageIsSharedByTheOperations(t *testing.T) {
	t.Parallel()
	before := Usage{CPU: map[string]time.Duration{"hers": time.Second}, written: 100, statements: 4}
	after := Usage{CPU: map[string]time.Duration{"hers": 3 * time.Second, "his": time.Second}, written: 300, statements: 14}
	cost := after.Since(before, 10)
	for name, want := range map[string]float64{
		"CPU µs: hers": 200_000, "CPU µs: his": 100_000, "CPU µs: together": 300_000, "bytes of PostgreSQL's log": 20, "SQL statements": 1,
	} {
		if cost[name] != want {
			t.Errorf("%s is %v, not %v", name, cost[name], want)
		}
	}
}
