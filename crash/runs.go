package crash

import (
	"context"
	"fmt"
	"io"
	"sync"
)

// Run is one cell or one fault that is to be run.
type Run struct {
	Name string
	Do   func(ctx context.Context) Report
}

// Result is what a run has come to.
type Result struct {
	Name   string
	Report Report
}

// RunAll does runs, some at a time, and tells of each when it is through. The results come
// in the order of the runs.
func RunAll(ctx context.Context, runs []Run, atOnce int, log io.Writer) []Result {
	results := make([]Result, len(runs))
	slots := make(chan struct{}, atOnce)
	var running sync.WaitGroup
	var mu sync.Mutex
	through := 0
	for i, run := range runs {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			report := run.Do(ctx)
			results[i] = Result{run.Name, report}
			mu.Lock()
			defer mu.Unlock()
			through++
			fmt.Fprintf(log, "%3d of %d  %-45s %s\n", through, len(runs), run.Name, report)
			if err := report.Err(); err != nil {
				fmt.Fprintf(log, "  NOT SURVIVED: %v\n", err)
			}
		})
	}
	running.Wait()
	return results
}

// Survived counts the runs in which nothing was lost or doubled.
func Survived(results []Result) (survived int) {
	for _, r := range results {
		if r.Report.Err() == nil {
			survived++
		}
	}
	return survived
}
