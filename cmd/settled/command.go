package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"golang.org/x/term"
)

// The exit codes of every command.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2 // wrong usage or configuration
)

// streams are where a command reads and writes: results on out, logs on err.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// command is one thing that settled can do.
type command struct {
	name    string
	args    string // as the usage line shows them
	summary string
	example string
	// set adds the command's flags and returns what runs it with the words left over.
	set func(flags *flag.FlagSet) func(ctx context.Context, e environment, words []string) error
}

// environment is what every command is given.
type environment struct {
	streams
	log *slog.Logger
}

// commands is every command, in the order in which a newcomer meets them.
var commands = []command{
	demoCommand, serveCommand, ingressCommand, workerCommand, simulatorCommand,
	migrateCommand, checkCommand, keysCommand, payCommand, refundCommand, showCommand, deadCommand, eventsCommand, auditCommand, reconcileCommand, passwordCommand, versionCommand,
}

// misuse is an error that is the caller's: a wrong flag, a wrong configuration.
type misuse struct{ error }

func (m misuse) Unwrap() error { return m.error }

func misused(format string, values ...any) error { return misuse{fmt.Errorf(format, values...)} }

// standing is an error that a command has found out, or that its very stop came to: being told
// to stop is no excuse for it.
type standing struct{ error }

func (s standing) Unwrap() error { return s.error }

// stands marks an error, if it is one.
func stands(err error) error {
	if err == nil {
		return nil
	}
	return standing{err}
}

// run runs the command that the arguments name and returns the exit code.
func run(ctx context.Context, arguments []string, s streams) int {
	if len(arguments) == 0 {
		usage(s.err)
		return exitUsage
	}
	switch arguments[0] {
	case "help", "-h", "-help", "--help":
		if len(arguments) == 1 {
			usage(s.out)
			return exitDone
		}
		arguments = []string{arguments[1], "--help"}
	case "-v", "-version", "--version":
		arguments = append([]string{versionCommand.name}, arguments[1:]...)
	}
	for _, c := range commands {
		if c.name == arguments[0] {
			return c.run(ctx, arguments[1:], s)
		}
	}
	fmt.Fprintf(s.err, "settled: there is no command %q; settled --help lists them\n", arguments[0])
	return exitUsage
}

func (c command) run(ctx context.Context, arguments []string, s streams) int {
	flags := flag.NewFlagSet(c.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	level := flags.String("log-level", "info", "debug, info, warn or error")
	do := c.set(flags)
	words, err := parse(flags, arguments)
	if errors.Is(err, flag.ErrHelp) {
		c.help(s.out, flags)
		return exitDone
	}
	log, levelErr := newLog(s.err, *level)
	if err = errors.Join(err, levelErr); err != nil {
		fmt.Fprintf(s.err, "settled %s: %v; settled %s --help shows how\n", c.name, err, c.name)
		return exitUsage
	}
	return c.end(s.err, do(ctx, environment{s, log}, words), ctx.Err() != nil)
}

// end says how the command ended, and returns the exit code. Whoever tells a command to stop
// has not seen it fail: what fails then fails because of that, unless it stands.
func (c command) end(w io.Writer, err error, stopped bool) int {
	var wrong misuse
	var standing standing
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &wrong):
		fmt.Fprintf(w, "settled %s: %v\n", c.name, err)
		return exitUsage
	case !stopped || errors.As(err, &standing):
		fmt.Fprintf(w, "settled %s: %v\n", c.name, err)
		return exitFailed
	case errors.Is(err, context.Canceled):
		fmt.Fprintf(w, "settled %s: interrupted\n", c.name)
	default:
		fmt.Fprintf(w, "settled %s: interrupted: %v\n", c.name, err)
	}
	return exitDone
}

// parse reads flags wherever they stand among the words.
func parse(flags *flag.FlagSet, arguments []string) (words []string, err error) {
	for {
		if err := flags.Parse(arguments); err != nil {
			return nil, err
		}
		if flags.NArg() == 0 {
			return words, nil
		}
		words = append(words, flags.Arg(0))
		arguments = flags.Args()[1:]
	}
}

func usage(w io.Writer) {
	fmt.Fprint(w, "settled is an event-driven payment worker for WeChat Pay.\n\nUsage: settled COMMAND [flags]\n\n")
	for _, c := range commands {
		fmt.Fprintf(w, "  %-10s %s\n", c.name, c.summary)
	}
	fmt.Fprint(w, "\nsettled COMMAND --help tells more. Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.\n")
}

func (c command) help(w io.Writer, flags *flag.FlagSet) {
	fmt.Fprintf(w, "%s\n\nUsage: settled %s\n\nFlags:\n", sentence(c.summary), strings.TrimSpace(c.name+" "+c.args))
	flags.VisitAll(func(f *flag.Flag) {
		name, about := flag.UnquoteUsage(f)
		fmt.Fprintf(w, "  --%-24s %s", strings.TrimSpace(f.Name+" "+name), about)
		if f.DefValue != "" && f.DefValue != "false" {
			fmt.Fprintf(w, " (default %s)", f.DefValue)
		}
		fmt.Fprintln(w)
	})
	fmt.Fprintf(w, "\nExample:\n  %s\n", c.example)
}

func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] + "." }

// newLog writes text for people at a terminal and JSON for everything else.
func newLog(w io.Writer, level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("there is no log level %q, only debug, info, warn and error", level)
	}
	options := &slog.HandlerOptions{Level: l, ReplaceAttr: readable}
	if file, ok := w.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		return slog.New(slog.NewTextHandler(w, options)), nil
	}
	return slog.New(slog.NewJSONHandler(w, options)), nil
}

// readable writes durations as people do: 1.5s, where JSON would have nanoseconds.
func readable(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}
