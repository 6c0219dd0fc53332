package main

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"settled"
	"settled/audit"
	"settled/events"
	"settled/events/bus"
	"settled/store/storetest"
)

// hasty is an auditor that a test need not wait for.
var hasty = audit.Config{
	Every: 20 * time.Millisecond, Behind: 200 * time.Millisecond, Again: 300 * time.Millisecond, Often: 200 * time.Millisecond,
}

// breaksTold are the breaks of a check that subscribers heard of.
func (w *world) breaksTold(check settled.Check) (told []heard) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, h := range w.heard {
		if h.subject == events.AuditBroken && h.body["check"] == string(check) {
			told = append(told, h)
		}
	}
	return told
}

// breaksKept is how often the stream tells of a break of this check. A subscriber may hear one of
// them again; the stream keeps it once.
func (w *world) breaksKept(check settled.Check) (kept int) {
	w.t.Helper()
	w.walk(bus.Out, func(m *jetstream.RawStreamMsg) {
		var told events.Broken
		if m.Subject == events.AuditBroken && json.Unmarshal(m.Data, &told) == nil && told.Check == string(check) {
			kept++
		}
	})
	return kept
}

// audited waits until the running auditor has looked once more.
func (w *world) audited() {
	w.t.Helper()
	looked := func() string { return w.metric(`settled_audit_looked_at_total{check="history"}`) }
	before := looked()
	w.until("the auditor looks", func() bool { return looked() != before })
}

// A look makes the whole fleet rest, and the next one comes all the same.
func TestTheRunningAuditorRests(t *testing.T) {
	t.Parallel()
	w := lived(t)
	w.audits = hasty
	w.serve()
	for range 3 {
		w.audited()
	}
	var rests bool
	err := storetest.DB(t, w.postgres).QueryRowContext(t.Context(), `select exists (select from audit_places where name = 'rest')`).Scan(&rests)
	if err != nil || !rests {
		t.Errorf("nobody knows how long the auditor rests (%v)", err)
	}
}

// Each break, made by hand, is told as an event, a metric and a line of the log.
func TestTheRunningAuditorFindsEveryBreak(t *testing.T) {
	t.Parallel()
	w := lived(t)
	log := &written{}
	w.log, w.audits = log, hasty
	// Before anybody works: it takes a lock on the whole table.
	w.write(`alter table payments disable trigger user; alter table payments drop constraint payment_refunding;`)
	w.serve()
	completed := w.find(events.PaymentCompleted, "shop301")
	for _, step := range []struct {
		check settled.Check
		order string
		begin func()
	}{
		{settled.CheckCompletedOnce, "classic01", func() {
			w.write(`update events set type = 'payment.flagged' where order_id = 'classic01' and type = 'payment.completed'`)
		}},
		{settled.CheckHistory, "shop201", func() {
			w.write(`update payments set version = version + 1 where order_id = 'shop201'`)
		}},
		{settled.CheckRefunds, "shop301", func() {
			w.write(`update payments set refunding = 1999 where order_id = 'shop301'`)
		}},
		{settled.CheckAsTold, "shop201", func() {
			w.write(`update payments set late = true where order_id = 'shop201'`)
		}},
		{settled.CheckStill, "", func() { // no relay finds what is not there
			w.write(`insert into outbox (event_id, queued) values (gen_random_uuid(), now() - interval '1 day')`)
		}},
		{settled.CheckToldOnce, "shop301", func() { w.retell(completed, stranger) }},
		{settled.CheckAmounts, "shop301", func() {
			w.retell(completed, completed.Header.Get(events.HeaderID), `"total":1999`, `"total":1998`)
		}},
		{settled.CheckPublished, "lost00001", func() {
			w.write(`insert into events (id, type, merchant, order_id, at, data)
				values (gen_random_uuid(), 'payment.rejected', 'classic', 'lost00001', now(), '{}')`)
		}},
	} {
		step.begin()
		w.until(string(step.check)+" is told", func() bool {
			for _, h := range w.breaksTold(step.check) {
				if h.order == step.order && h.body["detail"] != "" && h.body["found_at"] != "" {
					return true
				}
			}
			return false
		})
		w.until(string(step.check)+" is counted and logged", func() bool {
			name := fmt.Sprintf(`_breaks{check=%q}`, step.check)
			open, all := w.metric("settled_audit_open"+name), w.metric(fmt.Sprintf(`settled_audit_breaks_total{check=%q}`, step.check))
			return open != "0" && open != "" && all != "0" && log.count("check="+string(step.check)+" ") > 0
		})
	}
	if log.count("audit found a break") == 0 {
		t.Error("no line of the log names a break")
	}
	w.write(`delete from outbox where queued < now() - interval '1 hour'`)
	w.until("what was mended is open no longer", func() bool { return w.metric(`settled_audit_open_breaks{check="still"}`) == "0" })
}

// WeChat heard success, and nothing is committed.
func TestAnAcknowledgedNotifyThatIsNotCommittedIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	w.audits = hasty
	w.serve()
	w.publish(events.PaymentRequested, order("forged001", nil))
	w.expect(events.PaymentPrepared, "forged001")
	w.publish(events.PaymentRequested, order("honest001", nil))
	w.customerPays(w.expect(events.PaymentPrepared, "honest001"))
	w.expect(events.PaymentCompleted, "honest001")
	// A worker that replies before it commits, as the ingress sees it.
	watch := &audit.Watch{
		Ledger: storetest.Open(t, w.postgres), Now: time.Now, After: time.Millisecond,
		LookedAt: func(int) {}, Dropped: func(int) {},
	}
	watch.Note(settled.Acknowledged{
		Merchant: "classic", OrderID: "forged001", TransactionID: "42", Final: true, At: time.Now().Add(-time.Second),
	})
	go watch.Run(t.Context())
	w.until("it is told", func() bool { return len(w.breaksTold(settled.CheckAcknowledged)) > 0 })
	w.until("and kept", func() bool { return w.breaksKept(settled.CheckAcknowledged) > 0 }) // a subscriber may be faster
	if kept := w.breaksKept(settled.CheckAcknowledged); kept != 1 {
		t.Errorf("told %d times", kept)
	}
	if told := w.breaksTold(settled.CheckAcknowledged)[0]; told.body["order_id"] != "forged001" {
		t.Errorf("told %s", told.raw)
	}
	w.until("the honest one is looked at", func() bool {
		return w.metric(`settled_audit_looked_at_total{check="acknowledged"}`) != "0"
	})
}

// Two auditors at once tell a break once, and the second goes on where the first stopped.
func TestTwoAuditorsTellABreakOnce(t *testing.T) {
	t.Parallel()
	w := lived(t)
	log := &written{}
	w.log, w.audits = log, hasty
	stop := w.serve()
	w.configure(worldConfig{}) // other ports
	w.serve()
	w.audited()
	w.write(`update payments set version = version + 1 where order_id = 'shop201'`)
	w.until("it is told", func() bool { return len(w.breaksTold(settled.CheckHistory)) > 0 })
	// The line comes after the commit: a process that stops between the two leaves the event and no line.
	w.until("and logged", func() bool { return log.count("audit found a break") > 0 })
	stop()
	w.write(`update payments set version = version + 1 where order_id = 'shop301'`)
	w.until("the other goes on", func() bool { return w.breaksKept(settled.CheckHistory) > 1 })
	w.until("and both are logged", func() bool { return log.count("audit found a break") >= 2 })
	if told, lines := w.breaksKept(settled.CheckHistory), log.count("audit found a break"); told != 2 || lines != 2 {
		t.Errorf("told %d times, logged %d times", told, lines)
	}
}

// Under load, with refunds, flags and late payments, nothing is told; nor while NATS is
// away and after it was lost.
func TestTheRunningAuditorTellsNothingOfAWorldThatIsRight(t *testing.T) {
	t.Parallel()
	w := lived(t)
	w.audits = hasty
	w.serve()
	for n := range 30 {
		id := fmt.Sprintf("busy%05d", n)
		w.publish(events.PaymentRequested, order(id, map[string]any{"merchant": "shop3", "expires_at": time.Now().Add(time.Hour).Format(time.RFC3339)}))
		w.customerPays(w.expect(events.PaymentPrepared, id))
		w.expect(events.PaymentCompleted, id)
		if n%5 == 0 {
			w.publish(events.RefundRequested, refund("shop3", id, id+"-R1", 500, 1999))
			w.expectRefund(events.RefundCompleted, id+"-R1")
		}
	}
	w.write(`select pg_terminate_backend(pid) from pg_stat_activity where query like '%audit%' and pid <> pg_backend_pid()`)
	if err := w.stream.DeleteStream(t.Context(), "SETTLED_OUT"); err != nil {
		t.Fatal(err)
	}
	w.audited()
	w.until("a round is through", func() bool {
		at := w.metric("settled_audit_last_round_timestamp_seconds")
		return at != "" && at != "0"
	})
	w.audited()
	for _, check := range auditedChecks() {
		if open := w.metric(fmt.Sprintf("settled_audit_breaks_total{check=%q}", check)); open != "0" {
			t.Errorf("%s: %s breaks", check, open)
		}
	}
}
