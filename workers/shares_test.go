package workers_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"settled"
	"settled/events"
	"settled/workers"
)

// hung is a WeChat that does not answer until the test is over.
type hung struct {
	*wechat
	over  chan struct{}
	asked chan string // what it was asked
}

func (g *hung) wait(call string) error {
	g.asked <- call
	<-g.over
	return silence
}

func (g *hung) Query(context.Context, settled.Payment) (settled.Trade, error) {
	return settled.Trade{}, g.wait("query")
}

func (g *hung) Prepay(context.Context, settled.Payment) (settled.Prepared, error) {
	return settled.Prepared{}, g.wait("prepay")
}

func (g *hung) Refund(context.Context, settled.Refund) (settled.Repayment, error) {
	return settled.Repayment{}, g.wait("refund")
}

// beside adds a merchant whose WeChat hangs, to pools of four hands.
func (w *world) beside() *hung {
	w.t.Helper()
	slow := &hung{wechat: newWechat(), over: make(chan struct{}), asked: make(chan string, 1000)}
	w.cfg.Merchants["slow"] = workers.Merchant{Protocol: "v3", Gateway: slow}
	w.cfg.InFlight = 4
	w.listen(w.bus)
	return slow
}

// of is the same message for another merchant.
func of(merchant string, body map[string]any) map[string]any {
	body["merchant"] = merchant
	return body
}

func TestAMerchantWhoseWeChatHangsKeepsNobodyElseWaiting(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	slow := w.beside()
	w.wechat.will("prepay", says{prepared: settled.Prepared{PrepayID: "wx1"}})
	slow.will("prepay", says{prepared: settled.Prepared{PrepayID: "wx1"}})
	const each = 8
	for i := range each {
		w.prepared(fmt.Sprintf("order%03d", i))
	}
	// The slow merchant's payments are the longest waiting ones.
	w.write(`insert into payments select (p2).* from (
		select json_populate_record(p, json_build_object('id', gen_random_uuid(), 'merchant', 'slow', 'status', 'requested')) as p2 from payments p) t`)
	w.write(`update payments set status = 'prepared' where merchant = 'slow'`)
	w.write(`update payments set due_at = now() - interval '1 minute' where merchant = 'slow'`)
	w.write(`update payments set due_at = now() - interval '1 second' where merchant = 'shop3'`)
	w.ledger.hush()
	w.wechat.will("query", says{})

	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	cfg := w.cfg
	cfg.Bus, cfg.Pools = &bus{handlers: map[string]events.Handler{}}, []string{"reconcile"}
	ended := make(chan struct{})
	go func() { defer close(ended); w.run(ctx, cfg) }()
	for range each {
		select {
		case <-w.ledger.said:
		case <-ctx.Done():
			t.Fatal("the other merchant's payments wait")
		}
	}
	if hanging := len(slow.asked); hanging != 2 {
		t.Errorf("%d of 4 hands are with the merchant that hangs, want 2", hanging)
	}
	close(slow.over)
	stop()
	<-ended
}

func TestRequestsOfAMerchantWhoseWeChatHangsAreRecordedAndPutOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	slow := w.beside()
	inHand := make(chan error, 2)
	for i := range 2 {
		go func() {
			inHand <- w.deliver(events.PaymentRequested, of("slow", request(fmt.Sprintf("order%03d", i))), 1)
		}()
	}
	for range 2 {
		<-slow.asked
	}
	w.done(events.PaymentRequested, of("slow", request("order009"))) // without WeChat
	p, err := w.ledger.Payment(t.Context(), "slow", "order009")
	if err != nil || p.DueAt.After(w.cfg.Now().Add(time.Second)) {
		t.Errorf("due at %s, %v", p.DueAt, err)
	}
	w.prepared("order001") // the other merchant's
	w.payment("order001")
	close(slow.over)
	for range 2 {
		if err := <-inHand; err != nil {
			t.Error(err)
		}
	}
}

func TestRefundsOfAMerchantWhoseWeChatHangsAreRecordedAndPutOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	slow := w.beside()
	for i := range 3 {
		w.completed(fmt.Sprintf("order%03d", i))
	}
	w.write(`insert into payments select (p2).* from (
		select json_populate_record(p, json_build_object('id', gen_random_uuid(), 'merchant', 'slow', 'status', 'requested',
			'transaction_id', '', 'paid_at', null, 'source', '', 'due_at', now())) as p2 from payments p) t`)
	w.write(`update payments set status = 'completed', transaction_id = '1', paid_at = now(), source = 'query', due_at = null where merchant = 'slow'`)
	inHand := make(chan error, 2)
	for i := range 2 {
		go func() {
			inHand <- w.deliver(events.RefundRequested, of("slow", refundRequest(fmt.Sprintf("order%03d", i), fmt.Sprintf("R%d", i), 1)), 1)
		}()
	}
	for range 2 {
		<-slow.asked
	}
	third, before := make(chan error, 1), w.cfg.Now()
	go func() { third <- w.deliver(events.RefundRequested, of("slow", refundRequest("order002", "R2", 1)), 1) }()
	select {
	case err := <-third:
		if err != nil {
			t.Error(err)
		}
	case <-slow.asked:
		t.Error("a third refund is in hand, and no hand is left for the others")
	}
	r, err := w.ledger.Refund(t.Context(), "slow", "R2")
	if err != nil || r.DueAt.Before(before.Add(time.Second-time.Millisecond)) || r.DueAt.After(w.cfg.Now().Add(time.Second)) {
		t.Errorf("due at %s, %v", r.DueAt, err)
	}
	close(slow.over)
	for range 2 {
		if err := <-inHand; err != nil {
			t.Error(err)
		}
	}
}
