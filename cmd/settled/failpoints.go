//go:build failpoints

package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"strings"
	"time"

	"settled"
	"settled/events"
	"settled/failpoint"
	"settled/ingress"
	"settled/store"
	"settled/workers"
)

func workersLedger(l workers.Ledger) workers.Ledger    { return ledgerPoints{l} }
func workersBus(b workers.Bus) workers.Bus             { return busPoints{b} }
func workersGateway(g settled.Gateway) settled.Gateway { return gatewayPoints{g} }
func ingressBus(b ingress.Bus) ingress.Bus             { return intakePoints{b} }
func ingressListener(l net.Listener) net.Listener      { return listenerPoints{l} }

// The clock of a process that is to die may be wrong besides.
func init() {
	if ahead, err := time.ParseDuration(os.Getenv(failpoint.AheadVariable)); err == nil {
		now = func() time.Time { return time.Now().Add(ahead) }
	}
}

// around stands before and after a deed.
func around[T any](name string, do func() (T, error)) (T, error) {
	failpoint.At(name, "before")
	done, err := do()
	if err == nil {
		failpoint.At(name, "after")
	}
	return done, err
}

// aroundDeed is around for a deed that returns nothing.
func aroundDeed(name string, do func() error) error {
	_, err := around(name, func() (struct{}, error) { return struct{}{}, do() })
	return err
}

// ledgerPoints has the points around each commit.
type ledgerPoints struct{ workers.Ledger }

func (l ledgerPoints) Record(ctx context.Context, p settled.Payment) (settled.Recorded, error) {
	return around("commit.record", func() (settled.Recorded, error) { return l.Ledger.Record(ctx, p) })
}

func (l ledgerPoints) Move(ctx context.Context, m settled.Move) (bool, error) {
	return around("commit."+string(m.Fact), func() (bool, error) { return l.Ledger.Move(ctx, m) })
}

func (l ledgerPoints) Delay(ctx context.Context, d settled.Delay) (bool, error) {
	return around("commit.delay", func() (bool, error) { return l.Ledger.Delay(ctx, d) })
}

func (l ledgerPoints) Due(ctx context.Context, c settled.Claim) ([]settled.Payment, error) {
	due, err := l.Ledger.Due(ctx, c)
	if len(due) > 0 {
		failpoint.At("lease.payments")
	}
	return due, err
}

func (l ledgerPoints) LearnPayer(ctx context.Context, paymentID, openID string) error {
	return aroundDeed("commit.learn_payer", func() error { return l.Ledger.LearnPayer(ctx, paymentID, openID) })
}

func (l ledgerPoints) Acknowledged(ctx context.Context, e settled.Event) (bool, error) {
	return around("commit.acknowledged", func() (bool, error) { return l.Ledger.Acknowledged(ctx, e) })
}

func (l ledgerPoints) RecordRefund(ctx context.Context, r settled.Refund) (settled.RecordedRefund, error) {
	return around("commit.record_refund", func() (settled.RecordedRefund, error) { return l.Ledger.RecordRefund(ctx, r) })
}

func (l ledgerPoints) MoveRefund(ctx context.Context, m settled.RefundMove) (bool, error) {
	return around("commit.refund_"+string(m.Fact), func() (bool, error) { return l.Ledger.MoveRefund(ctx, m) })
}

func (l ledgerPoints) DelayRefund(ctx context.Context, d settled.RefundDelay) (bool, error) {
	return around("commit.delay_refund", func() (bool, error) { return l.Ledger.DelayRefund(ctx, d) })
}

func (l ledgerPoints) DueRefunds(ctx context.Context, c settled.RefundClaim) ([]settled.Refund, error) {
	due, err := l.Ledger.DueRefunds(ctx, c)
	if len(due) > 0 {
		failpoint.At("lease.refunds")
	}
	return due, err
}

func (l ledgerPoints) Tell(ctx context.Context, e settled.Event) (bool, error) {
	return around("commit.tell", func() (bool, error) { return l.Ledger.Tell(ctx, e) })
}

func (l ledgerPoints) Repeat(ctx context.Context, eventID string) error {
	return aroundDeed("commit.repeat", func() error { return l.Ledger.Repeat(ctx, eventID) })
}

func (l ledgerPoints) Relay(ctx context.Context, round settled.RelayRound, publish store.Publish) (settled.Relayed, error) {
	relayed, err := l.Ledger.Relay(ctx, round, publish)
	if relayed.Published > 0 {
		failpoint.At("relay.committed")
	}
	return relayed, err
}

// busPoints has the points around what the workers publish. PublishAll is called while the
// relay's transaction lives.
type busPoints struct{ workers.Bus }

func (b busPoints) PublishAll(ctx context.Context, envelopes []events.Envelope) (last uint64, failures []error) {
	failpoint.At("relay.read")
	last, failures = b.Bus.PublishAll(ctx, envelopes)
	failpoint.At("relay.published")
	return last, failures
}

func (b busPoints) Reply(subject string, r events.Reply) error {
	kind := r.Kind
	if kind != events.ReplyRecorded && kind != events.ReplyCommitted {
		kind = "told"
	}
	return aroundDeed("reply."+kind, func() error { return b.Bus.Reply(subject, r) })
}

// gatewayPoints has the points around each call to WeChat, whatever it answers.
type gatewayPoints struct{ settled.Gateway }

// called stands before and after a call, answered or not.
func called[T any](name string, call func() (T, error)) (T, error) {
	failpoint.At("gateway", name, "before")
	answer, err := call()
	failpoint.At("gateway", name, "after")
	return answer, err
}

func (g gatewayPoints) Prepay(ctx context.Context, p settled.Payment) (settled.Prepared, error) {
	return called("prepay", func() (settled.Prepared, error) { return g.Gateway.Prepay(ctx, p) })
}

func (g gatewayPoints) Query(ctx context.Context, p settled.Payment) (settled.Trade, error) {
	return called("query", func() (settled.Trade, error) { return g.Gateway.Query(ctx, p) })
}

func (g gatewayPoints) Close(ctx context.Context, p settled.Payment) error {
	_, err := called("close", func() (struct{}, error) { return struct{}{}, g.Gateway.Close(ctx, p) })
	return err
}

func (g gatewayPoints) Acknowledge(ctx context.Context, p settled.Payment) error {
	_, err := called("deliver", func() (struct{}, error) { return struct{}{}, g.Gateway.Acknowledge(ctx, p) })
	return err
}

func (g gatewayPoints) Refund(ctx context.Context, r settled.Refund) (settled.Repayment, error) {
	return called("refund", func() (settled.Repayment, error) { return g.Gateway.Refund(ctx, r) })
}

func (g gatewayPoints) QueryRefund(ctx context.Context, r settled.Refund) (settled.Repayment, error) {
	return called("query_refund", func() (settled.Repayment, error) { return g.Gateway.QueryRefund(ctx, r) })
}

// intakePoints has the points around what the ingress publishes.
type intakePoints struct{ ingress.Bus }

// intake names what the ingress publishes.
var intake = map[string]string{
	events.PaymentRequested: "payment", events.PaymentReturned: "returned",
	events.NotifyReceived: "notify", events.RefundRequested: "refund",
}

func (b intakePoints) Publish(ctx context.Context, e events.Envelope) error {
	return aroundDeed("publish."+intake[e.Type], func() error { return b.Bus.Publish(ctx, e) })
}

// listenerPoints has the points around what the ingress answers, where the answer leaves.
type listenerPoints struct{ net.Listener }

func (l listenerPoints) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &connPoints{Conn: conn}, nil
}

// connPoints knows what was asked last over a connection: a client waits for its answer
// before it asks again.
type connPoints struct {
	net.Conn
	asked string
}

// asking are the beginnings of requests whose answers have points.
var asking = []struct{ line, name string }{
	{"POST /notify/", "answer.notify"}, {"POST /v1/payments ", "answer.payment"}, {"POST /v1/refunds ", "answer.refund"},
}

func (c *connPoints) Read(into []byte) (int, error) {
	n, err := c.Conn.Read(into)
	if line, _, whole := bytes.Cut(into[:n], []byte("\r\n")); whole && bytes.HasSuffix(line, []byte(" HTTP/1.1")) {
		c.asked = ""
		for _, a := range asking {
			if strings.HasPrefix(string(line), a.line) {
				c.asked = a.name
			}
		}
	}
	return n, err
}

// Write closes the connection when a point panics: net/http would flush what it holds once
// more, and the client take that for the answer to what it asks next.
func (c *connPoints) Write(answer []byte) (int, error) {
	if c.asked == "" {
		return c.Conn.Write(answer)
	}
	defer func() {
		if cause := recover(); cause != nil {
			_ = c.Close() // nothing else is to be said over it
			panic(cause)
		}
	}()
	return around(c.asked, func() (int, error) { return c.Conn.Write(answer) })
}
