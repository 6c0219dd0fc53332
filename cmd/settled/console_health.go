package main

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"settled/cmd/settled/config"
	"settled/console"
	"settled/store/hints"
	"settled/wechat"
)

var _ console.Health = (*consoleHealth)(nil)

// consoleHealth is how this process and what it stands on are, for the operator's page.
type consoleHealth struct {
	process *process
	admin   *admin
}

// askPatience bounds how long a page waits for what may be away.
const askPatience = 2 * time.Second

// Failing names the dependencies that do not answer.
func (h *consoleHealth) Failing(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	return slices.Sorted(maps.Keys(h.admin.ask(ctx)))
}

// Queues is what waits in the streams, as it was measured last.
func (h *consoleHealth) Queues() []console.Queue { return h.process.metrics.waiting.queues() }

// DeadLetters is how many there were when they were measured last.
func (h *consoleHealth) DeadLetters() int { return h.process.metrics.waiting.deadLetters() }

// waiting is what was measured last, for people; the metrics have the same for programs.
type waiting struct {
	mu       sync.Mutex
	consumer map[string]console.Queue
	letters  int
	measured bool
}

func (w *waiting) note(q console.Queue) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.consumer == nil {
		w.consumer = map[string]console.Queue{}
	}
	w.consumer[q.Consumer] = q
}

func (w *waiting) noteLetters(kept int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.letters, w.measured = kept, true
}

func (w *waiting) queues() []console.Queue {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.SortedFunc(maps.Values(w.consumer), func(a, b console.Queue) int { return cmp.Compare(a.Consumer, b.Consumer) })
}

func (w *waiting) deadLetters() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.measured {
		return -1
	}
	return w.letters
}

// The states of what calls and notifies depend on.
const (
	keyGood      = "good"
	keyExpired   = "expired"
	keyMissing   = "missing"
	keyNotHeld   = "not_held" // another process may hold it; it is fetched with the first call
	keyLeftAlone = "left_alone"
)

// sights are what this process has seen of the merchants' hosts, and the tokens that it holds.
type sights struct {
	mu     sync.Mutex
	alone  map[[2]string]time.Time // hosts that are left alone, by merchant and name: since when
	tokens map[string]*hints.Tokens
}

// host notes that one of WeChat's hosts is left alone from now on, or no longer.
func (s *sights) host(merchant, name string, open bool, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.alone == nil {
		s.alone = map[[2]string]time.Time{}
	}
	delete(s.alone, [2]string{merchant, name})
	if open {
		s.alone[[2]string{merchant, name}] = at
	}
}

// forget forgets a merchant's hosts: with new keys they are found anew.
func (s *sights) forget(merchant string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.alone, func(host [2]string, _ time.Time) bool { return host[0] == merchant })
}

// holds notes where a merchant's access tokens are.
func (s *sights) holds(merchant string, tokens *hints.Tokens) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tokens == nil {
		s.tokens = map[string]*hints.Tokens{}
	}
	s.tokens[merchant] = tokens
}

// Keys is what this process knows of the merchants' tokens, keys and hosts.
func (h *consoleHealth) Keys() []console.Key {
	var keys []console.Key
	for _, name := range slices.Sorted(maps.Keys(h.process.merchants)) {
		m := h.process.cfg.Merchants[name]
		switch {
		case m.Legacy != nil:
			keys = append(keys, h.process.sights.token(name))
		case m.V3 != nil:
			keys = append(keys, h.process.certificates(m)...)
		}
		keys = append(keys, h.process.sights.hosts(m)...)
	}
	return keys
}

func (s *sights) token(merchant string) console.Key {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := console.Key{Merchant: merchant, What: "access token", State: keyNotHeld}
	if tokens := s.tokens[merchant]; tokens != nil {
		if k.Until = tokens.Held(); !k.Until.IsZero() {
			k.State = keyGood
		}
	}
	return k
}

// hosts are the hosts that a merchant's calls go to.
func (s *sights) hosts(m config.Merchant) []console.Key {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := []string{wechat.MainHost}
	if m.BackupEndpoint != "" {
		names = append(names, wechat.BackupHost)
	}
	var keys []console.Key
	for _, name := range names {
		k := console.Key{Merchant: m.Name, What: "host " + name, State: keyGood}
		if since, alone := s.alone[[2]string{m.Name, name}]; alone {
			k.State, k.Since = keyLeftAlone, since
		}
		keys = append(keys, k)
	}
	return keys
}

// certificates are what verifies WeChat's word to a merchant of APIv3, as far as this process
// has needed it by now.
func (p *process) certificates(m config.Merchant) []console.Key {
	var keys []console.Key
	if m.V3.PublicKeyID != "" {
		keys = append(keys, console.Key{Merchant: m.Name, What: "public key", State: keyGood})
	}
	gateway, ok := p.merchants[m.Name].Current().(*wechat.V3)
	if !ok {
		return keys
	}
	now := p.store.Now()
	for _, c := range gateway.PlatformCertificates() {
		k := console.Key{Merchant: m.Name, What: "platform certificate", State: keyGood, Since: c.NotBefore, Until: c.NotAfter}
		if !c.Lives(now) {
			k.State = keyExpired
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		keys = append(keys, console.Key{Merchant: m.Name, What: "platform certificate", State: keyMissing})
	}
	return keys
}
