// Command mutants proves that the tests find bugs: it plants one after the other into a
// copy of one file, builds the program with that copy, and runs the tests that must fail.
//
// The program itself holds nothing of a mutant: Go's build takes the copy in the file's
// place for one run ("go help build", -overlay). A mutant that survives fails the run.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	only := flag.String("only", "", "plant those whose name contains this")
	atOnce := flag.Int("at-once", 2, "plant so many at once")
	flag.Parse()
	if err := run(ctx, os.Stdout, *only, *atOnce); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

// run plants the mutants whose name contains only, prints what became of each, and fails
// if one lives.
func run(ctx context.Context, out io.Writer, only string, atOnce int) error {
	var chosen []mutant
	for _, m := range mutants {
		if strings.Contains(m.name, only) {
			chosen = append(chosen, m)
		}
	}
	verdicts := make([]verdict, len(chosen))
	hands := make(chan struct{}, max(1, atOnce))
	var running sync.WaitGroup
	for i, m := range chosen {
		hands <- struct{}{}
		running.Go(func() {
			defer func() { <-hands }()
			verdicts[i] = m.plant(ctx)
			fmt.Fprintf(out, "%-28s %s\n", m.name, verdicts[i])
		})
	}
	running.Wait()
	alive := 0
	for _, v := range verdicts {
		if v.caughtBy == "" {
			alive++
		}
	}
	fmt.Fprintf(out, "%d mutants, %d caught\n", len(chosen), len(chosen)-alive)
	if alive > 0 || len(chosen) == 0 {
		return fmt.Errorf("%d of %d mutants were not caught", alive, len(chosen))
	}
	return ctx.Err()
}
