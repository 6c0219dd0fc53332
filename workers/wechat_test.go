package workers_test

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"settled"
)

// says is one answer of WeChat's.
type says struct {
	prepared  settled.Prepared
	trade     settled.Trade
	repayment settled.Repayment
	err       error
}

// wechat is a gateway that says what a test has it say: for each call one answer after
// the other, and the last one again and again. It remembers what it was asked.
type wechat struct {
	mu        sync.Mutex
	script    map[string][]says
	calls     []string            // in their order
	sent      map[string][]string // the bytes, by call
	news      map[string]settled.News
	received  []settled.Notify
	meanwhile map[string]func() // happens before a call is answered, once
}

func newWechat() *wechat {
	return &wechat{
		script: map[string][]says{}, sent: map[string][]string{}, news: map[string]settled.News{},
		meanwhile: map[string]func(){},
	}
}

// will has WeChat answer a call from now on.
func (g *wechat) will(call string, answers ...says) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.script[call] = answers
}

// during has something happen while WeChat is being asked.
func (g *wechat) during(call string, happens func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.meanwhile[call] = happens
}

// asked is what WeChat was asked since the last time.
func (g *wechat) asked() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	calls := g.calls
	g.calls = nil
	return calls
}

// bytes is what was sent with a call, each time.
func (g *wechat) bytes(call string) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.sent[call])
}

func (g *wechat) answer(call string, bytes []byte) says {
	g.mu.Lock()
	g.calls = append(g.calls, call)
	g.sent[call] = append(g.sent[call], string(bytes))
	answer := says{err: &settled.Unknown{Code: "silence"}}
	if left := g.script[call]; len(left) > 0 {
		answer = left[0]
		g.script[call] = left[min(1, len(left)-1):]
	}
	happens := g.meanwhile[call]
	delete(g.meanwhile, call)
	g.mu.Unlock()
	if happens != nil {
		happens()
	}
	return answer
}

func (g *wechat) PrepayRequest(p settled.Payment) ([]byte, error) {
	return fmt.Appendf(nil, "prepay %s expires %s", p.OrderID, p.ExpiresAt), nil
}

func (g *wechat) Prepay(_ context.Context, p settled.Payment) (settled.Prepared, error) {
	answer := g.answer("prepay", p.PrepayRequest)
	return answer.prepared, answer.err
}

func (g *wechat) Query(_ context.Context, p settled.Payment) (settled.Trade, error) {
	answer := g.answer("query", nil)
	trade := answer.trade
	trade.OrderID = p.OrderID
	return trade, answer.err
}

func (g *wechat) Close(context.Context, settled.Payment) error { return g.answer("close", nil).err }

func (g *wechat) Acknowledge(context.Context, settled.Payment) error {
	return g.answer("acknowledge", nil).err
}

func (g *wechat) Acknowledges() bool { return false }

func (g *wechat) RefundRequest(_ settled.Payment, r settled.Refund) ([]byte, error) {
	if r.Reason == "can't" {
		return nil, &settled.Refusal{Code: "unsupported", Message: "not over this protocol"}
	}
	return fmt.Appendf(nil, "refund %s %s", r.RefundID, r.ID), nil
}

func (g *wechat) Refund(_ context.Context, r settled.Refund) (settled.Repayment, error) {
	answer := g.answer("refund", r.Request)
	answer.repayment.RefundID = r.RefundID
	return answer.repayment, answer.err
}

func (g *wechat) QueryRefund(_ context.Context, r settled.Refund) (settled.Repayment, error) {
	answer := g.answer("query_refund", nil)
	answer.repayment.RefundID = r.RefundID
	return answer.repayment, answer.err
}

func (g *wechat) Notify(_ context.Context, n settled.Notify) (settled.News, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.received = append(g.received, n)
	news, ok := g.news[string(n.Body)]
	if !ok {
		return settled.News{}, settled.ErrUnverified
	}
	return news, nil
}

func (g *wechat) Answer(settled.Acknowledgement) settled.Answer { return settled.Answer{} }
