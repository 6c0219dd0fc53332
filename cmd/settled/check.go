package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"settled"
	"settled/wechat"
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
			p := newProcess(cfg, e.log)
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

// check says in one line each what is right or wrong, and how many are wrong. What can't be
// opened keeps nothing else from being looked at.
func (p *process) check(ctx context.Context, e environment) (failed int) {
	say := func(f finding) {
		if f.err != nil {
			failed++
			fmt.Fprintf(e.out, "wrong  %s: %v\n", f.what, f.err)
			return
		}
		fmt.Fprintf(e.out, "right  %s\n", f.what)
	}
	say(finding{what: "configuration"})
	for _, s := range p.servers() {
		say(p.checkServer(ctx, s))
	}
	answered := p.listenToHosts()
	for _, name := range slices.Sorted(maps.Keys(p.cfg.Merchants)) {
		for _, f := range keyFindings(p.cfg.Merchants[name], time.Now()) {
			say(finding{"merchant " + name + " " + f.what, f.err})
		}
		say(p.checkMerchant(ctx, name, answered))
		if gateway, open := p.merchants[name]; open {
			for _, f := range certificateFindings(gateway.Current(), time.Now()) {
				say(finding{"merchant " + name + " " + f.what, f.err})
			}
		}
	}
	return failed
}

// checkServer opens one of the servers and asks it.
func (p *process) checkServer(ctx context.Context, s server) finding {
	if err := s.open(ctx); err != nil {
		return finding{s.name, err}
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	switch s.name {
	case "postgres":
		return p.checkSchema(ctx)
	case "nats":
		return finding{s.name, p.checkNATS(ctx)}
	default:
		return finding{s.name, p.hints.Ready(ctx)}
	}
}

// checkSchema takes no schema, or an older one, for no mistake: whatever starts next makes it.
func (p *process) checkSchema(ctx context.Context) finding {
	f := finding{"postgres", p.store.Ready(ctx)}
	if f.err != nil {
		return f
	}
	version, newest, err := p.store.Schema(ctx)
	switch {
	case err != nil:
		f.err = err
	case version == 0:
		f.what += ", without a schema yet: settled migrate or settled serve makes it"
	case version < newest:
		f.what += fmt.Sprintf(", with an older schema, step %d of %d: settled migrate or settled serve brings it up to date", version, newest)
	}
	return f
}

// checkNATS asks for JetStream, and whether streams can have as many replicas as they are to.
func (p *process) checkNATS(ctx context.Context) error {
	if err := p.bus.Ready(ctx); err != nil {
		return err
	}
	if n := p.cfg.NATS.Replicas; n > 1 && p.bus.Cluster() == "" {
		return fmt.Errorf("replicas is %d, and the server is not part of a cluster", n)
	}
	return nil
}

// listenToHosts returns which of its hosts a merchant's last call went to.
func (p *process) listenToHosts() (last func(merchant string) string) {
	var hosts sync.Map
	p.called = func(merchant string, c wechat.Call) { hosts.Store(merchant, c.Host) }
	return func(merchant string) string {
		host, _ := hosts.Load(merchant)
		name, _ := host.(string)
		return name
	}
}

// checkMerchant tries a merchant's credentials at WeChat.
func (p *process) checkMerchant(ctx context.Context, name string, last func(merchant string) string) finding {
	f := finding{what: "merchant " + name}
	if p.store == nil || p.hints == nil {
		f.err = errors.New("not tried, because postgres or redis can't be opened")
		return f
	}
	if f.err = p.openMerchant(name); f.err != nil {
		return f
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	if f.err = credentials(ctx, p.merchants[name], name); f.err == nil && last(name) == wechat.BackupHost {
		f.what += ", of whose hosts only the backup answered"
	}
	return f
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
