// Command bench measures what settled does each second, side by side with others that do
// the same work on the same servers, and what the servers and the machine could do at most.
//
// It only reads its flags and knows the parts; the rig is in the room below. It is a module
// of its own, so that what the others are built from stays out of ours.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"settled/bench/acknowledge"
	"settled/bench/finalize"
	"settled/bench/growth"
	"settled/bench/intake"
	"settled/bench/life"
	"settled/bench/limits"
	"settled/bench/lone"
	"settled/bench/rig"
)

// parts are all of them, in the order of the page.
func parts(s growth.Scale) []rig.Part {
	return slices.Concat(limits.Parts(), finalize.Parts(), intake.Parts(), acknowledge.Parts(), life.Parts(), lone.Parts(), growth.Parts(s))
}

func main() {
	played, err := rig.Played(parts(growth.Scale{}))
	if !played {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
		err = run(ctx, os.Args[1:], os.Stdout, os.Stderr)
		stop()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures as the flags say; figures go to out, progress to progress.
func run(ctx context.Context, arguments []string, out, progress io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	only := flags.String("only", "", "run these `parts` only, with commas between them; finalize means every part that begins so")
	who := flags.String("who", "", "let this `contestant` work alone")
	suite := rig.Suite{Out: progress}
	flags.IntVar(&suite.Rounds, "rounds", 5, "how many `times` everybody works")
	flags.IntVar(&suite.Size, "size", 20_000, "how many `operations` a run has where they are counted beforehand")
	flags.DurationVar(&suite.Span, "span", time.Second, "how long a `run` lasts otherwise")
	var scale growth.Scale
	flags.Func("rows", "how many finished `payments` growth stands beside, with commas between the numbers (default 0,1000000,10000000)", func(text string) error {
		scale.Rows = nil
		for _, word := range strings.Split(text, ",") {
			rows, err := strconv.Atoi(word)
			if err != nil {
				return err
			}
			scale.Rows = append(scale.Rows, rows)
		}
		return nil
	})
	flags.IntVar(&scale.Backlog, "backlog", 1_000_000, "how many `notifies` wait behind those that growth counts")
	page := flags.String("page", "", "write the page to this `file`")
	data := flags.String("json", "", "write all figures to this `file`")
	revision := flags.String("revision", "unknown", "the `revision` that is measured")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	var err error
	if scale.Rows == nil {
		scale.Rows = []int{0, 1_000_000, 10_000_000}
	}
	if suite.Parts, err = chosen(parts(scale), *only, *who); err != nil {
		return err
	}
	report := rig.Report{Date: time.Now().UTC().Format(time.DateOnly), Revision: *revision, Rounds: suite.Rounds, Size: suite.Size}
	if err := measure(ctx, suite, &report); err != nil {
		return err
	}
	report.WriteTables(out)
	return report.Save(*page, *data)
}

func measure(ctx context.Context, suite rig.Suite, report *rig.Report) (err error) {
	servers, err := rig.StartServers(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, servers.Stop(context.WithoutCancel(ctx))) }()
	if err := report.Describe(ctx, servers, suite.Parts); err != nil {
		return err
	}
	report.Results, err = suite.Run(ctx, servers)
	return err
}

// chosen are the parts whose names begin with one of the words, with one contestant; all of
// them if there is none.
func chosen(all []rig.Part, only, who string) ([]rig.Part, error) {
	var found []rig.Part
	for _, p := range all {
		p.Contestants = slices.DeleteFunc(p.Contestants, func(c rig.Contestant) bool { return who != "" && c.Name != who })
		if len(p.Contestants) == 0 {
			continue
		}
		if only == "" || slices.ContainsFunc(strings.Split(only, ","), func(word string) bool {
			return p.Name == word || strings.HasPrefix(p.Name, word+"_")
		}) {
			found = append(found, p)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no part is named %q and has a contestant %q", only, who)
	}
	return found, nil
}
