package crash

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// FaultResult is what a fault has come to.
type FaultResult struct {
	Fault  Fault
	Report Report
}

// RunFaults lets faults happen, some at a time, each to servers of its own, and tells of each
// when it is through. The results come in the order of the faults.
func RunFaults(ctx context.Context, program *Program, faults []Fault, atOnce int, log io.Writer) []FaultResult {
	results := make([]FaultResult, len(faults))
	slots := make(chan struct{}, atOnce)
	var running sync.WaitGroup
	var mu sync.Mutex
	for i, fault := range faults {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			report, err := fault.Run(ctx, program)
			if err != nil {
				report.Wrong = append(report.Wrong, err.Error())
			}
			results[i] = FaultResult{fault, report}
			mu.Lock()
			defer mu.Unlock()
			fmt.Fprintf(log, "%-45s %s\n", fault.Name, report)
			if err := report.Err(); err != nil {
				fmt.Fprintf(log, "  NOT SURVIVED: %v\n", err)
			}
		})
	}
	running.Wait()
	return results
}

const faultsHead = `# The fault suite

What a payment system stands on, failing while customers pay. This page is written by ` + "`make crash`" + `; the
faults are listed in ` + "`crash/fault.go`" + `, and run on the rig of the [crash matrix](crash-matrix.md), with the same orders and
the same count: an ingress, two workers and a relay, as processes, and servers of its own for each fault.

One fault by itself: ` + "`make crash FAULT=%s`" + `.

%d faults, %d survived, at revision %s on %s: **lost %d, doubled %d**.

| fault | requested | paid | completed | refunded | lost | doubled | survived |
|---|---|---|---|---|---|---|---|
`

// WriteFaults writes the page that people read.
func WriteFaults(file, revision string, results []FaultResult) error {
	var rows strings.Builder
	var sum Report
	survived := 0
	for _, r := range results {
		word := "**no**"
		if r.Report.Err() == nil {
			word = "yes"
			survived++
		}
		sum.Lost += r.Report.Lost
		sum.Doubled += r.Report.Doubled
		fmt.Fprintf(&rows, "| %s | %d | %d | %d | %d | %d | %d | %s |\n", r.Fault.Name, r.Report.Requested, r.Report.Paid, r.Report.Completed,
			r.Report.Refunded, r.Report.Lost, r.Report.Doubled, word)
	}
	head := fmt.Sprintf(faultsHead, results[0].Fault.Name, len(results), survived, revision, time.Now().UTC().Format(time.DateOnly), sum.Lost, sum.Doubled)
	if err := os.WriteFile(file, []byte(head+rows.String()), 0o644); err != nil { //nolint:gosec // for everybody to read
		return fmt.Errorf("write the table: %w", err)
	}
	return nil
}
