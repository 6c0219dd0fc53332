package wechat_test

import (
	"net/http"
	"sync"
	"testing"

	"settled"
	"settled/wechat"
)

// about gathers what the calls of a gateway were about.
type about struct {
	mu    sync.Mutex
	calls []wechat.Call
}

func (a *about) hear(c wechat.Call) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = append(a.calls, c)
}

// Who looks into a payment later finds every call that was made for it, whatever came of it.
func TestEveryCallNamesItsPayment(t *testing.T) {
	t.Parallel()
	p := settled.Payment{ID: "payment-1", OrderID: "order-1", TradeType: settled.APP, PrepayRequest: []byte("{}")}
	p.Paid = settled.Trade{OpenID: "o1", TransactionID: "t1"}
	r := settled.Refund{PaymentID: "payment-1", OrderID: "order-1", RefundID: "R1", Request: []byte("{}")}
	a := &about{}
	broken := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }
	gateways := map[string]settled.Gateway{
		"v2":     openV2(t, broken, func(_ *v2Bundle, cfg *wechat.V2Config) { cfg.Observe = a.hear }).gateway,
		"v3":     openV3(t, func(cfg *wechat.V3Config) { cfg.Observe = a.hear }, v3Answer{status: http.StatusBadGateway}).gateway,
		"legacy": open(t, broken, func(cfg *wechat.LegacyConfig) { cfg.Observe = a.hear }).gateway,
	}
	for name, g := range gateways {
		before := len(a.calls)
		_, _ = g.Prepay(t.Context(), p)
		_, _ = g.Query(t.Context(), p)
		_ = g.Close(t.Context(), p)
		_ = g.Acknowledge(t.Context(), p)
		if name != "legacy" {
			_, _ = g.Refund(t.Context(), r)
			_, _ = g.QueryRefund(t.Context(), r)
		}
		calls := a.calls[before:]
		if len(calls) < 3 {
			t.Errorf("%s made %d calls", name, len(calls))
		}
		for _, c := range calls {
			if c.PaymentID != "payment-1" || c.OrderID != "order-1" {
				t.Errorf("%s %s is about %q %q", name, c.Name, c.PaymentID, c.OrderID)
			}
		}
	}
}
