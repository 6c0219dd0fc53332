package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"settled/embedded"
	"settled/events"
	"settled/store/storetest"
	"settled/wechat/simulator"
)

// ownPostgres is a PostgreSQL that the test may kill.
func ownPostgres(t *testing.T) *embedded.Postgres {
	t.Helper()
	postgres, err := embedded.StartPostgres(t.Context(), embedded.PostgresConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = postgres.Stop(t.Context()) })
	return postgres
}

// Without PostgreSQL nothing is recorded and nothing is lost: callers are told, messages
// wait, and all goes on when it is back.
func TestPostgresIsKilledAndComesBack(t *testing.T) {
	t.Parallel()
	postgres := ownPostgres(t)
	w := newWorld(t, worldConfig{postgres: postgres.URL(), deliver: true})
	w.serve()
	w.publish(events.PaymentRequested, order("killed001", nil))
	prepared := w.expect(events.PaymentPrepared, "killed001")

	postgres.Kill()
	w.publish(events.PaymentRequested, order("killed002", nil))
	w.customerPays(prepared)
	answer := w.call(http.MethodPost, "/v1/payments", order("killed003", nil), bearer...)
	if answer.status != http.StatusServiceUnavailable || answer.header.Get("Retry-After") == "" {
		t.Errorf("without PostgreSQL the ingress answers %d %s", answer.status, answer.text)
	}
	w.until("readyz names postgres", func() bool {
		ready := w.callAt(w.admin+"/readyz", http.MethodGet, nil)
		return ready.status == http.StatusServiceUnavailable && strings.Contains(ready.text, "postgres")
	})
	if len(w.all(events.PaymentCompleted, "killed001")) > 0 {
		t.Error("a payment was completed without PostgreSQL")
	}

	if err := postgres.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.expect(events.PaymentCompleted, "killed001")
	w.completedOnce("classic", "killed001")
	w.expect(events.PaymentPrepared, "killed002")
	w.expect(events.PaymentPrepared, "killed003")
}

// A PostgreSQL that keeps its connections and says nothing is given up after a while, and
// used again when it speaks.
func TestPostgresFallsSilent(t *testing.T) {
	t.Parallel()
	postgres := ownPostgres(t)
	w := newWorld(t, worldConfig{postgres: postgres.URL()})
	w.serve()
	w.publish(events.PaymentRequested, order("silent001", nil))
	prepared := w.expect(events.PaymentPrepared, "silent001")

	postgres.Pause()
	t.Cleanup(postgres.Resume)
	w.customerPays(prepared)
	answer := w.call(http.MethodPost, "/v1/payments", order("silent002", nil), bearer...)
	if answer.status != http.StatusServiceUnavailable {
		t.Errorf("with a silent PostgreSQL the ingress answers %d %s", answer.status, answer.text)
	}
	postgres.Resume()
	w.expect(events.PaymentCompleted, "silent001")
	w.completedOnce("classic", "silent001")
	w.expect(events.PaymentPrepared, "silent002")
}

// NATS loses everything it had: what PostgreSQL knows goes on.
func TestNATSLosesItsStreams(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{deliver: true})
	w.serve()
	w.publish(events.PaymentRequested, order("wiped0001", nil))
	prepared := w.expect(events.PaymentPrepared, "wiped0001")
	if err := w.nats.Wipe(); err != nil {
		t.Fatal(err)
	}
	w.customerPays(prepared)
	w.expect(events.PaymentCompleted, "wiped0001")
	w.completedOnce("classic", "wiped0001")
	w.publish(events.PaymentRequested, order("wiped0002", nil))
	w.expect(events.PaymentPrepared, "wiped0002")
}

// NATS is restarted while a payment is paid.
func TestNATSIsRestarted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	w.serve()
	w.publish(events.PaymentRequested, order("again0001", nil))
	prepared := w.expect(events.PaymentPrepared, "again0001")
	w.customerPays(prepared)
	if err := w.nats.Restart(); err != nil {
		t.Fatal(err)
	}
	w.expect(events.PaymentCompleted, "again0001")
	w.completedOnce("classic", "again0001")
}

// Redis is emptied, dies and comes back: payments go on with what is in memory, and the
// operator is told.
func TestRedisVanishes(t *testing.T) {
	t.Parallel()
	server, err := embedded.StartRedisServer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Stop(t.Context()) })
	w := newWorld(t, worldConfig{redisURL: server.URL()})
	w.serve()
	pay := func(id string) {
		t.Helper()
		w.publish(events.PaymentRequested, order(id, nil))
		w.customerPays(w.expect(events.PaymentPrepared, id))
		w.expect(events.PaymentCompleted, id)
	}
	pay("redis0001")
	if err := server.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	pay("redis0002")
	server.Kill()
	pay("redis0003")
	w.until("readyz names redis", func() bool {
		return strings.Contains(w.callAt(w.admin+"/readyz", http.MethodGet, nil).text, "redis")
	})
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.until("readyz is content", func() bool {
		return w.callAt(w.admin+"/readyz", http.MethodGet, nil).status == http.StatusOK
	})
	pay("redis0004")
}

// Tokens that WeChat no longer takes are replaced in the middle of the work.
func TestAllTokensExpire(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	w.serve()
	for _, id := range []string{"token0001", "token0002", "token0003"} {
		w.publish(events.PaymentRequested, order(id, nil))
		w.customerPays(w.expect(events.PaymentPrepared, id))
		w.wechat.ExpireTokens()
		w.expect(events.PaymentCompleted, id)
	}
}

// WeChat is down when a payment's time is up. Unknown is not unpaid: the payment is left
// open until WeChat answers, and WeChat says that it was paid.
func TestNothingIsClosedWhileWeChatIsDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{switches: silent, ttl: 3 * time.Second})
	w.serve()
	w.publish(events.PaymentRequested, order("down00001", nil))
	w.customerPays(w.expect(events.PaymentPrepared, "down00001"))
	w.switches(simulator.Switches{Gateway: simulator.GatewaySwitches{Down: 1}})

	s := storetest.Open(t, w.postgres)
	w.until("WeChat was asked in vain after expiry", func() bool {
		p, err := s.Payment(t.Context(), "classic", "down00001")
		return err == nil && p.Attempts >= 2 && s.Now().After(p.ExpiresAt)
	})
	if state := w.state("down00001"); state != "prepared" {
		t.Errorf("while WeChat was down the payment became %s", state)
	}
	w.switches(simulator.Switches{})
	if completed := w.expect(events.PaymentCompleted, "down00001"); completed["source"] != "query" {
		t.Errorf("completed by %v, want query", completed["source"])
	}
}

func (w *world) switches(s simulator.Switches) {
	w.t.Helper()
	if err := w.wechat.Switch(s); err != nil {
		w.t.Fatal(err)
	}
}
