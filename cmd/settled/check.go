package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"time"

	"settled"
)

var checkCommand = command{
	name: "check", args: "--config F",
	summary: "tries every dependency and credential",
	example: "settled check --config settled.yaml",
	set: func(flags *flag.FlagSet) func(context.Context, environment, []string) error {
		file := configFlag(flags)
		return func(ctx context.Context, e environment, words []string) error {
			cfg, err := load(*file, words)
			if err != nil {
				return err
			}
			p, err := open(ctx, cfg, e.log)
			if err != nil {
				return err
			}
			failed := p.check(ctx, e)
			if err := p.close(ctx); err != nil {
				return err
			}
			if ctx.Err() != nil {
				return ctx.Err() // no verdict
			}
			if failed > 0 {
				return stands(fmt.Errorf("%d of the above are wrong", failed))
			}
			return nil
		}
	},
}

// check says in one line each what is right or wrong, and how many are wrong.
func (p *process) check(ctx context.Context, e environment) (failed int) {
	say := func(what string, err error) {
		if err != nil {
			failed++
			fmt.Fprintf(e.out, "wrong  %s: %v\n", what, err)
			return
		}
		fmt.Fprintf(e.out, "right  %s\n", what)
	}
	say("configuration", nil)
	for _, d := range p.dependencies() {
		asked, cancel := context.WithTimeout(ctx, 3*time.Second)
		say(d.name, d.ready(asked))
		cancel()
	}
	for _, name := range slices.Sorted(maps.Keys(p.merchants)) {
		for _, f := range keyFindings(p.cfg.Merchants[name], time.Now()) {
			say("merchant "+name+" "+f.what, f.err)
		}
		asked, cancel := context.WithTimeout(ctx, 15*time.Second)
		say("merchant "+name, credentials(asked, p.merchants[name], name))
		cancel()
		for _, f := range certificateFindings(p.merchants[name].Current(), time.Now()) {
			say("merchant "+name+" "+f.what, f.err)
		}
	}
	return failed
}

// credentials tries a merchant's credentials by asking for an order that nobody has
// placed: a signed question that costs nothing, and needs a token.
func credentials(ctx context.Context, gateway settled.Gateway, merchant string) error {
	_, err := gateway.Query(ctx, settled.Payment{
		Merchant: merchant, OrderID: "settledcheck", Amount: settled.Money{Total: 1, Currency: settled.CNY}, CreatedAt: time.Now(),
	})
	var unknown *settled.Unknown
	if errors.As(err, &unknown) {
		return fmt.Errorf("%s: %w", unknown.Code, unknown.Err)
	}
	return err
}
