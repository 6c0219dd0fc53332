package store_test

import (
	"errors"
	"slices"
	"time"

	"settled"
)

// model is what the store promises, as plain values: the test does to both what it does
// to one, and looks for a difference.
type model struct {
	payments map[string]*booked // by order
	refunds  map[string]*owed   // by number
	outbox   []queued           // in the order in which it leaves
	known    map[string]queued  // every public event by id
	ticks    int
}

// booked is a payment's row with its history.
type booked struct {
	ID, Fingerprint string
	Status          settled.Status
	Prepay          string
	Transaction     string
	Payer           string
	Acknowledged    bool
	Refunding       settled.Fen
	Due             time.Time
	Attempts        int
	Trouble         string
	History         []line
}

// line is one row of a history; its place is its version.
type line struct {
	ID, Type string
	From, To settled.Status
	Private  bool
	Queued   bool
}

// owed is a refund's row.
type owed struct {
	ID, Order, Number string
	Amount            settled.Fen
	Status            settled.RefundStatus
	Held              bool
	Due               time.Time
	Attempts          int
	Trouble           string
	place             int // in the order in which they were recorded
}

// queued is an event that waits to be published; order is empty if it tells of no payment.
type queued struct{ id, order string }

func newModel() *model {
	return &model{payments: map[string]*booked{}, refunds: map[string]*owed{}, known: map[string]queued{}}
}

// tell writes a line into an order's history and, unless it is private, the outbox.
func (m *model) tell(order string, l line) {
	if p := m.payments[order]; p != nil {
		p.History = append(p.History, l)
	}
	if q := (queued{l.ID, order}); !l.Private {
		m.outbox, m.known[l.ID] = append(m.outbox, q), q
	}
}

// move is settled.Next, as far as the store is concerned: illegal says that the database
// must refuse it.
func (m *model) move(order string, move settled.Move) (moved, illegal bool) {
	p := m.payments[order]
	if p.Status != move.From || move.Fact == settled.FactRenewed && p.Prepay == move.Prepared.PrepayID {
		return false, false
	}
	if !slices.Contains(settled.Edges, settled.Edge{From: move.From, Fact: move.Fact, To: move.To}) {
		return false, true
	}
	p.Status, p.Due, p.Attempts, p.Trouble = move.To, move.DueAt, 0, ""
	p.Prepay = or(move.Prepared.PrepayID, p.Prepay)
	p.Transaction, p.Payer = move.Paid.TransactionID, or(move.Paid.OpenID, p.Payer)
	m.tell(order, line{ID: move.Event.ID, Type: move.Event.Type, From: move.From, To: move.To})
	return true, false
}

// refund is what becomes of a request under a number.
func (m *model) refund(r settled.Refund) (known *owed, created bool, err error) {
	if known := m.refunds[r.RefundID]; known != nil {
		return known, false, nil
	}
	p := m.payments[r.OrderID]
	if p.Status != settled.StatusCompleted || p.Refunding+r.Amount > r.Total {
		return nil, false, settled.ErrTooMuch
	}
	p.Refunding += r.Amount
	made := &owed{
		ID: r.ID, Order: r.OrderID, Number: r.RefundID, Amount: r.Amount, Status: settled.RefundRequested,
		Held: true, Due: r.DueAt, place: len(m.refunds),
	}
	m.refunds[r.RefundID] = made
	m.tell(r.OrderID, line{ID: settled.EventID("refund.recorded", r.ID), Type: "refund.recorded", Private: true})
	return made, true, nil
}

var errIllegal = errors.New("the database refuses it")

func (m *model) moveRefund(move settled.RefundMove, number string) (moved bool, err error) {
	r := m.refunds[number]
	p := m.payments[r.Order]
	switch {
	case r.Status != move.From:
		return false, nil
	case !slices.ContainsFunc(settled.RefundEdges, func(e settled.RefundEdge) bool { return e.From == move.From && e.To == move.To }):
		return false, errIllegal
	case move.Held && !r.Held && p.Refunding+r.Amount > price.Total:
		return false, settled.ErrTooMuch
	case move.Held && !r.Held:
		p.Refunding += r.Amount
	case !move.Held && r.Held:
		p.Refunding -= r.Amount
	}
	r.Status, r.Held, r.Due, r.Attempts, r.Trouble = move.To, move.Held, move.DueAt, 0, ""
	m.tell(r.Order, line{ID: move.Event.ID, Type: move.Event.Type})
	return true, nil
}

// due are orders whose time has come, half of them those that wait longest.
func (m *model) due(c settled.Claim) []string {
	var due []string
	for order, p := range m.payments {
		if p.Status == c.Status && came(p.Due) {
			due = append(due, order)
		}
	}
	slices.SortFunc(due, func(a, b string) int { return m.payments[a].Due.Compare(m.payments[b].Due) })
	due = ends(due, c.Each)
	for _, order := range due {
		m.payments[order].Due = time.Now().Add(c.Lease)
	}
	return due
}

// ends are the first of a sorted list and its last, so many in all.
func ends(sorted []string, most int) []string {
	if len(sorted) <= most {
		return sorted
	}
	return slices.Concat(sorted[:(most+1)/2], sorted[len(sorted)-most/2:])
}

// dueRefunds is due for refunds: those that WeChat has not heard of come one after the
// other.
func (m *model) dueRefunds(c settled.RefundClaim) []string {
	var due []string
	for number, r := range m.refunds {
		asked := c.ID == "" || c.ID == r.ID
		early := !r.Due.IsZero() && r.Due.Equal(c.DueBy)
		if asked && r.Status == c.Status && (came(r.Due) || early) && !m.behind(r) {
			due = append(due, number)
		}
	}
	slices.SortFunc(due, func(a, b string) int { return m.refunds[a].Due.Compare(m.refunds[b].Due) })
	due = ends(due, c.Each)
	for _, number := range due {
		m.refunds[number].Due = time.Now().Add(c.Lease)
	}
	return due
}

// behind reports whether another refund of the same payment has to go first.
func (m *model) behind(r *owed) bool {
	for _, other := range m.refunds {
		if r.Status == settled.RefundRequested && other.Order == r.Order && other.Status == r.Status && other.place < r.place {
			return true
		}
	}
	return false
}

// published takes the events out of the outbox that the stream has.
func (m *model) published(done []queued) {
	m.outbox = slices.DeleteFunc(slices.Clone(m.outbox), func(q queued) bool { return slices.Contains(done, q) })
}

func came(due time.Time) bool { return !due.IsZero() && due.Before(time.Now()) }

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
