package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"settled/cmd/settled/config"
	"settled/workers"
)

var serveCommand = command{
	name: "serve", args: "--config F [--admin ADDR]",
	summary: "runs the ingress and all worker pools in one process",
	example: "settled serve --config settled.yaml",
	set: func(flags *flag.FlagSet) func(context.Context, environment, []string) error {
		file, admin := configFlag(flags), adminFlag(flags)
		return func(ctx context.Context, e environment, words []string) error {
			return serve(ctx, e, source{*file, *admin, words}, parts{ingress: true, workers: true, admin: true})
		}
	},
}

var ingressCommand = command{
	name: "ingress", args: "--config F [--admin ADDR]",
	summary: "runs the HTTP side alone",
	example: "settled ingress --config settled.yaml",
	set: func(flags *flag.FlagSet) func(context.Context, environment, []string) error {
		file, admin := configFlag(flags), adminFlag(flags)
		return func(ctx context.Context, e environment, words []string) error {
			return serve(ctx, e, source{*file, *admin, words}, parts{ingress: true, admin: true, yields: true})
		}
	},
}

var workerCommand = command{
	name: "worker", args: "--config F [--pools LIST] [--admin ADDR]",
	summary: "runs worker pools alone",
	example: "settled worker --config settled.yaml --pools prepare,finalize",
	set: func(flags *flag.FlagSet) func(context.Context, environment, []string) error {
		file, admin := configFlag(flags), adminFlag(flags)
		pools := flags.String("pools", "", "the pools to run, a comma `list` of "+strings.Join(workers.Pools(), ", ")+"; all if empty")
		return func(ctx context.Context, e environment, words []string) error {
			what := parts{workers: true, admin: true, yields: true}
			if *pools != "" {
				for name := range strings.SplitSeq(*pools, ",") {
					what.pools = append(what.pools, strings.TrimSpace(name))
				}
			}
			return serve(ctx, e, source{*file, *admin, words}, what)
		}
	},
}

func configFlag(flags *flag.FlagSet) *string {
	return flags.String("config", "", "the configuration `file`")
}

func adminFlag(flags *flag.FlagSet) *string {
	return flags.String("admin", "", "the `address` of this one process's metrics and page, in the place of admin.listen")
}

// load reads the configuration file of a command that takes no other words.
func load(file string, words []string) (*config.Config, error) {
	return loadBy(config.Load, file, words)
}

// loadKeyless is load for a command that speaks for no merchant: a job that migrates the
// database needs none of their keys.
func loadKeyless(file string, words []string) (*config.Config, error) {
	return loadBy(config.LoadKeyless, file, words)
}

func loadBy(read func(string, func(string) (string, bool)) (*config.Config, error), file string, words []string) (*config.Config, error) {
	switch {
	case len(words) > 0:
		return nil, misused("there is no use for %q", strings.Join(words, " "))
	case file == "":
		return nil, misused("--config is missing")
	}
	cfg, err := read(file, os.LookupEnv)
	if err != nil {
		return nil, misuse{err}
	}
	return cfg, nil
}

// source is where a process is told what it is.
type source struct {
	file  string // the configuration
	admin string // in the place of admin.listen; empty: as the file says
	words []string
}

func (s source) load() (*config.Config, error) {
	cfg, err := load(s.file, s.words)
	if err != nil || s.admin == "" {
		return cfg, err
	}
	if cfg.Admin, err = cfg.Admin.At(s.admin); err != nil {
		return nil, misused("--admin %w", err)
	}
	return cfg, nil
}

func serve(ctx context.Context, e environment, from source, what parts) error {
	cfg, err := from.load()
	if err != nil {
		return err
	}
	frugal()
	p, err := open(ctx, cfg, e.log)
	if err != nil {
		return err
	}
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	what.file, what.hangup = from.file, hangup
	what.yields = what.yields && from.admin == "" // who names an address will look there
	err = p.run(ctx, what, func(at addresses) {
		e.log.InfoContext(ctx, "settled works", "ingress", at.ingress, "admin", at.admin)
	})
	if closeErr := p.close(ctx); closeErr != nil {
		err = errors.Join(err, fmt.Errorf("stop: %w", closeErr))
	}
	return err
}
