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
	name: "serve", args: "--config F",
	summary: "runs the ingress and all worker pools in one process",
	example: "settled serve --config settled.yaml",
	set: func(flags *flag.FlagSet) func(context.Context, environment, []string) error {
		file := configFlag(flags)
		return func(ctx context.Context, e environment, words []string) error {
			return serve(ctx, e, *file, words, parts{ingress: true, workers: true, admin: true})
		}
	},
}

var ingressCommand = command{
	name: "ingress", args: "--config F",
	summary: "runs the HTTP side alone",
	example: "settled ingress --config settled.yaml",
	set: func(flags *flag.FlagSet) func(context.Context, environment, []string) error {
		file := configFlag(flags)
		return func(ctx context.Context, e environment, words []string) error {
			return serve(ctx, e, *file, words, parts{ingress: true, admin: true})
		}
	},
}

var workerCommand = command{
	name: "worker", args: "--config F [--pools LIST]",
	summary: "runs worker pools alone",
	example: "settled worker --config settled.yaml --pools prepare,finalize",
	set: func(flags *flag.FlagSet) func(context.Context, environment, []string) error {
		file := configFlag(flags)
		pools := flags.String("pools", "", "the pools to run, a comma `list` of "+strings.Join(workers.Pools(), ", ")+"; all if empty")
		return func(ctx context.Context, e environment, words []string) error {
			what := parts{workers: true, admin: true}
			if *pools != "" {
				what.pools = strings.Split(*pools, ",")
			}
			return serve(ctx, e, *file, words, what)
		}
	},
}

func configFlag(flags *flag.FlagSet) *string {
	return flags.String("config", "", "the configuration `file`")
}

// load reads the configuration file of a command that takes no other words.
func load(file string, words []string) (*config.Config, error) {
	if len(words) > 0 {
		return nil, misused("there is no use for %q", strings.Join(words, " "))
	}
	return read(file)
}

func read(file string) (*config.Config, error) {
	if file == "" {
		return nil, misused("--config is missing")
	}
	cfg, err := config.Load(file, os.LookupEnv)
	if err != nil {
		return nil, misuse{err}
	}
	return cfg, nil
}

func serve(ctx context.Context, e environment, file string, words []string, what parts) error {
	cfg, err := load(file, words)
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
	what.file, what.hangup = file, hangup
	err = p.run(ctx, what, func(at addresses) {
		e.log.InfoContext(ctx, "settled works", "ingress", at.ingress, "admin", at.admin)
	})
	if closeErr := p.close(ctx); closeErr != nil {
		err = errors.Join(err, fmt.Errorf("stop: %w", closeErr))
	}
	return err
}
