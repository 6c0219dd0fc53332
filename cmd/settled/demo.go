package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/term"
)

var demoCommand = command{
	name: "demo", args: "[--payments N] [--protocol legacy|v2|v3|all] [--faults] [--keep [--addresses FILE]]",
	summary: "runs everything on this machine, with nothing to configure, and takes payments",
	example: "settled demo --payments 2000 --faults",
	set: func(flags *flag.FlagSet) func(context.Context, environment, []string) error {
		payments := flags.Int("payments", 200, "how many `payments` to make")
		protocol := flags.String("protocol", protocolLegacy, "the `protocol` that WeChat speaks: legacy, v2, v3, or all of them side by side")
		faults := flags.Bool("faults", false, "let WeChat, the servers and the workers misbehave")
		keep := flags.Bool("keep", false, "leave everything running afterwards")
		addresses := flags.String("addresses", "", "with --keep: write into this `file`, as JSON, where everything is")
		return func(ctx context.Context, e environment, words []string) error {
			lanes, err := lanesOf(*protocol)
			switch {
			case len(words) > 0:
				return misused("there is no use for %q", words[0])
			case *payments < 1:
				return misused("--payments must be at least 1")
			case *addresses != "" && !*keep:
				return misused("--addresses is of use with --keep alone")
			case err != nil:
				return misuse{err}
			}
			d := &demo{payments: *payments, lanes: lanes, faults: *faults, keep: *keep, addresses: *addresses, out: e.out, log: quiet(e.log, flags)}
			return d.run(ctx)
		}
	},
}

// quiet leaves warnings out of the demo's log unless a level was asked for: with faults
// they are what the demo is about.
func quiet(log *slog.Logger, flags *flag.FlagSet) *slog.Logger {
	asked := false
	flags.Visit(func(f *flag.Flag) { asked = asked || f.Name == "log-level" })
	if asked {
		return log
	}
	return slog.New(slog.DiscardHandler)
}

// demo is a whole shop on one machine.
type demo struct {
	payments     int
	lanes        [][]lane // by protocol
	faults, keep bool
	addresses    string // the file that is to say where everything is
	out          io.Writer
	log          *slog.Logger

	stack   stack
	servers demoServers
	shop    *demoShop
	began   time.Time
}

// customers is how many people buy at the same time.
const customers = 48

func (d *demo) run(ctx context.Context) (err error) {
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		err = errors.Join(err, d.stack.close(end, d.log))
	}()
	fmt.Fprintln(d.out, "starting PostgreSQL, NATS, Redis, WeChat's simulator, an ingress and two workers ...")
	if err := d.start(ctx); err != nil {
		if ctx.Err() != nil {
			return ctx.Err() // what was being started says at length that it was broken off
		}
		return err
	}
	d.began = time.Now()
	bought := d.sell(ctx)
	if ctx.Err() != nil {
		return nil // told to stop
	}
	summary := d.shop.summarize()
	summary.took = time.Since(d.began)
	summary.notifies = d.servers.notifies.counted()
	summary.wrong = append(summary.wrong, d.ledgerSays(ctx)...)
	var broken []string
	summary.audit, broken = d.audit(ctx)
	summary.wrong = append(summary.wrong, broken...)
	summary.write(d.out)
	if bought != nil && len(summary.wrong) == 0 {
		summary.wrong = append(summary.wrong, bought.Error())
	}
	if d.keep {
		if err := d.writeAddresses(); err != nil {
			return err
		}
		d.keepRunning(ctx)
	}
	if len(summary.wrong) > 0 {
		return fmt.Errorf("not every payment reached its one right end: %w", errors.Join(bought, errors.New(summary.wrong[0])))
	}
	return nil
}

// sell lets customers buy until every order has ended, or too much time has passed.
func (d *demo) sell(ctx context.Context) error {
	patience := 90*time.Second + time.Duration(d.payments)*60*time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var trouble sync.WaitGroup
	if d.faults {
		// The second half of the patience is there to catch up in.
		troubled, calm := context.WithTimeout(ctx, patience/2)
		trouble.Go(func() { d.misbehave(troubled) })
		defer trouble.Wait()
		defer calm()
	}
	progress, stopProgress := context.WithCancel(ctx)
	var showing sync.WaitGroup
	showing.Go(func() { d.showProgress(progress) })
	defer showing.Wait()
	defer stopProgress()

	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(customers + d.leavers())
	for number := range d.payments {
		group.Go(func() error { return d.shop.placeAndPay(ctx, number) })
	}
	return group.Wait()
}

// leavers is how many customers never pay; each waits for its order to be closed and must
// not keep the others from buying.
func (d *demo) leavers() int {
	n := 0
	for number := range d.payments {
		if d.shop.leaves(number) {
			n++
		}
	}
	return n
}

// showProgress keeps one line alive on a terminal, and writes a line now and then
// elsewhere.
func (d *demo) showProgress(ctx context.Context) {
	every, format := 2*time.Second, "%s\n"
	if file, ok := d.out.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		every, format = 100*time.Millisecond, "\r\x1b[K%s"
		defer fmt.Fprint(d.out, "\r\x1b[K")
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			fmt.Fprintf(d.out, format, d.shop.progress(d.payments, time.Since(d.began)))
		}
	}
}

// lifePause is how long the shop of a demo that is kept waits for its next customer.
const lifePause = 800 * time.Millisecond

// keepBuying lets customers come one after the other, so that there is something to look at.
func (d *demo) keepBuying(ctx context.Context) {
	var customers sync.WaitGroup
	defer customers.Wait()
	ticker := time.NewTicker(lifePause)
	defer ticker.Stop()
	for number := d.payments; ; number++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		customers.Go(func() {
			if err := d.shop.placeAndPay(ctx, number); err != nil && ctx.Err() == nil {
				d.log.WarnContext(ctx, "customer not served", "error", err)
			}
			d.shop.forget(number)
		})
	}
}

// keepRunning prints how to look around, and lets customers come until it is told to stop.
func (d *demo) keepRunning(ctx context.Context) {
	merchant := d.lanes[0][0].merchant()
	fmt.Fprintf(d.out, `
Everything goes on running. Stop it with Ctrl-C.

  ingress        http://%s
  console        http://%s/console/   sign in as %s, password %s
  metrics        http://%s/metrics
  NATS           %s
  PostgreSQL     %s
  WeChat         %s
  configuration  %s

Try:
  curl -H 'Authorization: Bearer %s' -H 'Prefer: wait=5' http://%s/v1/payments \
    -d '{"merchant": "%s", "order_id": "tea00001", "amount": {"total": 1999}, "description": "One pot of tea"}'
  curl %s/simulator/pay -d '{"merchant": "%s", "out_trade_no": "tea00001"}'
  curl -H 'Authorization: Bearer %s' http://%s/v1/payments/%s/tea00001
`, d.servers.at.ingress, d.servers.at.admin, demoOperator, d.servers.password, d.servers.at.admin, d.servers.nats.URL(), d.servers.postgres.URL(), d.servers.hosts[0], d.servers.file,
		demoToken, d.servers.at.ingress, merchant, d.servers.hosts[0], merchant, demoToken, d.servers.at.ingress, merchant)
	d.keepBuying(ctx)
}
