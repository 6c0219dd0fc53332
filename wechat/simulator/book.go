package simulator

import "sync"

// book holds every order, by the merchant's number and by WeChat's prepay id.
type book struct {
	mu      sync.RWMutex
	orders  map[orderKey]*order
	prepays map[string]*order
}

type orderKey struct {
	account *account
	number  string
}

func newBook() *book {
	return &book{orders: map[orderKey]*order{}, prepays: map[string]*order{}}
}

// find returns the order, nil if there is none.
func (b *book) find(a *account, number string) *order {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.orders[orderKey{a, number}]
}

// place enters the order unless its number is taken, and returns the one that has it.
func (b *book) place(o *order) *order {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := orderKey{o.account, o.number}
	if first, taken := b.orders[key]; taken {
		return first
	}
	b.orders[key] = o
	return o
}

// issue makes the order known by a prepay id.
func (b *book) issue(prepayID string, o *order) {
	b.mu.Lock()
	b.prepays[prepayID] = o
	b.mu.Unlock()
}

// forget makes a prepay id unknown.
func (b *book) forget(prepayID string) {
	b.mu.Lock()
	delete(b.prepays, prepayID)
	b.mu.Unlock()
}

// prepaid returns the order of a prepay id, nil if there is none.
func (b *book) prepaid(prepayID string) *order {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.prepays[prepayID]
}

func (b *book) size() int {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return len(b.orders)
}
