package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/user"
	"regexp"
	"slices"
	"strconv"
	"time"

	"golang.org/x/time/rate"

	"settled/events/bus"
)

// deadOptions is what the command line of dead asks for.
type deadOptions struct {
	verb    string
	numbers []uint64
	all     bool
	filter  letterFilter
	limit   int
	dry     bool
	json    bool
	rate    float64
	by      string
	comment string
}

var deadCommand = command{
	name: "dead", args: "list|show|replay|drop --config F [filters | NUMBER...] [--dry-run]",
	summary: "looks after the messages that nobody could process",
	example: "settled dead replay --config settled.yaml --merchant shop3 --reason 'not configured' --dry-run",
	set: func(flags *flag.FlagSet) func(context.Context, environment, []string) error {
		file := configFlag(flags)
		var o deadOptions
		var since, until string
		flags.BoolVar(&o.all, "all", false, "show, replay or drop every dead letter")
		flags.StringVar(&o.filter.subject, "subject", "", "only letters of this `subject`, such as payment.requested")
		flags.StringVar(&o.filter.merchant, "merchant", "", "only letters of this merchant, by `name`")
		flags.StringVar(&o.filter.orderID, "order", "", "only letters of this order, by `id`")
		flags.StringVar(&o.filter.reason, "reason", "", "only letters whose reason has this `text` in it")
		flags.StringVar(&since, "since", "", "only letters that died at this `time` or later, RFC 3339, or 2h for two hours ago")
		flags.StringVar(&until, "until", "", "only letters that died before this `time`")
		flags.IntVar(&o.limit, "limit", 0, "at most so many letters, the oldest first; 0 for all")
		flags.BoolVar(&o.dry, "dry-run", false, "say what replay or drop would change, and change nothing")
		flags.BoolVar(&o.json, "json", false, "list and show print JSON, one letter a line")
		flags.Float64Var(&o.rate, "rate", 20, "replay at most so many letters a `second`")
		flags.StringVar(&o.by, "by", "", "who does it, for the history, as a `name`; default the user at this machine")
		flags.StringVar(&o.comment, "comment", "", "why, for the history, as `text`")
		return func(ctx context.Context, e environment, words []string) error {
			if err := o.read(words, since, until, time.Now()); err != nil {
				return err
			}
			return dead(ctx, e, *file, o)
		}
	},
}

// subjectWords is a subject as NATS takes it for a filter.
var subjectWords = regexp.MustCompile(`^[0-9A-Za-z_*-]+(\.[0-9A-Za-z_*-]+)*(\.>)?$`)

// read takes in the words and checks that everything fits together.
func (o *deadOptions) read(words []string, since, until string, now time.Time) (err error) {
	if len(words) == 0 || !slices.Contains([]string{"list", "show", "replay", "drop"}, words[0]) {
		return misused("one of list, show, replay and drop is needed")
	}
	o.verb = words[0]
	for _, word := range words[1:] {
		number, err := strconv.ParseUint(word, 10, 64)
		if err != nil {
			return misused("%q is no number of a dead letter", word)
		}
		o.numbers = append(o.numbers, number)
	}
	if o.filter.since, err = moment(since, now); err != nil {
		return misused("--since: %w", err)
	}
	if o.filter.until, err = moment(until, now); err != nil {
		return misused("--until: %w", err)
	}
	filtered := o.filter != (letterFilter{})
	switch {
	case o.filter.subject != "" && !subjectWords.MatchString(o.filter.subject):
		return misused("--subject: %q is no subject", o.filter.subject)
	case len(o.numbers) > 0 && (filtered || o.all):
		return misused("either the numbers of dead letters or filters, not both")
	case o.verb != "list" && len(o.numbers) == 0 && !filtered && !o.all:
		return misused("the number of a dead letter is needed, or a filter, or --all")
	case o.limit < 0:
		return misused("--limit must not be negative")
	case o.rate <= 0:
		return misused("--rate must be more than nothing")
	case o.json && o.verb != "list" && o.verb != "show":
		return misused("--json is for list and show")
	}
	o.by, o.comment = clean(o.by, 128), clean(o.comment, 512)
	if o.by == "" {
		o.by = operator(os.Getenv)
	}
	return nil
}

// moment reads a time, or a duration before now; empty is no time.
func moment(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil {
		return now.Add(-ago), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is neither a time (RFC 3339) nor a duration", text)
	}
	return at, nil
}

// operator is who runs this program, as the machine knows: the one behind sudo rather than
// root.
func operator(getenv func(string) string) string {
	name := getenv("SUDO_USER")
	if name == "" {
		name = getenv("USER")
	}
	if name == "" {
		name = "uid " + strconv.Itoa(os.Getuid())
		if u, err := user.Current(); err == nil && u.Username != "" {
			name = u.Username
		}
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	return clean(name+"@"+host, 128)
}

// dead opens what the letters need, and does what is asked for.
func dead(ctx context.Context, e environment, file string, o deadOptions) (err error) {
	cfg, err := load(file, nil)
	if err != nil {
		return err
	}
	p, err := open(ctx, cfg, e.log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close(ctx)) }()
	if err := p.awaitNATS(ctx); err != nil {
		return err
	}
	if err := p.bus.Ensure(ctx); err != nil {
		return err
	}
	work := p.deadWork(e, o)
	switch {
	case o.verb == "list":
		return work.list(ctx, o.json)
	case o.verb == "show":
		return work.show(ctx, o.json)
	case o.dry:
		return work.dryRun(ctx, o.verb)
	}
	if err := p.store.Ready(ctx); err != nil { // sets the clock, too
		return err
	}
	if o.verb == "drop" {
		return work.act(ctx, dropping)
	}
	return work.act(ctx, replaying)
}

// deadWork is the work on the letters that the options name.
func (p *process) deadWork(e environment, o deadOptions) *deadWork {
	find := &finder{merchants: p.merchants, ledger: p.store}
	return &deadWork{
		letters: p.bus, ledger: p.store, find: find, would: p.wouldChange,
		chosen: chosen{letters: p.bus, find: find, numbers: o.numbers, filter: o.filter, limit: o.limit},
		by:     o.by, comment: o.comment, now: p.store.Now,
		pace: rate.NewLimiter(rate.Limit(o.rate), 1).Wait, out: e.out, progress: e.err,
	}
}

var _ deadLetters = (*bus.Bus)(nil)
