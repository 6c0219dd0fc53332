package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"

	"settled"
	"settled/cmd/settled/config"
	"settled/events"
	"settled/reconcile"
)

var reconcileCommand = command{
	name: "reconcile", args: "--config F --merchant M --date YYYY-MM-DD [--ask] [--json]",
	summary: "holds WeChat's bill of a day against our books",
	example: "settled reconcile --config settled.yaml --merchant shop3 --date 2026-11-27",
	set: func(flags *flag.FlagSet) func(context.Context, environment, []string) error {
		file := configFlag(flags)
		merchant := flags.String("merchant", "", "the merchant's `name` in the configuration")
		date := flags.String("date", "", "the `day` by WeChat's calendar, Beijing time; its bill is there from about 10:00 of the next")
		ask := flags.Bool("ask", false, "have WeChat asked about each payment that it has and that is not completed here")
		asJSON := flags.Bool("json", false, "print JSON")
		return func(ctx context.Context, e environment, words []string) error {
			cfg, err := load(*file, words)
			if err != nil {
				return err
			}
			day, err := billable(cfg, *merchant, *date)
			if err != nil {
				return err
			}
			return reconcileDay(ctx, e, cfg, reconciliation{merchant: *merchant, day: day, ask: *ask, json: *asJSON})
		}
	},
}

// reconciliation is what is compared, and how it is told.
type reconciliation struct {
	merchant  string
	day       settled.BillDay
	ask, json bool
}

// billable checks that there can be a bill at all.
func billable(cfg *config.Config, merchant, date string) (settled.BillDay, error) {
	m, known := cfg.Merchants[merchant]
	switch {
	case merchant == "":
		return settled.BillDay{}, misused("--merchant is missing")
	case !known:
		return settled.BillDay{}, misused("the configuration has no merchant %q", merchant)
	case m.Legacy != nil:
		return settled.BillDay{}, misused("merchant %s speaks the legacy protocol, which has no bill; look on WeChat's merchant platform", merchant)
	case date == "":
		return settled.BillDay{}, misused("--date is missing")
	}
	day, err := settled.ParseBillDay(date)
	switch {
	case err != nil:
		return day, misused("--date: %w", err)
	case day.Begin().After(now()):
		return day, misused("--date: %s has not begun in Beijing", day)
	}
	return day, nil
}

func reconcileDay(ctx context.Context, e environment, cfg *config.Config, r reconciliation) (err error) {
	p, err := open(ctx, cfg, e.log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close(ctx)) }()
	if err := p.store.Ready(ctx); err != nil {
		return fmt.Errorf("postgres does not answer: %w", err)
	}
	bills, ok := p.merchants[r.merchant].Current().(settled.Bills)
	if !ok {
		return misused("merchant %s has no bill", r.merchant)
	}
	report, err := reconcile.Day(ctx, reconcile.Config{Merchants: accounts(cfg, r.merchant), Day: r.day, Bills: bills, Books: p.store, Now: now()})
	switch {
	case errors.Is(err, settled.ErrBillPending):
		return settled.ErrBillPending
	case err != nil:
		return fmt.Errorf("compare %s: %w", r.day, err)
	}
	write := report.Text
	if r.json {
		write = report.JSON
	}
	if err := write(e.out); err != nil {
		return err
	}
	if r.ask {
		open := report.Open()
		if err := p.askAbout(ctx, open); err != nil {
			return err
		}
		e.log.InfoContext(ctx, "wechat will be asked", "payments", len(open))
	}
	if !report.Agree {
		return stands(errors.New(report.Verdict()))
	}
	return nil
}

// accounts are the names of the merchants whose orders stand in one bill, and have one app.
func accounts(cfg *config.Config, merchant string) []string {
	mchID := func(m config.Merchant) string {
		switch {
		case m.V2 != nil:
			return m.V2.MchID
		case m.V3 != nil:
			return m.V3.MchID
		}
		return ""
	}
	own := cfg.Merchants[merchant]
	names := []string{merchant}
	for _, name := range slices.Sorted(maps.Keys(cfg.Merchants)) {
		if m := cfg.Merchants[name]; name != merchant && mchID(m) == mchID(own) && m.AppID == own.AppID {
			names = append(names, name)
		}
	}
	return names
}

// askAbout has the workers ask WeChat about payments, as if their customers had come back.
func (p *process) askAbout(ctx context.Context, open []reconcile.Difference) error {
	if len(open) == 0 {
		return nil
	}
	if err := p.awaitNATS(ctx); err != nil {
		return fmt.Errorf("nats does not answer: %w", err)
	}
	if err := p.bus.Ensure(ctx); err != nil {
		return err
	}
	for _, d := range open {
		data, err := json.Marshal(events.Return{Merchant: d.Merchant, OrderID: d.OrderID})
		if err != nil {
			return fmt.Errorf("write %s: %w", events.PaymentReturned, err)
		}
		if err := p.bus.Publish(ctx, events.Envelope{
			ID: uuid.NewString(), Type: events.PaymentReturned, Merchant: d.Merchant, OrderID: d.OrderID, Time: now(), Data: data,
		}); err != nil {
			return err
		}
	}
	return nil
}
