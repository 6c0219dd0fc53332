package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"settled/events"
	"settled/events/bus"
	"settled/store/storetest"
	"settled/wechat/simulator"
)

// complete takes orders from their request to payment.completed, and returns the ce-id of
// each order's.
func (w *world) complete(name string, count int) map[string]string {
	w.t.Helper()
	ids := map[string]string{}
	for i := range count {
		id := fmt.Sprintf("%s%04d", name, i)
		w.publish(w.prefix+events.PaymentRequested, order(id, nil))
		w.customerPays(w.expect(events.PaymentPrepared, id))
	}
	for i := range count {
		id := fmt.Sprintf("%s%04d", name, i)
		w.expect(events.PaymentCompleted, id)
		for ceID := range w.once(events.PaymentCompleted, id) {
			ids[id] = ceID
		}
	}
	return ids
}

// subscriber reads the stream of events from its beginning, as somebody does who connects
// after the loss with a durable consumer of his own, and returns each order's events in the
// order of their first coming.
func (w *world) subscriber() map[string][]heard {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	stream, err := w.stream.Stream(ctx, strings.ReplaceAll(w.prefix, ".", "_")+bus.Out)
	if err != nil {
		return nil
	}
	consumer, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		Durable: fmt.Sprintf("subscriber%d", apps.Add(1)), AckPolicy: jetstream.AckExplicitPolicy,
	})
	if err != nil {
		return nil
	}
	of, seen := map[string][]heard{}, map[string]bool{}
	for left := consumer.CachedInfo().NumPending; left > 0; left-- {
		m, err := consumer.Next(jetstream.FetchMaxWait(5 * time.Second))
		if err != nil {
			return nil
		}
		h := heard{subject: strings.TrimPrefix(m.Subject(), w.prefix), id: m.Headers().Get(events.HeaderID), order: m.Headers().Get(events.HeaderSubject)}
		if !seen[h.id] {
			seen[h.id] = true
			of[h.order] = append(of[h.order], h)
		}
	}
	return of
}

// madeGood waits until a new subscriber gets every completed payment with its old id, after
// its payment.prepared, and then audits.
func (w *world) madeGood(completed map[string]string) {
	w.t.Helper()
	w.until("a subscriber gets everything", func() bool {
		got := w.subscriber()
		for order, id := range completed {
			of := got[order]
			if len(of) == 0 || of[len(of)-1].subject != events.PaymentCompleted {
				return false
			}
			if of[len(of)-1].id != id || len(of) != 2 || of[0].subject != events.PaymentPrepared {
				w.t.Fatalf("order %s came as %+v, want prepared and completed %s", order, of, id)
			}
		}
		return true
	})
	w.auditClean()
}

func (w *world) auditClean() {
	w.t.Helper()
	var out, err bytes.Buffer
	if code := run(w.t.Context(), []string{"audit", "--config", w.file, "--log-level", "error"}, streams{out: &out, err: &err}); code != exitDone {
		w.t.Errorf("the audit exits %d\n%s%s", code, out.String(), err.String())
	}
}

// counted reads a metric; whatever its labels, added up.
func (w *world) counted(metric string) (sum float64) {
	w.t.Helper()
	for name, value := range w.metrics() {
		if strings.HasPrefix(name, metric) {
			var n float64
			if _, err := fmt.Sscan(value, &n); err != nil {
				w.t.Fatal(err)
			}
			sum += n
		}
	}
	return sum
}

// lostAll waits until every stream's loss is counted.
func (w *world) lostAll(times float64) {
	w.t.Helper()
	w.until("the losses are counted", func() bool { return w.counted("settled_stream_losses_total{") == 4*times })
}

// lostEvents waits until one loss of events is counted.
func (w *world) lostEvents() {
	w.t.Helper()
	w.until("the loss is counted", func() bool { return w.counted(`settled_stream_losses_total{stream="SETTLED_OUT"}`) == 1 })
}

// The store is wiped while nothing happens, twice: each time it is noticed and made good.
func TestAWipeAtRestIsMadeGood(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"", "shop.test."} {
		t.Run("prefix "+prefix, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, worldConfig{prefix: prefix})
			w.serve()
			completed := w.complete("rest", 5)
			for times := range 2 {
				if err := w.nats.Wipe(); err != nil {
					t.Fatal(err)
				}
				w.lostAll(float64(times + 1))
				w.madeGood(completed)
			}
			if replayed := w.counted("settled_events_replayed_total"); replayed < 20 {
				t.Errorf("%v events replayed, want 20", replayed)
			}
		})
	}
}

// The store is wiped again and again while payments are made.
func TestAWipeUnderLoadIsMadeGood(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{schedule: "[1s, 2s, 3s]"})
	w.serve()
	completed := w.complete("first", 5)
	ids := make([]string, 60)
	for i := range ids {
		ids[i] = fmt.Sprintf("load%04d", i)
		w.publish(events.PaymentRequested, order(ids[i], nil))
	}
	w.until("all are prepared", func() bool { return w.told(events.PaymentPrepared, ids) == len(ids) })
	for i, id := range ids {
		w.customerPays(w.all(events.PaymentPrepared, id)[0].body)
		if i%20 == 10 {
			if err := w.nats.Wipe(); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.until("all are completed", func() bool { return w.told(events.PaymentCompleted, ids) == len(ids) })
	for _, id := range ids {
		of := w.once(events.PaymentCompleted, id)
		if len(of) != 1 {
			t.Errorf("order %s was completed as %v", id, of)
		}
		for ceID := range of {
			completed[id] = ceID
		}
	}
	w.madeGood(completed)
}

// Nobody is there when it happens: it is noticed at the next start.
func TestAWipeWhileNobodyWorksIsNoticedAtStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	stop := w.serve()
	completed := w.complete("start", 4)
	stop()
	if err := w.nats.Wipe(); err != nil {
		t.Fatal(err)
	}
	stop = w.serveParts(parts{ingress: true, admin: true}) // makes the streams, and looks at none
	stop()
	w.serve()
	w.lostAll(1)
	w.madeGood(completed)
}

// An older copy of the store is put back: the same streams, without their last messages.
func TestAnOlderCopyIsMadeGood(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	w.serve()
	completed := w.complete("before", 3)
	copied := t.TempDir()
	if err := w.nats.Copy(copied); err != nil {
		t.Fatal(err)
	}
	for id, ceID := range w.complete("after", 3) {
		completed[id] = ceID
	}
	if err := w.nats.PutBack(copied); err != nil {
		t.Fatal(err)
	}
	w.lostEvents()
	w.madeGood(completed)
}

// A bad disk has taken an event out of the middle of its stream, of which the server says
// nothing. The audit names it, and it is published again by hand.
func TestADamagedEventIsFoundByTheAudit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	w.serve()
	completed := w.complete("bad", 3)
	if err := w.nats.Damage(completed["bad0001"], false); err != nil {
		t.Fatal(err)
	}
	var found output
	w.until("the audit finds it", func() bool {
		found = settledRuns(t.Context(), "audit", "--config", w.file, "--log-level", "error")
		return found.code == exitFailed && strings.Contains(found.out, "bad0001")
	})
	if !strings.Contains(found.out, "published") || strings.Contains(found.out, "bad0000") || strings.Contains(found.out, "bad0002") {
		t.Errorf("the audit says\n%s", found.out)
	}
	settledRuns(t.Context(), "events", "replay", "--config", w.file, "--since", "1h", "--order", "bad0001").said(t, exitDone, "published again")
	w.madeGood(completed)
}

// A bad disk and a crash at once: without its index the server ends the stream before what it
// can't read. That is noticed, and made good from there.
func TestAStreamThatEndsBeforeItsDamageIsMadeGood(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	w.serve()
	completed := w.complete("torn", 3)
	if err := w.nats.Damage(completed["torn0001"], true); err != nil {
		t.Fatal(err)
	}
	w.lostEvents()
	w.madeGood(completed)
}

// A restart loses nothing, so nothing is published again.
func TestARestartIsNoLoss(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	w.serve()
	completed := w.complete("clean", 3)
	for range 2 {
		if err := w.nats.Restart(); err != nil {
			t.Fatal(err)
		}
		for id, ceID := range w.complete(fmt.Sprintf("after%d", len(completed)), 1) { // over the new connection, so that it was looked at
			completed[id] = ceID
		}
	}
	if lost, replayed := w.counted("settled_stream_losses_total"), w.counted("settled_events_replayed_total"); lost != 0 || replayed != 0 {
		t.Errorf("%v losses, %v events replayed", lost, replayed)
	}
	w.madeGood(completed)
}

// What a worker had recorded goes on by itself, though every message about it is lost: an
// order that could not be prepared, and one that was paid while the notify got lost.
func TestRecordedPaymentsGoOnAfterAWipe(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{switches: silent, schedule: "[3s, 4s]"})
	w.serve()
	w.publish(events.PaymentRequested, order("paid00001", nil))
	prepared := w.expect(events.PaymentPrepared, "paid00001")
	w.switches(simulator.Switches{Gateway: simulator.GatewaySwitches{Down: 1}})
	w.publish(events.PaymentRequested, order("asked0001", nil))
	w.until("it is recorded", func() bool { return w.state("asked0001") == "requested" })
	if err := w.nats.Wipe(); err != nil {
		t.Fatal(err)
	}
	w.switches(silent)
	w.customerPays(prepared)
	if by := w.expect(events.PaymentCompleted, "paid00001")["source"]; by != "query" {
		t.Errorf("completed by %v", by)
	}
	w.expect(events.PaymentPrepared, "asked0001")
	w.publish(events.PaymentRequested, order("after0001", nil)) // the consumers are back
	w.expect(events.PaymentPrepared, "after0001")
}

// By hand, the same: what is asked for is published again under its id, and a dry run
// counts.
func TestEventsAreReplayedByHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	stop := w.serve()
	completed := w.complete("hand", 3)
	db := storetest.Open(t, w.postgres)
	w.until("nothing waits", func() bool {
		census, err := db.Census(t.Context())
		return err == nil && census.Unpublished == 0
	})
	stop()
	settled := func(want int, words ...string) string {
		t.Helper()
		var out, err bytes.Buffer
		arguments := append([]string{"events", "replay", "--config", w.file}, words...)
		if code := run(t.Context(), arguments, streams{out: &out, err: &err}); code != want {
			t.Errorf("%v exits %d, want %d: %s", words, code, want, err.String())
		}
		return out.String()
	}
	for _, c := range []struct {
		words string
		code  int
		says  string
	}{
		{"--since 1h --dry-run", 0, "payment.completed  3\npayment.prepared   3\n6 events would be published again\n"},
		{"--since 1h --until 30m", 0, "0 events are published again\n"},
		{"--since 1h --type payment.prepared --order hand0001 --dry-run", 0, "payment.prepared  1\n1 events would be published again\n"},
		{"--since 1h --merchant other", 0, "0 events are published again\n"},
		{"--since " + time.Now().Add(-time.Hour).Format(time.RFC3339) + " --type payment.completed --rate 2", 0, "payment.completed  3\n3 events are published again\n"},
		{"--since 1h --type payment.completed", 0, "payment.completed  3\n3 events are published again; 3 of them waited already\n"},
		{"", 2, ""},
		{"--since yesterday", 2, ""},
		{"--since 1h --until 2h", 2, ""},
		{"--since 1h --type payment.lost", 2, ""},
		{"--since 1h --rate -1", 2, ""},
		{"--since 1h too", 2, ""},
	} {
		if says := settled(c.code, strings.Fields(c.words)...); says != c.says {
			t.Errorf("events replay %s says\n%s, want\n%s", c.words, says, c.says)
		}
	}
	before := len(w.all(events.PaymentCompleted, ""))
	w.serve()
	// Who listens without a stream may hear them twice: it knows them already, and refuses to
	// store them together.
	w.until("they are told again", func() bool { return len(w.all(events.PaymentCompleted, "")) >= before+3 })
	for id, ceID := range completed {
		if ids := w.once(events.PaymentCompleted, id); len(ids) != 1 || !ids[ceID] {
			t.Errorf("order %s came as %v, want %s", id, ids, ceID)
		}
	}
}

// Somebody removes every stream from a server that goes on: the first who publishes makes
// the one that is missed, and what subscribers may have missed comes before what is new.
func TestStreamsThatAreRemovedComeBackInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{switches: silent})
	w.serve()
	w.publish(events.PaymentRequested, order("removed01", nil))
	receipt := w.customerPays(w.expect(events.PaymentPrepared, "removed01"))
	query, body := w.notifyOf(receipt, 1999)
	for _, name := range []string{bus.Orders, bus.Notify, bus.Out, bus.Dead} {
		if err := w.stream.DeleteStream(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	w.call(http.MethodPost, "/v1/payments", order("removed02", nil), bearer...)
	w.repeats(func() bool { return w.call(http.MethodPost, "/notify/classic?"+query, body).text == "success" })
	w.until("a subscriber gets everything in order", func() bool {
		var told []string
		for _, h := range w.subscriber()["removed01"] {
			told = append(told, h.subject)
		}
		if len(told) > 0 && told[0] != events.PaymentPrepared {
			t.Fatalf("told %v", told)
		}
		return slices.Equal(told, []string{events.PaymentPrepared, events.PaymentCompleted})
	})
	w.auditClean()
}
