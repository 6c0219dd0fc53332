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
}

type numberKey struct {
	account *account
	number  string
}

func newBook() *book {
	return &book{orders: map[numberKey]*order{}, tickets: map[string]*order{}, refunds: map[numberKey]*refund{}}
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
	return r
}

func (b *book) size() int {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return len(b.orders)
}
