package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"settled"
	"settled/events"
	"settled/events/bus"
	"settled/store"
	"settled/store/storetest"
)

// till is a shop that takes payments of all three protocols while things fail, and counts
// the money afterwards.
type till struct {
	w      *world
	ledger *store.Store // by a way of its own, past the network
	ids    []string
	busy   sync.WaitGroup

	mu       sync.Mutex
	promised map[string]bool // orders of which the ingress said that they are recorded
	paid     map[string]bool
}

var tillMerchants = []string{"classic", "shop2", "shop3"}

func merchantOf(i int) string { return tillMerchants[i%len(tillMerchants)] }

// open lets the shop request payments at an even pace, every second one over HTTP, until
// there are so many, and its customers pay each as soon as they can.
func (w *world) open(many int, pace time.Duration) *till {
	s := &till{w: w, ledger: storetest.Open(w.t, w.postgres), promised: map[string]bool{}, paid: map[string]bool{}}
	for i := range many {
		s.ids = append(s.ids, fmt.Sprintf("till%05d", i))
	}
	s.busy.Go(func() {
		next := time.NewTicker(pace)
		defer next.Stop()
		for i, id := range s.ids {
			s.busy.Go(func() { s.request(merchantOf(i), id, i%2 == 0) })
			<-next.C
		}
	})
	s.busy.Go(s.customers)
	return s
}

// request asks for a payment until somebody has taken it.
func (s *till) request(merchant, id string, overHTTP bool) {
	body := order(id, map[string]any{"merchant": merchant})
	for attempt := 0; ; attempt++ {
		ctx, cancel := context.WithTimeout(s.w.t.Context(), 6*time.Second)
		done := s.ask(ctx, body, id, overHTTP)
		cancel()
		if done || s.w.t.Context().Err() != nil {
			return
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-s.w.t.Context().Done():
			return
		}
	}
}

func (s *till) ask(ctx context.Context, body []byte, id string, overHTTP bool) bool {
	if !overHTTP {
		_, err := s.w.stream.Publish(ctx, events.PaymentRequested, body)
		return err == nil
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.w.ingress+"/v1/payments", strings.NewReader(string(body)))
	if err != nil {
		return false
	}
	request.Header.Set(bearer[0], bearer[1])
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusAccepted {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.promised[id] = true
	return true
}

// acknowledged looks at every order of which WeChat has heard success: PostgreSQL must have
// it by then, whatever is failing at that moment.
func (s *till) acknowledged() {
	for i, id := range s.ids {
		known, err := s.w.wechat.Order(merchantOf(i), id)
		if err != nil || !known.Acknowledged {
			continue
		}
		if p, err := s.ledger.Payment(s.w.t.Context(), merchantOf(i), id); err == nil && p.Status != settled.StatusCompleted {
			s.w.t.Errorf("WeChat heard success for %s, which is %s", id, p.Status)
		}
	}
}

// customers pay what is prepared, each order once.
func (s *till) customers() {
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for len(s.paid) < len(s.ids) {
		select {
		case <-look.C:
		case <-s.w.t.Context().Done():
			return
		}
		for i, id := range s.ids {
			if s.paid[id] {
				continue
			}
			p, err := s.ledger.Payment(s.w.t.Context(), merchantOf(i), id)
			if err != nil || p.Status == settled.StatusRequested {
				continue
			}
			if _, err := s.w.wechat.Pay(s.w.t.Context(), p.Prepared.Client); err != nil {
				s.w.t.Errorf("customer of %s: %v", id, err)
			}
			s.paid[id] = true
		}
		s.acknowledged()
	}
}

// reached waits until so many payments are completed.
func (s *till) reached(many int) {
	s.w.until(fmt.Sprintf("%d payments are completed", many), func() bool {
		s.acknowledged()
		return s.completed() >= many
	})
}

func (s *till) completed() (n int) {
	for i, id := range s.ids {
		if p, err := s.ledger.Payment(s.w.t.Context(), merchantOf(i), id); err == nil && p.Status == settled.StatusCompleted {
			n++
		}
	}
	return n
}

// count is what became of the money.
type count struct{ requested, paid, completed, lost, doubled int }

// String is the count in a row of a table.
func (c count) String() string {
	return fmt.Sprintf("requested %d, paid %d, completed %d, lost %d, doubled %d", c.requested, c.paid, c.completed, c.lost, c.doubled)
}

// close waits until everything has come to its end and counts. Whatever the shop was
// promised is there; WeChat has heard success for each payment, and for none that is not
// committed; and an audit finds nothing.
func (s *till) close() count {
	t := s.w.t
	t.Helper()
	s.busy.Wait()
	s.reached(len(s.ids))
	s.w.until("everything is published", func() bool {
		census, err := s.ledger.Census(t.Context())
		return err == nil && census.Unpublished == 0
	})
	told := s.told()
	c := count{requested: len(s.ids)}
	for i, id := range s.ids {
		s.w.until("WeChat has heard success for "+id, func() bool {
			known, err := s.w.wechat.Order(merchantOf(i), id)
			return err == nil && (known.Acknowledged || known.NotifiesSent == 0) // one that is never sent is never heard of
		})
		known, _ := s.w.wechat.Order(merchantOf(i), id)
		c.paid += min(1, known.Charges)
		c.completed += min(1, len(told[id]))
		if known.Charges > 0 && len(told[id]) == 0 {
			c.lost++
			t.Errorf("order %s was paid, and nobody was told", id)
		}
		if known.Charges > 1 || len(told[id]) > 1 {
			c.doubled++
			t.Errorf("order %s was charged %d times and completed by %d events", id, known.Charges, len(told[id]))
		}
	}
	for id := range s.promised {
		if len(told[id]) == 0 {
			t.Errorf("order %s was promised and is gone", id)
		}
	}
	if got := settledRuns(t.Context(), "audit", "--config", s.w.file); got.code != exitDone {
		t.Errorf("audit: exit %d\n%s%s", got.code, got.out, got.err)
	}
	return c
}

// told are the ids under which each order was told to be completed, as heard live and as
// the stream has it for whoever comes later.
func (s *till) told() map[string]map[string]bool {
	t := s.w.t
	t.Helper()
	told := map[string]map[string]bool{}
	note := func(order, id string) {
		if told[order] == nil {
			told[order] = map[string]bool{}
		}
		told[order][id] = true
	}
	for _, h := range s.w.all(events.PaymentCompleted, "") {
		note(h.order, h.id)
	}
	for _, header := range s.w.kept(t.Context(), events.PaymentCompleted) {
		note(header.Get(events.HeaderSubject), header.Get(events.HeaderID))
	}
	return told
}

// kept are the headers of every message of a subject that SETTLED_OUT has.
func (w *world) kept(ctx context.Context, subject string) []nats.Header {
	w.t.Helper()
	consumer, err := w.stream.OrderedConsumer(ctx, bus.Out, jetstream.OrderedConsumerConfig{FilterSubjects: []string{subject}})
	if err != nil {
		w.t.Fatal(err)
	}
	info, err := consumer.Info(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	var headers []nats.Header
	for range info.NumPending {
		m, err := consumer.Next(jetstream.FetchMaxWait(patience))
		if err != nil {
			w.t.Fatal(err)
		}
		headers = append(headers, m.Headers())
	}
	return headers
}
