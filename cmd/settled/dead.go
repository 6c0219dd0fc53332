package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"settled/events/bus"
)

var deadCommand = command{
	name: "dead", args: "list|show|replay|drop --config F [--all] [--dry-run] [NUMBER...]",
	summary: "looks after the messages that nobody could process",
	example: "settled dead replay --config settled.yaml --dry-run 12",
	set: func(flags *flag.FlagSet) func(context.Context, environment, []string) error {
		file := configFlag(flags)
		all := flags.Bool("all", false, "replay or drop every dead letter")
		dry := flags.Bool("dry-run", false, "say what replay would change, and change nothing")
		return func(ctx context.Context, e environment, words []string) (err error) {
			if len(words) == 0 || !slices.Contains([]string{"list", "show", "replay", "drop"}, words[0]) {
				return misused("one of list, show, replay and drop is needed")
			}
			numbers, err := sequences(words[1:])
			if err != nil {
				return err
			}
			if words[0] != "list" && len(numbers) == 0 && !*all {
				return misused("the number of a dead letter is needed, or --all")
			}
			cfg, err := read(*file)
			if err != nil {
				return err
			}
			p, err := open(ctx, cfg, e.log)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, p.close(ctx)) }()
			letters, err := p.letters(ctx, numbers)
			if err != nil {
				return err
			}
			return p.lookAfter(ctx, e, words[0], letters, *dry)
		}
	},
}

func sequences(words []string) ([]uint64, error) {
	var numbers []uint64
	for _, word := range words {
		number, err := strconv.ParseUint(word, 10, 64)
		if err != nil {
			return nil, misused("%q is no number of a dead letter", word)
		}
		numbers = append(numbers, number)
	}
	return numbers, nil
}

// letters reads the dead letters of these numbers, or all.
func (p *process) letters(ctx context.Context, numbers []uint64) ([]bus.DeadLetter, error) {
	if err := p.bus.Ensure(ctx); err != nil {
		return nil, err
	}
	if len(numbers) == 0 {
		return p.bus.DeadLetters(ctx)
	}
	var letters []bus.DeadLetter
	for _, number := range numbers {
		letter, err := p.bus.DeadLetter(ctx, number)
		if err != nil {
			return nil, err
		}
		letters = append(letters, letter)
	}
	return letters, nil
}

func (p *process) lookAfter(ctx context.Context, e environment, verb string, letters []bus.DeadLetter, dry bool) error {
	table := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
	defer func() { _ = table.Flush() }() // as good as the lines before it
	for _, letter := range letters {
		var err error
		switch {
		case verb == "list":
			fmt.Fprintf(table, "%d\t%s\t%s\tattempts: %d\t%s\n", letter.Sequence, clock(letter.At), letter.Subject, letter.Attempts, letter.Reason)
		case verb == "show":
			showLetter(e, letter)
		case verb == "drop":
			if err = p.bus.DropDead(ctx, letter.Sequence); err == nil {
				fmt.Fprintf(table, "%d\tdropped\n", letter.Sequence)
			}
		case dry:
			fmt.Fprintf(table, "%d\t%s\t%s\n", letter.Sequence, letter.Subject, p.wouldChange(ctx, letter))
		default:
			if err = p.bus.ReplayDead(ctx, letter.Sequence); err == nil {
				fmt.Fprintf(table, "%d\treplayed\n", letter.Sequence)
			}
		}
		if err != nil {
			return err
		}
	}
	if len(letters) == 0 {
		fmt.Fprintln(table, "there are no dead letters")
	}
	return nil
}

func showLetter(e environment, letter bus.DeadLetter) {
	fmt.Fprintf(e.out, "number    %d\nsubject   %s\ntime      %s\nattempts  %d\nreason    %s\n",
		letter.Sequence, letter.Subject, clock(letter.At), letter.Attempts, letter.Reason)
	for name, values := range letter.Header {
		fmt.Fprintf(e.out, "header    %s: %s\n", name, strings.Join(values, ", "))
	}
	fmt.Fprintf(e.out, "\n%s\n", letter.Data)
}
