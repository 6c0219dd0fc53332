package simulator

import (
	"context"
	"net/http"
	"sync"
)

// news is what a merchant is notified of: a payment or a refund.
type news interface {
	// about names the merchant, and the order whose switches hold; refund is "" for a payment.
	about() (a *account, number, refund string)
	// spell spells one notify.
	spell(ctx context.Context, told lies) (*http.Request, error)
	// heard is what became of the notifies.
	heard() *hearing
}

// hearing is what became of the notifies of one piece of news.
type hearing struct {
	mu           sync.Mutex
	sent         int
	acknowledged bool // one was answered with success
	abandoned    bool // the last one of the schedule was not
}

// answered records a notify that was sent; first is true for the one that was heard first.
func (h *hearing) answered(heard bool) (first bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sent++
	first = heard && !h.acknowledged
	h.acknowledged = h.acknowledged || heard
	return first
}

// over reports whether a notify was heard, so that there is nothing to repeat.
func (h *hearing) over() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.acknowledged
}

// abandon records that no notify will follow; false if one was heard after all.
func (h *hearing) abandon() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.abandoned = !h.acknowledged
	return h.abandoned
}

// anew is for news that has changed: none of the notifies so far has told of it.
func (h *hearing) anew() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.acknowledged, h.abandoned = false, false
}

func (h *hearing) result() (sent int, acknowledged, abandoned bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sent, h.acknowledged, h.abandoned
}

func (o *order) about() (a *account, number, refund string) { return o.account, o.number, "" }

func (o *order) spell(ctx context.Context, told lies) (*http.Request, error) {
	return o.account.protocol.notify(ctx, o, told)
}

func (o *order) heard() *hearing { return &o.hearing }
