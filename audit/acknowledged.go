package audit

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"settled"
)

// Notifies is what a watch over acknowledged notifies asks PostgreSQL.
type Notifies interface {
	CommittedNotifies(ctx context.Context, notifies []settled.Acknowledged) ([]bool, error)
	Suspect(ctx context.Context, suspects []settled.Suspect, again time.Duration) error
}

// Watch holds what WeChat heard success for against what is committed. It belongs into the
// process that answers WeChat; what it suspects, the running auditor looks at again and
// tells.
type Watch struct {
	Ledger Notifies
	Now    func() time.Time
	Log    *slog.Logger
	// LookedAt and Dropped count what was looked at, and what there was no room for.
	LookedAt, Dropped func(many int)
	// After is how long after the answer PostgreSQL is asked, in the same steps; default 3 s.
	After time.Duration

	mu   sync.Mutex
	wait []settled.Acknowledged // oldest first, at most watchMost
}

const (
	// watchMost bounds what waits while PostgreSQL is away: some 4 MB.
	watchMost = 20_000
	// watchPage is how many one statement asks for.
	watchPage = 500
)

// Note takes what WeChat has just heard success for. It never waits: without room it is
// counted and let go.
func (w *Watch) Note(n settled.Acknowledged) {
	w.mu.Lock()
	full := len(w.wait) >= watchMost
	if !full {
		w.wait = append(w.wait, n)
	}
	w.mu.Unlock()
	if full {
		w.Dropped(1)
	}
}

// Run looks until ctx ends. Without PostgreSQL nothing is judged.
func (w *Watch) Run(ctx context.Context) {
	after := w.After
	if after == 0 {
		after = 3 * time.Second
	}
	ticker := time.NewTicker(after)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for more := true; more && ctx.Err() == nil; {
			var err error
			if more, err = w.look(ctx, w.Now().Add(-after), after); err != nil {
				w.Log.DebugContext(ctx, "acknowledged notifies not looked at", "error", err)
				break
			}
		}
	}
}

// look asks for a page of those that were answered before a moment.
func (w *Watch) look(ctx context.Context, before time.Time, again time.Duration) (more bool, err error) {
	page := w.page(before)
	if len(page) == 0 {
		return false, nil
	}
	breaks, err := lost(ctx, w.Ledger, page)
	if err != nil {
		return false, err
	}
	var suspects []settled.Suspect
	for _, b := range breaks {
		suspects = append(suspects, suspected(b))
	}
	if err := w.Ledger.Suspect(ctx, suspects, again); err != nil {
		return false, err
	}
	w.mu.Lock()
	w.wait = append(w.wait[:0:0], w.wait[len(page):]...)
	w.mu.Unlock()
	w.LookedAt(len(page))
	return len(page) == watchPage, nil
}

// page is the oldest that were answered before a moment.
func (w *Watch) page(before time.Time) []settled.Acknowledged {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for n < min(len(w.wait), watchPage) && w.wait[n].At.Before(before) {
		n++
	}
	return append([]settled.Acknowledged(nil), w.wait[:n]...)
}

// lost finds the notifies that WeChat was told success for although nothing they say is
// committed.
func lost(ctx context.Context, ledger Notifies, notifies []settled.Acknowledged) ([]settled.Break, error) {
	committed, err := ledger.CommittedNotifies(ctx, notifies)
	if err != nil {
		return nil, err
	}
	var breaks []settled.Break
	for i, n := range notifies {
		if committed[i] {
			continue
		}
		detail := "WeChat heard success for a notify, and nothing is committed that it says"
		if n.TransactionID != "" {
			detail = "WeChat heard success for transaction " + n.TransactionID + ", and nothing is committed that it says"
		}
		breaks = append(breaks, settled.Break{
			Check: settled.CheckAcknowledged, Merchant: n.Merchant, OrderID: n.OrderID, RefundID: n.RefundID, Detail: detail,
			Subject: named(settled.SubjectNotify, n),
		})
	}
	return breaks, nil
}
