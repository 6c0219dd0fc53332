package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"settled"
	"settled/audit"
	"settled/store"
	"settled/wechat/simulator"
)

// misbehaviour is how WeChat behaves in a demo with faults: each number is how likely it
// is for a call, or for a payment's notify.
var misbehaviour = simulator.Switches{
	Notify: simulator.NotifySwitches{
		Silent: .10, Late: .10, LateBy: simulator.Duration(20 * time.Second), Double: .20, Copies: 3, OutOfOrder: .05,
		WrongAmount: .02, WrongSignature: .05, ForeignPartner: .02, Probe: .02,
	},
	Gateway: simulator.GatewaySwitches{
		Slow: .05, SlowBy: simulator.Duration(500 * time.Millisecond), Down: .03, RateLimited: .002, ErrorRate: .03,
		CutConnection: .03, TokenRefused: .005, AnswerLost: .05, WrongSignature: .02, RefundAtOnce: .10,
	},
}

// misbehave lets WeChat, the servers and the workers fail, one after the other, until
// ctx ends; then everything is well again and has to catch up.
func (d *demo) misbehave(ctx context.Context) {
	d.behave(ctx, misbehaviour)
	defer d.behave(ctx, simulator.Switches{})
	faults := []func(ctx context.Context) error{d.flushRedis, d.restartNATS, d.restartWorker, d.killPostgres}
	if speaks(d.lanes, protocolLegacy) {
		faults = append(faults, d.expireTokens)
	}
	if speaks(d.lanes, protocolV2) || speaks(d.lanes, protocolV3) {
		faults = append(faults, d.failOver)
	}
	for round := 0; ; round++ {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second + rand.N(2*time.Second)): //nolint:gosec // no secret
		}
		if err := faults[round%len(faults)](ctx); err != nil {
			d.log.WarnContext(ctx, "fault not made", "error", err)
		}
	}
}

// behave sets WeChat's switches.
func (d *demo) behave(ctx context.Context, switches simulator.Switches) {
	if err := d.servers.wechat.Switch(switches); err != nil {
		d.log.ErrorContext(ctx, "switches not set", "error", err)
	}
}

func (d *demo) flushRedis(context.Context) error { d.servers.redis.Flush(); return nil }

func (d *demo) expireTokens(context.Context) error { d.servers.wechat.ExpireTokens(); return nil }

// failOver takes WeChat's main host away for a while.
func (d *demo) failOver(ctx context.Context) error {
	away := misbehaviour
	away.Gateway.MainDown = 1
	d.behave(ctx, away)
	select {
	case <-ctx.Done():
	case <-time.After(4 * time.Second):
	}
	d.behave(ctx, misbehaviour)
	return nil
}

func (d *demo) restartNATS(context.Context) error { return d.servers.nats.Restart() }

// killPostgres is a crash: every connection is cut in the middle of what it does. The
// server comes back whatever becomes of the demo, which looks into it at its end.
func (d *demo) killPostgres(ctx context.Context) error {
	d.servers.postgres.Kill()
	return d.servers.postgres.Restart(context.WithoutCancel(ctx))
}

// restartWorker ends one of the two workers in the middle of its work.
func (d *demo) restartWorker(ctx context.Context) error {
	w := d.servers.workers[rand.N(len(d.servers.workers))] //nolint:gosec // no secret
	if err := w.stop(ctx); err != nil {
		d.log.WarnContext(ctx, "worker did not end well", "error", err)
	}
	return w.start(context.WithoutCancel(ctx))
}

// ledgerSays compares what the shop was told with what PostgreSQL and WeChat know of each
// order: the right state, one completing event, the customer charged once.
func (d *demo) ledgerSays(ctx context.Context) (wrong []string) {
	s, err := store.Open(store.Config{URL: d.servers.postgres.URL(), Log: d.log})
	if err != nil {
		return []string{err.Error()}
	}
	defer func() { _ = s.Close() }()
	for _, o := range d.shop.orders {
		if fault := d.orderSays(ctx, s, o); fault != "" {
			wrong = append(wrong, fmt.Sprintf("order %s: %s", o.id, fault))
		}
	}
	return wrong
}

// audit says in a word what settled audit says, and names what is broken.
func (d *demo) audit(ctx context.Context) (verdict string, broken []string) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	report, err := auditAll(ctx, d.servers.config, d.log, audit.Still)
	if err != nil {
		return "not possible", []string{"audit: " + err.Error()}
	}
	for _, b := range report.Named() {
		broken = append(broken, "audit: "+audit.Line(b))
	}
	return report.Verdict(), broken
}

func (d *demo) orderSays(ctx context.Context, s *store.Store, o *demoOrder) string {
	want, charges := settled.StatusCompleted, 1
	if o.leaves {
		want, charges = settled.StatusClosed, 0
	}
	p, err := s.Payment(ctx, o.lane.merchant(), o.id)
	if err != nil {
		return err.Error()
	}
	history, err := s.History(ctx, p.ID)
	if err != nil {
		return err.Error()
	}
	ends := 0
	for _, h := range history {
		if h.To == want && h.From != want {
			ends++
		}
	}
	charged, err := d.servers.wechat.Order(o.lane.merchant(), o.id)
	back := 0
	for _, amount := range o.refunds {
		back += amount
	}
	switch {
	case p.Status != want:
		return fmt.Sprintf("PostgreSQL says %s", p.Status)
	case ends != 1:
		return fmt.Sprintf("became %s %d times", want, ends)
	case int(p.Refunding) != back:
		return fmt.Sprintf("PostgreSQL says that %d fen went back", p.Refunding)
	case err == nil && charged.Charges != charges:
		return fmt.Sprintf("the customer was charged %d times", charged.Charges)
	case err == nil && int(charged.RefundedFee) != back:
		return fmt.Sprintf("the customer got %d fen back", charged.RefundedFee)
	}
	return ""
}
