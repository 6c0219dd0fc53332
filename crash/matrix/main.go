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

// matrix runs cells, all of them on the same servers.
func matrix(ctx context.Context, program *crash.Program, cells []crash.Cell, atOnce int, doc, revision string) error {
	servers, err := crash.StartServers(ctx, program)
	if err != nil {
		return err
	}
	runs := make([]crash.Run, len(cells))
	for i, cell := range cells {
		runs[i] = cell.On(servers)
	}
	results := crash.RunAll(ctx, runs, atOnce, os.Stderr)
	return errors.Join(servers.Stop(context.WithoutCancel(ctx)), conclude(ctx, "cells", results, doc, revision, crash.WriteMatrix))
}

// suite lets faults happen, each to servers of its own.
func suite(ctx context.Context, program *crash.Program, faults []crash.Fault, atOnce int, doc, revision string) error {
	runs := make([]crash.Run, len(faults))
	for i, fault := range faults {
		runs[i] = fault.Under(program)
	}
	return conclude(ctx, "faults", crash.RunAll(ctx, runs, atOnce, os.Stderr), doc, revision, crash.WriteFaults)
}

// conclude shows what the runs came to, writes the page if one is wanted, and fails if one
// of them was not survived.
func conclude(ctx context.Context, what string, results []crash.Result, doc, revision string, write func(file, revision string, results []crash.Result) error) error {
	crash.WriteSummary(os.Stdout, what, results)
	if err := ctx.Err(); err != nil {
		return err
	}
	var failed []error
	if doc != "" {
		failed = append(failed, write(doc, revision, results))
	}
	if lost := len(results) - crash.Survived(results); lost > 0 {
		failed = append(failed, fmt.Errorf("%d %s were not survived", lost, what))
	}
	return errors.Join(failed...)
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
