package console

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How often somebody may try to sign in: a few times at once, and then slowly.
const (
	triesByName, pauseByName       = 5, 30 * time.Second
	triesByAddress, pauseByAddress = 20, 6 * time.Second
	// mostRemembered bounds how many names, or addresses, are told apart. Those for whom
	// there is no room share one count.
	mostRemembered = 4096
)

// patience counts tries by name or by address.
type patience struct {
	tries int
	pause time.Duration

	mu    sync.Mutex
	by    map[string]*rate.Limiter
	other *rate.Limiter
}

func newPatience(tries int, pause time.Duration) *patience {
	p := &patience{tries: tries, pause: pause, by: map[string]*rate.Limiter{}}
	p.other = p.fresh()
	return p
}

func (p *patience) fresh() *rate.Limiter { return rate.NewLimiter(rate.Every(p.pause), p.tries) }

// allows counts one more try, if there may be one now.
func (p *patience) allows(who string, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	limiter, known := p.by[who]
	if !known {
		if len(p.by) >= mostRemembered {
			p.forget(now)
		}
		if len(p.by) >= mostRemembered {
			return p.other.AllowN(now, 1)
		}
		limiter = p.fresh()
		p.by[who] = limiter
	}
	return limiter.AllowN(now, 1)
}

// forget drops everybody whose tries are all there again.
func (p *patience) forget(now time.Time) {
	for who, limiter := range p.by {
		if limiter.TokensAt(now) >= float64(p.tries) {
			delete(p.by, who)
		}
	}
}

// origin is the address that tries are counted by: of IPv6 the network, because a single
// customer has all of its addresses.
func origin(remote string) string {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return "unknown"
	}
	address := at.Addr().Unmap()
	if address.Is6() {
		network, _ := address.Prefix(64) // 64 is never too much
		return network.String()
	}
	return address.String()
}
