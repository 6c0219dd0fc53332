package ingress

import (
	"context"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// suspectAfter is how many notifies that do not verify make an address suspect.
	suspectAfter = 10
	// suspectFor is how long an address is remembered after the last of them.
	suspectFor = time.Minute
	// addressesKept bounds what is remembered.
	addressesKept = 10_000
)

// suspicion lets only so many notifies be verified at once, because anybody may send one
// and each costs a hash or an RSA verification. A merchant has half of the places at most, so
// that forged ones for one hold up no other; an address that forges has half of those,
// so that they hold up no honest one. Nobody is shut out: behind a proxy the forger and
// WeChat have one address, and share its places in the order in which they come.
type suspicion struct {
	places    chan struct{}
	merchants map[string]shares
	said      rate.Sometimes // a forger shall not fill the log either; metrics count each
	now       func() time.Time

	mu        sync.Mutex
	addresses map[netip.Addr]*record
}

// shares are the places of one merchant.
type shares struct{ all, suspect chan struct{} }

// record is what an address has done.
type record struct {
	failures int
	last     time.Time
}

func newSuspicion(merchants map[string]Merchant, now func() time.Time) *suspicion {
	most := 4 * runtime.GOMAXPROCS(0)
	s := &suspicion{
		places: make(chan struct{}, most), merchants: map[string]shares{}, now: now,
		said: rate.Sometimes{First: 10, Interval: time.Second}, addresses: map[netip.Addr]*record{},
	}
	for name := range merchants {
		s.merchants[name] = shares{make(chan struct{}, most/2), make(chan struct{}, most/4)}
	}
	return s
}

// enter waits for a place to verify a notify in; leave gives it back.
func (s *suspicion) enter(ctx context.Context, merchant string, address netip.Addr) (leave func(), err error) {
	share := s.merchants[merchant]
	doors := []chan struct{}{share.all, s.places}
	if s.suspects(address) {
		doors = []chan struct{}{share.suspect, share.all, s.places}
	}
	for i, door := range doors {
		select {
		case door <- struct{}{}:
		case <-ctx.Done():
			for _, passed := range doors[:i] {
				<-passed
			}
			return nil, ctx.Err()
		}
	}
	return func() {
		for _, passed := range doors {
			<-passed
		}
	}, nil
}

func (s *suspicion) suspects(address netip.Addr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.addresses[address]
	return r != nil && r.failures >= suspectAfter && s.now().Sub(r.last) < suspectFor
}

// note remembers that an address has sent what does not verify.
func (s *suspicion) note(address netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	r := s.addresses[address]
	if r == nil || now.Sub(r.last) >= suspectFor {
		if len(s.addresses) >= addressesKept {
			clear(s.addresses) // forgetting gives a forger more places for a moment, no more
		}
		r = &record{}
		s.addresses[address] = r
	}
	r.failures, r.last = r.failures+1, now
}

// sourceOf is where a connection comes from; all of an IPv6 network that is given to one
// customer counts as one address.
func sourceOf(remote string) netip.Addr {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	address = address.Unmap().WithZone("")
	if address.Is6() {
		const network = 64
		prefix, _ := address.Prefix(network) // 64 bits fit
		return prefix.Addr()
	}
	return address
}
