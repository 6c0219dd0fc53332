package workers_test

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"settled"
	"settled/events"
	"settled/workers"
)

// virtual is workers in a bubble: an hour passes in a millisecond, and only when everybody
// in it waits.
type virtual struct {
	t      *testing.T
	began  time.Time
	memory *memory
	shop   *shopkeeper
	bus    *bubbleBus
	said   *said
	cfg    workers.Config
}

// inBubble runs a test of workers whose time is virtual.
func inBubble(t *testing.T, test func(t *testing.T, v *virtual)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &virtual{
			t: t, began: time.Now(), memory: newMemory(), shop: &shopkeeper{wechat: newWechat()},
			bus: &bubbleBus{}, said: &said{messages: map[string]int{}},
		}
		v.cfg = workers.Config{
			Ledger: v.memory, Bus: v.bus, Merchants: map[string]workers.Merchant{"shop3": {Protocol: "v3", Gateway: v.shop}},
			TTL: 30 * time.Minute, Now: time.Now, Metrics: uncounted{}, Log: slog.New(v.said),
			QuerySchedule: []time.Duration{
				5 * time.Second, 30 * time.Second, time.Minute, 3 * time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute,
			},
		}
		test(t, v)
	})
}

// start runs a pool, as one machine does, and returns what stops it.
func (v *virtual) start(pool string) (stop func()) {
	v.t.Helper()
	cfg := v.cfg
	cfg.Pools = []string{pool}
	w, err := workers.New(cfg)
	if err != nil {
		v.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(v.t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := w.Run(ctx); err != nil {
			v.t.Error(err)
		}
	})
	return func() { cancel(); running.Wait() }
}

// has puts payment p1 of order001 into the ledger.
func (v *virtual) has(p settled.Payment) {
	p.ID, p.Merchant, p.OrderID, p.Amount = "p1", "shop3", "order001", settled.Money{Total: 1999, Currency: settled.CNY}
	v.memory.mu.Lock()
	defer v.memory.mu.Unlock()
	v.memory.payments[p.ID] = &p
}

// stands is that payment as the ledger has it.
func (v *virtual) stands() settled.Payment {
	v.memory.mu.Lock()
	defer v.memory.mu.Unlock()
	return *v.memory.payments["p1"]
}

// pass lets time go by, until everybody waits again.
func pass(d time.Duration) {
	time.Sleep(d) // the bubble's time
	synctest.Wait()
}

// shopkeeper is the scripted WeChat, and remembers when it was asked.
type shopkeeper struct {
	*wechat
	mu    sync.Mutex
	times []time.Time
	hang  chan struct{} // queries wait for it
}

func (s *shopkeeper) note() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.times = append(s.times, time.Now())
}

// since is when WeChat was asked, counted from a moment before all of it.
func (s *shopkeeper) since(moment time.Time) (times []time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, at := range s.times {
		times = append(times, at.Sub(moment))
	}
	return times
}

func (s *shopkeeper) Prepay(ctx context.Context, p settled.Payment) (settled.Prepared, error) {
	s.note()
	return s.wechat.Prepay(ctx, p)
}

func (s *shopkeeper) Query(ctx context.Context, p settled.Payment) (settled.Trade, error) {
	s.note()
	if s.hang != nil {
		select {
		case <-s.hang:
		case <-ctx.Done():
			return settled.Trade{}, &settled.Unknown{Code: "timeout", Err: ctx.Err()}
		}
	}
	return s.wechat.Query(ctx, p)
}

func (s *shopkeeper) Close(ctx context.Context, p settled.Payment) error {
	s.note()
	return s.wechat.Close(ctx, p)
}

// bubbleBus delivers its messages again as their handlers ask.
type bubbleBus struct {
	mu     sync.Mutex
	inbox  []events.Message
	trims  int
	tries  []time.Time // of publishing
	broken error       // the streams take nothing
}

func (b *bubbleBus) Consume(ctx context.Context, c events.Consumer, handle events.Handler) error {
	for _, m := range b.inbox {
		for later := m.Subject == c.Subject; later; {
			m.Attempt++
			var d time.Duration
			d, later = events.IsLater(handle(ctx, m))
			time.Sleep(d) // the bubble's time
		}
	}
	<-ctx.Done()
	return nil
}

func (b *bubbleBus) PublishAll(_ context.Context, envelopes []events.Envelope) (uint64, []error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tries = append(b.tries, time.Now())
	outcomes := make([]error, len(envelopes))
	for i := range outcomes {
		outcomes[i] = b.broken
	}
	return 0, outcomes
}

func (b *bubbleBus) Streams(context.Context) ([]events.Stream, error) { return nil, nil }

func (b *bubbleBus) Reconnected() <-chan struct{} { return nil }

func (b *bubbleBus) Reply(string, events.Reply) error { return nil }

func (b *bubbleBus) Trim(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trims++
	return nil
}

// said is a log that counts its messages.
type said struct {
	mu       sync.Mutex
	messages map[string]int
}

func (s *said) Enabled(context.Context, slog.Level) bool { return true }
func (s *said) WithAttrs([]slog.Attr) slog.Handler       { return s }
func (s *said) WithGroup(string) slog.Handler            { return s }

func (s *said) Handle(_ context.Context, r slog.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages[r.Message]++
	return nil
}

func (s *said) counts() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.messages)
}
