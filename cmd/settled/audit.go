package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"time"

	"settled/audit"
	"settled/cmd/settled/config"
)

var auditCommand = command{
	name: "audit", args: "--config F [--still D] [--json]",
	summary: "checks every invariant that can be read off the database and the streams",
	example: "settled audit --config settled.yaml",
	set: func(flags *flag.FlagSet) func(context.Context, environment, []string) error {
		file := configFlag(flags)
		still := flags.Duration("still", audit.Still, "how long something may be overdue, as a `duration`")
		asJSON := flags.Bool("json", false, "print JSON")
		return func(ctx context.Context, e environment, words []string) error {
			if *still <= 0 {
				return misused("--still must be more than nothing")
			}
			cfg, err := loadKeyless(*file, words)
			if err != nil {
				return err
			}
			report, err := auditAll(ctx, cfg, e.log, *still)
			if err != nil {
				return err
			}
			write := report.Text
			if *asJSON {
				write = report.JSON
			}
			if err := write(e.out); err != nil {
				return err
			}
			if n := report.Broken(); n > 0 {
				return stands(fmt.Errorf("%d invariants do not hold", n))
			}
			return nil
		}
	},
}

// auditAll opens PostgreSQL and NATS, and audits what they have.
func auditAll(ctx context.Context, cfg *config.Config, log *slog.Logger, still time.Duration) (*audit.Report, error) {
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
	return audit.Whole(ctx, p.store, outStream{p.bus}, still)
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
