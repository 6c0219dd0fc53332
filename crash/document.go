package crash

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"settled/failpoint"
)

// WriteSummary shows the whole in a few lines; what says what was run.
func WriteSummary(w io.Writer, what string, results []Result) {
	sum := total(results)
	fmt.Fprintf(w, "%d %s run, %d survived: requested %d, paid %d, completed %d, refunded %d, lost %d, doubled %d\n",
		len(results), what, Survived(results), sum.Requested, sum.Paid, sum.Completed, sum.Refunded, sum.Lost, sum.Doubled)
}

func total(results []Result) (sum Report) {
	for _, r := range results {
		sum.Requested += r.Report.Requested
		sum.Paid += r.Report.Paid
		sum.Completed += r.Report.Completed
		sum.Refunded += r.Report.Refunded
		sum.Lost += r.Report.Lost
		sum.Doubled += r.Report.Doubled
	}
	return sum
}

const matrixHead = `# The crash matrix

Every point at which a process can die, from intake to publish, and every way to die there. This page is
written by ` + "`make crash`" + `; its list of cells is generated from ` + "`failpoint/point.go`" + `.

In each cell real processes (an ingress, workers, a relay) run among real servers (PostgreSQL, NATS, Redis)
and a WeChat, while %d orders of all three protocols are placed over HTTP and NATS, paid, given back, left,
or asked for twice; some of their notifies never come. One process dies when it first comes to the point:

- **kill**: by SIGKILL, and is started again;
- **panic**: by a panic there, which may be caught, or ends the process, which is started again;
- **hang**: is stopped as it stands (SIGSTOP), until others have taken over whatever it held, and then awakes
  (SIGCONT) and goes on with what it believes.

A cell is survived if it came to its point and, when everything has come to its end, every order and refund has
the one end that it must have, every payment that WeChat was paid for is completed by one event, WeChat has
heard success for nothing that was not committed at that moment, no order system was told that something is
taken which PostgreSQL does not have, no request was sent to WeChat with other content under the same number,
and ` + "`settled audit`" + ` finds nothing.

One cell by itself: ` + "`make crash CELL='%s'`" + `. All cells of one way: ` + "`make crash CELL='*/*/hang'`" + `.

%d cells run, %d survived, at revision %s on %s: requested %d, paid %d, completed %d, refunded %d,
**lost %d, doubled %d**.
`

const faultsHead = `# The fault suite

What a payment system stands on, failing while customers pay. This page is written by ` + "`make crash`" + `; the
faults are listed in ` + "`crash/fault.go`" + `, and run on the rig of the [crash matrix](crash-matrix.md), with the same orders and
the same count: an ingress, two workers and a relay, as processes, and servers of its own for each fault.

One fault by itself: ` + "`make crash FAULT=%s`" + `.

%d faults, %d survived, at revision %s on %s: **lost %d, doubled %d**.

`

var cellLine = regexp.MustCompile(`(?m)^\| ([a-z_.]+/[a-z]+/[a-z]+) \|`)

// ListedCells are the names of the cells that the page lists.
func ListedCells(page []byte) ([]string, error) {
	var listed []string
	for _, found := range cellLine.FindAllSubmatch(page, -1) {
		listed = append(listed, string(found[1]))
	}
	if len(listed) == 0 {
		return nil, errors.New("the page lists no cell")
	}
	return listed, nil
}

// WriteMatrix writes the page of the matrix.
func WriteMatrix(file, revision string, results []Result) error {
	var text strings.Builder
	sum := total(results)
	fmt.Fprintf(&text, matrixHead, orders, results[0].Name, len(results), Survived(results), revision, today(),
		sum.Requested, sum.Paid, sum.Completed, sum.Refunded, sum.Lost, sum.Doubled)
	text.WriteString("\n## Points\n\n| point | process | the moment |\n|---|---|---|\n")
	for _, p := range failpoint.Points() {
		fmt.Fprintf(&text, "| %s | %s | %s |\n", p.Name, p.Process, p.Meaning)
	}
	text.WriteString("\n## Cells\n\n" + table("cell", results))
	return writePage(file, text.String())
}

// WriteFaults writes the page of the fault suite.
func WriteFaults(file, revision string, results []Result) error {
	sum := total(results)
	head := fmt.Sprintf(faultsHead, results[0].Name, len(results), Survived(results), revision, today(), sum.Lost, sum.Doubled)
	return writePage(file, head+table("fault", results))
}

// table has a row for each run.
func table(what string, results []Result) string {
	rows := "| " + what + " | requested | paid | completed | refunded | lost | doubled | survived |\n|---|---|---|---|---|---|---|---|\n"
	for _, r := range results {
		survived := "yes"
		if r.Report.Err() != nil {
			survived = "**no**"
		}
		rows += fmt.Sprintf("| %s | %d | %d | %d | %d | %d | %d | %s |\n", r.Name, r.Report.Requested, r.Report.Paid, r.Report.Completed,
			r.Report.Refunded, r.Report.Lost, r.Report.Doubled, survived)
	}
	return rows
}

func today() string { return time.Now().UTC().Format(time.DateOnly) }

func writePage(file, text string) error {
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil { //nolint:gosec // for everybody to read
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}
