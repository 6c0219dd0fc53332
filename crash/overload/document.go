package main

import (
	"cmp"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"
)

const head = `# Under overload

What settled does behind a backlog, while its ingress is flooded. This page is written by ` + "`make overload`" + `, which takes
as many messages as it is told: ` + "`make overload MESSAGES=20000`" + ` writes nothing and takes a minute or two.

Before a worker runs, %s orders of three merchants (legacy five of ten, APIv2 four, APIv3 one) are published to
` + "`SETTLED_ORDERS`" + `, and %s repeats of notifies that were heard before to ` + "`SETTLED_NOTIFY`" + `. Then one
` + "`settled worker`" + ` with every pool and ` + "`in_flight: %d`" + ` is started beside one ` + "`settled ingress`" + `. While they work the
backlog off, five new customers a second come, half of them over HTTP and half over NATS, pay as soon as they can, and are
timed; and the ingress is flooded, %s at a time, by many honest callers with a connection each, who come again after 250 ms
when they are turned away. At the end every order is looked for in PostgreSQL, and ` + "`settled audit`" + ` runs.

At revision %s on %s, on a machine with %d cores and %s that also ran PostgreSQL (with fsync), the NATS server, Redis,
the simulator and all callers.

`

// write writes the page.
func (r result) write(file, revision string) error {
	var last time.Duration
	for _, f := range r.Floods {
		last = f.Last
	}
	text := fmt.Sprintf(head, thousands(r.Messages), thousands(r.Notifies), r.InFlight, last, revision, time.Now().UTC().Format(time.DateOnly),
		runtime.NumCPU(), machineMemory()) + r.table()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil { //nolint:gosec // for everybody to read
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}

// table shows the result.
func (r result) table() string {
	var text strings.Builder
	row := func(cells ...string) { text.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	head := func(cells ...string) {
		row(cells...)
		row(strings.Split(strings.Repeat("--- ", len(cells)-1)+"---", " ")...)
	}
	head("what", "came to")
	row("orders that waited", thousands(r.Messages))
	row("notifies that waited", thousands(r.Notifies))
	row("until no message of them waited", short(r.Recorded))
	row("until all were prepared and published", fmt.Sprintf("%s, %.0f orders a second", short(r.WorkedOff), float64(r.Messages)/r.WorkedOff.Seconds()))
	row("orders of the floods that heard 202", thousands(r.Taken))
	row("lost", strconv.Itoa(r.Lost))
	row("doubled", strconv.Itoa(r.Doubled))
	row("anything else wrong, the audit included", cmp.Or(strings.Join(r.Wrong, "; "), "nothing"))
	text.WriteString("\n## Memory\n\nResident, read once a second.\n\n")
	head("process", "at the start", "median", "at the end", "peak")
	for _, u := range r.Memory {
		row(u.Process, mebibytes(u.First), mebibytes(u.Middle), mebibytes(u.Last), mebibytes(u.Peak))
	}
	text.WriteString("\n## New customers\n\np50 / p99 / longest, from outside.\n\n")
	head("while", "customers", "turned away and came again", "order to prepared", "paid to completed", "order to completed")
	for _, w := range []struct {
		name string
		waits
	}{{"the backlog is worked off", r.Calm}, {"the ingress is flooded too", r.Flooded}} {
		row(w.name, strconv.Itoa(w.Customers), strconv.Itoa(w.TurnedAway), w.Prepared.String(), w.Completed.String(), w.Whole.String())
	}
	text.WriteString("\n## Floods\n\nWho is turned away: p50 / p99 / longest.\n\n")
	head("flood", "callers", "requests", "taken", "answers", "turned away within", "longest answer")
	for _, f := range r.Floods {
		for i, a := range f.heard {
			row(f.Name, fmt.Sprintf("%d, %s", f.Parties[i].Connections, a.Party), thousands(a.Requests), thousands(a.Taken), a.statuses(),
				percentilesOf(a.Turned).String(), short(a.Longest))
		}
	}
	return text.String()
}

func mebibytes(kib int) string { return fmt.Sprintf("%d MiB", kib>>10) }

// thousands writes a number with commas.
func thousands(n int) string {
	text := strconv.Itoa(n)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

// machineMemory is how much memory the machine has.
func machineMemory() string {
	info, err := os.ReadFile("/proc/meminfo")
	found := regexp.MustCompile(`(?m)^MemTotal:\s+(\d+) kB$`).FindSubmatch(info)
	if err != nil || found == nil {
		return "unknown memory"
	}
	kib, _ := strconv.Atoi(string(found[1])) // the pattern takes digits alone
	return fmt.Sprintf("%.0f GiB", float64(kib)/(1<<20))
}
