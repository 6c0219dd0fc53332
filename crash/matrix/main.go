// Command matrix lets settled die at every point and in every way, and writes down what was
// lost: nothing, or it fails.
//
// It only reads its flags; the rig is in the room above.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path"
	"slices"
	"syscall"

	"settled/crash"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "crash:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	pattern := flag.String("cell", "", "run the cells that match this `pattern` only: a point, a process and a way to die, with * for any")
	atOnce := flag.Int("at-once", 8, "how many `cells` run at the same time")
	doc := flag.String("doc", "", "write the table to this `file`")
	fault := flag.String("fault", "", "let this `fault` happen only, or all of them, and run no cell")
	faultsDoc := flag.String("faults-doc", "", "write the table of the faults to this `file`")
	revision := flag.String("revision", "unknown", "the `revision` that the table is of")
	flag.Parse()
	cells, err := chosen(*pattern)
	if err != nil {
		return err
	}
	faults := crash.Faults()
	if *fault != "" && *fault != "all" {
		faults = slices.DeleteFunc(faults, func(f crash.Fault) bool { return f.Name != *fault })
	}
	if len(faults) == 0 {
		return fmt.Errorf("there is no fault %q", *fault)
	}
	program, err := crash.Build(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = program.Remove() }() // a temporary file
	if *fault == "" {
		err = matrix(ctx, program, cells, *atOnce, *doc, *revision)
	}
	if *pattern == "" && ctx.Err() == nil {
		err = errors.Join(err, suite(ctx, program, faults, max(1, *atOnce/2), *faultsDoc, *revision))
	}
	return err
}

// suite lets faults happen.
func suite(ctx context.Context, program *crash.Program, faults []crash.Fault, atOnce int, doc, revision string) error {
	results := crash.RunFaults(ctx, program, faults, atOnce, os.Stderr)
	var failed error
	for _, r := range results {
		if err := r.Report.Err(); err != nil {
			failed = errors.Join(failed, fmt.Errorf("fault %s: %w", r.Fault.Name, err))
		}
	}
	fmt.Fprintf(os.Stdout, "%d faults run\n", len(results))
	if doc == "" || ctx.Err() != nil {
		return errors.Join(failed, ctx.Err())
	}
	return errors.Join(failed, crash.WriteFaults(doc, revision, results))
}

// matrix runs cells.
func matrix(ctx context.Context, program *crash.Program, cells []crash.Cell, atOnce int, doc, revision string) error {
	servers, err := crash.StartServers(ctx, program)
	if err != nil {
		return err
	}
	results := crash.RunMatrix(ctx, servers, cells, atOnce, os.Stderr)
	crash.WriteSummary(os.Stdout, results)
	err = servers.Stop(context.WithoutCancel(ctx))
	if ctx.Err() != nil {
		return errors.Join(ctx.Err(), err)
	}
	if doc != "" {
		err = errors.Join(err, crash.WriteDocument(doc, revision, results))
	}
	if lost := len(results) - crash.Survived(results); lost > 0 {
		err = errors.Join(err, fmt.Errorf("%d cells were not survived", lost))
	}
	return err
}

// chosen are the cells whose names match; all of them if there is no pattern.
func chosen(pattern string) ([]crash.Cell, error) {
	var cells []crash.Cell
	for _, c := range crash.Cells() {
		matches, err := path.Match(pattern, c.String())
		if err != nil {
			return nil, fmt.Errorf("read pattern: %w", err)
		}
		if matches || pattern == "" {
			cells = append(cells, c)
		}
	}
	if len(cells) == 0 {
		return nil, fmt.Errorf("no cell matches %q", pattern)
	}
	return cells, nil
}
