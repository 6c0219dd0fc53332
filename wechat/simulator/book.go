package simulator

import "sync"

// book holds every order, by the merchant's number and by what WeChat gave for it, and
// every refund, by the merchant's number. Whoever holds an order's lock may ask the book,
// never the other way round.
type book struct {
	mu      sync.RWMutex
	orders  map[numberKey]*order
	tickets map[string]*order
	refunds map[numberKey]*refund

	// By WeChat's own numbers.
	transactions map[numberKey]*order
	refundIDs    map[numberKey]*refund
}

type numberKey struct {
	account *account
	number  string
}

func newBook() *book {
	return &book{
		orders: map[numberKey]*order{}, tickets: map[string]*order{}, refunds: map[numberKey]*refund{},
		transactions: map[numberKey]*order{}, refundIDs: map[numberKey]*refund{},
	}
}

// find returns the order, nil if there is none.
func (b *book) find(a *account, number string) *order {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.orders[numberKey{a, number}]
}

// place enters the order unless its number is taken, and returns the one that has it.
func (b *book) place(o *order) *order {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := numberKey{o.account, o.number}
	if first, taken := b.orders[key]; taken {
		return first
	}
	b.orders[key] = o
	return o
}

// issue makes the order known by a ticket.
func (b *book) issue(t ticket, o *order) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, name := range t.names() {
		if name != "" {
			b.tickets[name] = o
		}
	}
}

// forget makes a ticket unknown.
func (b *book) forget(t ticket) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, name := range t.names() {
		delete(b.tickets, name)
	}
}

// holder returns the order of a prepay id, code_url or h5_url, nil if there is none.
func (b *book) holder(name string) *order {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.tickets[name]
}

// settle makes the order known by its transaction.
func (b *book) settle(transactionID string, o *order) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.transactions[numberKey{o.account, transactionID}] = o
}

// findTransaction returns the order that was paid by it, nil if there is none.
func (b *book) findTransaction(a *account, transactionID string) *order {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.transactions[numberKey{a, transactionID}]
}

// findRefundID returns the refund by WeChat's number, nil if there is none.
func (b *book) findRefundID(a *account, id string) *refund {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.refundIDs[numberKey{a, id}]
}

// findRefund returns the refund, nil if there is none.
func (b *book) findRefund(a *account, number string) *refund {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.refunds[numberKey{a, number}]
}

// placeRefund enters the refund unless its number is taken, and returns the one that has it.
func (b *book) placeRefund(r *refund) *refund {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := numberKey{r.order.account, r.number}
	if first, taken := b.refunds[key]; taken {
		return first
	}
	b.refunds[key] = r
	b.refundIDs[numberKey{r.order.account, r.id}] = r
	return r
}

func (b *book) size() int {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return len(b.orders)
}
