package workers_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"settled"
	"settled/workers"
)

// memory is a Ledger of payments in memory, as far as the clock has a part in it: rules and
// rows are proved on the real one. It stands in a bubble, where time is virtual. A method
// that no test of time needs is nobody's.
type memory struct {
	workers.Ledger
	mu       sync.Mutex
	payments map[string]*settled.Payment // by id
	tried    map[string][]time.Time      // when a method was called, also in vain
	away     bool                        // PostgreSQL does not answer
	overdue  time.Duration               // what a census says of prepared payments
	waiting  []settled.Event             // the outbox
	woken    chan struct{}
}

func newMemory() *memory {
	return &memory{payments: map[string]*settled.Payment{}, tried: map[string][]time.Time{}, woken: make(chan struct{}, 1)}
}

// answers notes that a method was called, and fails while PostgreSQL is away.
func (m *memory) answers(method string) error {
	m.tried[method] = append(m.tried[method], time.Now())
	if m.away {
		return settled.ErrUnavailable
	}
	return nil
}

// leaves has PostgreSQL go away, or come back.
func (m *memory) leaves(away bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.away = away
}

// since is when a method was called after a moment, counted from it.
func (m *memory) since(method string, moment time.Time) []time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	var times []time.Duration
	for _, at := range m.tried[method] {
		if !at.Before(moment) {
			times = append(times, at.Sub(moment))
		}
	}
	return times
}

func (m *memory) Payment(_ context.Context, merchant, orderID string) (settled.Payment, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.answers("payment"); err != nil {
		return settled.Payment{}, err
	}
	for _, p := range m.payments {
		if p.Merchant == merchant && p.OrderID == orderID {
			return *p, nil
		}
	}
	return settled.Payment{}, settled.ErrNotFound
}

func (m *memory) PaymentByID(_ context.Context, id string) (settled.Payment, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p := m.payments[id]; p != nil {
		return *p, m.answers("payment")
	}
	return settled.Payment{}, settled.ErrNotFound
}

func (m *memory) Due(_ context.Context, c settled.Claim) ([]settled.Payment, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.answers("due " + string(c.Status)); err != nil {
		return nil, err
	}
	var due []settled.Payment
	taken := map[string]int{}
	for _, p := range m.payments {
		came := !p.DueAt.IsZero() && !p.DueAt.After(time.Now())
		if came && p.Status == c.Status && taken[p.Merchant] < c.Each && slices.Contains(c.Merchants, p.Merchant) {
			p.DueAt = time.Now().Add(c.Lease)
			taken[p.Merchant]++
			due = append(due, *p)
		}
	}
	return due, nil
}

func (m *memory) Move(_ context.Context, move settled.Move) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.payments[move.PaymentID]
	if err := m.answers("move"); err != nil || p.Status != move.From {
		return false, err
	}
	p.Status, p.DueAt, p.Attempts, p.Trouble = move.To, move.DueAt, 0, ""
	p.Paid, p.CloseReason = move.Paid, move.CloseReason
	if move.Fact == settled.FactPrepared {
		p.PreparedAt = time.Now()
	}
	return true, nil
}

func (m *memory) Delay(_ context.Context, d settled.Delay) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.payments[d.PaymentID]
	if err := m.answers("delay"); err != nil || p.Status != d.Status {
		return false, err
	}
	p.DueAt, p.Attempts, p.Trouble = d.DueAt, d.Attempts, d.Trouble
	return true, nil
}

func (m *memory) Tell(_ context.Context, e settled.Event) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waiting = append(m.waiting, e)
	return true, m.answers("tell")
}

func (m *memory) Told(context.Context, string) (bool, error) { return false, nil }

func (m *memory) Look(ctx context.Context, state func(context.Context) ([]settled.Stream, error)) ([]settled.StreamLoss, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, err := state(ctx)
	return nil, true, err
}

func (m *memory) Relay(ctx context.Context, round settled.RelayRound,
	publish func(context.Context, []settled.Event) (uint64, []error),
) (settled.Relayed, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.answers("relay"); err != nil || len(m.waiting) == 0 {
		return settled.Relayed{}, err
	}
	events := m.waiting[:min(round.Most, len(m.waiting))]
	_, failures := publish(ctx, events)
	for _, err := range failures {
		if err != nil {
			return settled.Relayed{}, err
		}
	}
	m.waiting = m.waiting[len(events):]
	return settled.Relayed{Published: len(events)}, nil
}

func (m *memory) Woken() <-chan struct{} { return m.woken }

func (m *memory) Survey(context.Context) error { return nil }

func (m *memory) ForgetJournal(context.Context, time.Duration, int) (int, error) { return 0, nil }

func (m *memory) Census(context.Context) (settled.Census, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return settled.Census{Overdue: map[settled.Status]time.Duration{settled.StatusPrepared: m.overdue}}, m.answers("census")
}
