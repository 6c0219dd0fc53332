package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"settled"
	"settled/cmd/settled/config"
)

// auditStill is how long something may be overdue before an audit calls it a break.
const auditStill = 10 * time.Minute

var auditCommand = command{
	name: "audit", args: "--config F [--still D] [--json]",
	summary: "checks every invariant that can be read off the database and the streams",
	example: "settled audit --config settled.yaml",
	set: func(flags *flag.FlagSet) func(context.Context, environment, []string) error {
		file := configFlag(flags)
		still := flags.Duration("still", auditStill, "how long something may be overdue, as a `duration`")
		asJSON := flags.Bool("json", false, "print JSON")
		return func(ctx context.Context, e environment, words []string) error {
			if *still <= 0 {
				return misused("--still must be more than nothing")
			}
			cfg, err := load(*file, words)
			if err != nil {
				return err
			}
			report, err := auditAll(ctx, cfg, e.log, *still)
			if err != nil {
				return err
			}
			write := report.text
			if *asJSON {
				write = report.json
			}
			if err := write(e.out); err != nil {
				return err
			}
			if n := report.broken(); n > 0 {
				return fmt.Errorf("%d invariants do not hold", n)
			}
			return nil
		}
	},
}

// auditAll opens PostgreSQL and NATS, and audits what they have.
func auditAll(ctx context.Context, cfg *config.Config, log *slog.Logger, still time.Duration) (*auditReport, error) {
	p := &process{cfg: cfg, log: log, metrics: newMetrics()}
	defer func() { _ = p.close(ctx) }() // nothing was written
	if err := p.openServers(ctx); err != nil {
		return nil, err
	}
	for _, d := range []dependency{{"postgres", p.store.Ready}, {"nats", p.awaitNATS}} {
		if err := d.ready(ctx); err != nil {
			return nil, fmt.Errorf("%s does not answer: %w", d.name, err)
		}
	}
	report := &auditReport{}
	if err := p.store.Audit(ctx, still, report.add); err != nil {
		return nil, err
	}
	audit := &streamAudit{ledger: p.store, stream: p.bus, tell: report.add, completed: map[orderName]string{}}
	return report, audit.run(ctx)
}

// awaitNATS gives a connection that was opened just now a moment to come about.
func (p *process) awaitNATS(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	for {
		err := p.bus.Ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// auditListed is how many breaks of each check are named; more are counted.
const auditListed = 1000

// auditReport collects what an audit finds.
type auditReport struct {
	lookedAt, breaks map[settled.Check]int
	listed           []settled.Break
}

func (r *auditReport) add(a settled.Audited) {
	if r.lookedAt == nil {
		r.lookedAt, r.breaks = map[settled.Check]int{}, map[settled.Check]int{}
	}
	r.lookedAt[a.Check] += a.LookedAt
	for _, b := range a.Breaks {
		if r.breaks[a.Check]++; r.breaks[a.Check] <= auditListed {
			r.listed = append(r.listed, b)
		}
	}
}

func (r *auditReport) broken() (n int) {
	for _, breaks := range r.breaks {
		n += breaks
	}
	return n
}

// verdict is the report in a word.
func (r *auditReport) verdict() string {
	if n := r.broken(); n > 0 {
		return fmt.Sprintf("%d breaks", n)
	}
	return "clean"
}

// breakLine names a break for people, in one line whatever a stranger called an order.
func breakLine(b settled.Break) string {
	name := b.Merchant + " " + b.OrderID
	if b.RefundID != "" {
		name += " refund " + b.RefundID
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, fmt.Sprintf("%s  %s: %s", b.Check, name, b.Detail))
}

func (r *auditReport) text(w io.Writer) error {
	for _, b := range r.listed {
		fmt.Fprintln(w, breakLine(b))
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, check := range settled.Checks {
		verdict := "clean"
		if n := r.breaks[check]; n > 0 {
			verdict = fmt.Sprintf("%d breaks", n)
		}
		fmt.Fprintf(table, "%s\tlooked at %d\t%s\n", check, r.lookedAt[check], verdict)
	}
	return table.Flush()
}

// shownCheck and shownBreak are what --json prints.
type shownCheck struct {
	Name     settled.Check `json:"name"`
	LookedAt int           `json:"looked_at"`
	Breaks   int           `json:"breaks"`
}

type shownBreak struct {
	Check    settled.Check `json:"check"`
	Merchant string        `json:"merchant"`
	OrderID  string        `json:"order_id"`
	RefundID string        `json:"refund_id,omitempty"`
	Detail   string        `json:"detail"`
}

func (r *auditReport) json(w io.Writer) error {
	shown := struct {
		Checks []shownCheck `json:"checks"`
		Breaks []shownBreak `json:"breaks"`
	}{Breaks: []shownBreak{}}
	for _, check := range settled.Checks {
		shown.Checks = append(shown.Checks, shownCheck{check, r.lookedAt[check], r.breaks[check]})
	}
	for _, b := range r.listed {
		shown.Breaks = append(shown.Breaks, shownBreak(b))
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(shown)
}
