package crash

import (
	"context"
	"fmt"
	"io"
	"sync"
)

// Result is what a cell has come to.
type Result struct {
	Cell   Cell
	Report Report
}

// RunMatrix runs cells, some at a time, and tells of each when it is through. The results
// come in the order of the cells.
func RunMatrix(ctx context.Context, servers *Servers, cells []Cell, atOnce int, log io.Writer) []Result {
	results := make([]Result, len(cells))
	slots := make(chan struct{}, atOnce)
	var running sync.WaitGroup
	var mu sync.Mutex
	through := 0
	for i, cell := range cells {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			report := cell.Run(ctx, servers, cell.schema())
			results[i] = Result{cell, report}
			mu.Lock()
			defer mu.Unlock()
			through++
			fmt.Fprintf(log, "%3d of %d  %-45s %s\n", through, len(cells), cell, report)
			if err := report.Err(); err != nil {
				fmt.Fprintf(log, "  NOT SURVIVED: %v\n", err)
			}
		})
	}
	running.Wait()
	return results
}

// Survived counts the cells in which nothing was lost or doubled.
func Survived(results []Result) (survived int) {
	for _, r := range results {
		if r.Report.Err() == nil {
			survived++
		}
	}
	return survived
}
