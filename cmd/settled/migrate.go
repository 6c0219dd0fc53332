package main

import (
	"context"
	"flag"
	"fmt"

	"settled/store"
)

var migrateCommand = command{
	name: "migrate", args: "--config F",
	summary: "creates or upgrades the database schema",
	example: "settled migrate --config settled.yaml",
	set: func(flags *flag.FlagSet) func(context.Context, environment, []string) error {
		file := configFlag(flags)
		return func(ctx context.Context, e environment, words []string) error {
			cfg, err := loadKeyless(*file, words)
			if err != nil {
				return err
			}
			s, err := store.Open(store.Config{URL: cfg.Postgres.URL.Reveal(), Log: e.log})
			if err != nil {
				return err
			}
			defer func() { _ = s.Close() }()
			taken, err := s.Migrate(ctx)
			if err != nil {
				return err
			}
			for _, name := range taken {
				fmt.Fprintln(e.out, "applied", name)
			}
			if len(taken) == 0 {
				fmt.Fprintln(e.out, "the schema is up to date")
			}
			return nil
		}
	},
}
