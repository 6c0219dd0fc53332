package simulator

import (
	"fmt"
	"sync"
)

// switchboard holds the switches that are set, for everyone and for single orders.
type switchboard struct {
	mu       sync.RWMutex
	everyone Switches
	orders   map[string]Switches // by out_trade_no
}

func newSwitchboard() *switchboard {
	return &switchboard{everyone: Switches{}.withDefaults(), orders: map[string]Switches{}}
}

// of returns the switches for an order; "" for a call that is about none.
func (b *switchboard) of(number string) Switches {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if own, ok := b.orders[number]; ok {
		return own
	}
	return b.everyone
}

// Switches returns the faults that are switched on for every order that has none of its own.
func (s *Simulator) Switches() Switches { return s.switches.of("") }

// Switch replaces all switches; the zero Switches puts everything right. It fails if a
// probability is not one, and then changes nothing.
func (s *Simulator) Switch(switches Switches) error {
	switches = switches.withDefaults()
	if err := switches.validate(); err != nil {
		return fmt.Errorf("set switches: %w", err)
	}
	s.switches.mu.Lock()
	s.switches.everyone = switches
	s.switches.mu.Unlock()
	return nil
}

// SwitchOrder gives one order switches of its own, whether WeChat has heard of it or not.
// They hold instead of everyone's, and fail as in Switch.
func (s *Simulator) SwitchOrder(outTradeNo string, switches Switches) error {
	switches = switches.withDefaults()
	if err := switches.validate(); err != nil {
		return fmt.Errorf("set switches of order %s: %w", outTradeNo, err)
	}
	s.switches.mu.Lock()
	s.switches.orders[outTradeNo] = switches
	s.switches.mu.Unlock()
	return nil
}

// UnswitchOrder lets everyone's switches hold for the order again.
func (s *Simulator) UnswitchOrder(outTradeNo string) {
	s.switches.mu.Lock()
	delete(s.switches.orders, outTradeNo)
	s.switches.mu.Unlock()
}
