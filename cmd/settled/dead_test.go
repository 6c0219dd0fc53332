package main

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"settled/events"
	"settled/events/bus"
	"settled/store/storetest"
)

// deadWorld is a world with streams and tables, in which nobody works yet.
func deadWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, worldConfig{})
	if got := settledRuns(t.Context(), "migrate", "--config", w.file); got.code != exitDone {
		t.Fatal(got.err)
	}
	w.dead(exitDone, "list") // makes the streams
	return w
}

// dead runs settled dead and returns what it wrote.
func (w *world) dead(code int, arguments ...string) output {
	w.t.Helper()
	got := settledRuns(w.t.Context(), append([]string{"dead", "--config", w.file}, arguments...)...)
	if got.code != code {
		w.t.Fatalf("dead %q: exit %d, want %d\n%s%s", arguments, got.code, code, got.out, got.err)
	}
	return got
}

// bury puts a letter among the dead ones, as a worker does.
func (w *world) bury(subject, reason string, body []byte, header nats.Header) {
	w.t.Helper()
	w.lies.Store(true)
	m := &nats.Msg{Subject: events.DeadPrefix + subject, Data: body, Header: nats.Header{}}
	for name, values := range header {
		m.Header[name] = values
	}
	m.Header.Set(events.HeaderReason, reason)
	m.Header.Set(events.HeaderAttempts, "8")
	if _, err := w.stream.PublishMsg(w.t.Context(), m); err != nil {
		w.t.Fatal(err)
	}
}

// kept counts the messages of a stream.
func (w *world) kept(stream string) uint64 {
	w.t.Helper()
	s, err := w.stream.Stream(w.t.Context(), stream)
	if err != nil {
		w.t.Fatal(err)
	}
	return s.CachedInfo().State.Msgs
}

var firstNumber = regexp.MustCompile(`(?m)^(\d+)\s`)

// numbers are those at the beginning of the lines.
func numbers(out string) string {
	var all []string
	for _, found := range firstNumber.FindAllStringSubmatch(out, -1) {
		all = append(all, found[1])
	}
	return strings.Join(all, " ")
}

func TestFiltersChooseLetters(t *testing.T) {
	t.Parallel()
	w := deadWorld(t)
	w.bury(events.PaymentRequested, "merchant not configured", order("filter01", nil), nil)
	w.bury(events.PaymentRequested, "a bug", order("filter02", map[string]any{"merchant": "shop3"}), nil)
	notify, _ := json.Marshal(events.Notify{Merchant: "shop2"})
	w.bury(events.NotifyReceived, "a bug", notify, nats.Header{events.HeaderSubject: {"filter03"}})
	w.bury(events.RefundRequested, "a bug", refund("shop2", "filter03", "R1", 1, 2), nil)
	w.bury(events.PaymentReturned, "broken", []byte(`{broken`), nats.Header{events.HeaderSource: {"settled/classic"}, events.HeaderSubject: {"filter01"}})
	s, err := w.stream.Stream(t.Context(), bus.Dead)
	if err != nil {
		t.Fatal(err)
	}
	third, err := s.GetMsg(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	at := third.Time.Format(time.RFC3339Nano)
	for want, filter := range map[string][]string{
		"1 2 3 4 5": {"--all"},
		"1 2":       {"--subject", "payment.requested"},
		"1 2 5":     {"--subject", "payment.*"},
		"3 4":       {"--merchant", "shop2"},
		"1 5":       {"--order", "filter01"},
		"2 3 4":     {"--reason", "bug"},
		"3 4 5":     {"--since", at},
		"2":         {"--until", at, "--reason", "a bug"},
		"1 2 3":     {"--limit", "3"},
		"4":         {"--order", "filter03", "--subject", "refund.requested"},
		"5 2":       {"5", "2"},
		"":          {"--until", "1h"},
	} {
		if got := numbers(w.dead(exitDone, append([]string{"list"}, filter...)...).out); got != want {
			t.Errorf("list %q: %s, want %s", filter, got, want)
		}
		if filter[0] == "--limit" {
			filter = append(filter, "--all")
		}
		if got := numbers(w.dead(exitDone, append([]string{"replay", "--dry-run"}, filter...)...).out); got != want {
			t.Errorf("replay --dry-run %q: %s, want %s", filter, got, want)
		}
		if got := numbers(w.dead(exitDone, append([]string{"drop", "--dry-run"}, filter...)...).out); got != want {
			t.Errorf("drop --dry-run %q: %s, want %s", filter, got, want)
		}
	}
	if w.kept(bus.Dead) != 5 || w.kept(bus.Orders)+w.kept(bus.Notify) != 0 {
		t.Error("a dry run changed something")
	}
	w.dead(exitFailed, "show", "99")
	w.dead(exitFailed, "replay", "99")
	var letter shownLetter
	out := w.dead(exitDone, "list", "--json", "4").out
	if err := json.Unmarshal([]byte(out), &letter); err != nil || letter.OrderID != "filter03" || letter.Number != 4 || letter.Attempts != 8 {
		t.Errorf("%v: %s", err, out)
	}
}

// A letter of an order that was never recorded: replayed when its cause is gone, it becomes
// a payment, and the payment's history says who did it.
func TestAReplayedLetterBecomesAPaymentThatTellsOfIt(t *testing.T) {
	t.Parallel()
	w := deadWorld(t)
	w.bury(events.PaymentRequested, "merchant not configured", order("replay01", nil), nil)
	if would := w.dead(exitDone, "replay", "--dry-run", "1").out; !strings.Contains(would, "would record the payment") {
		t.Errorf("dry run: %s", would)
	}
	w.serve()
	w.dead(exitDone, "replay", "1", "--by", "alice@desk", "--comment", "ticket 77")
	w.expect(events.PaymentPrepared, "replay01")
	got := settledRuns(t.Context(), "show", "--config", w.file, "classic", "replay01").out
	for _, want := range []string{"replayed by alice@desk", "merchant not configured", "ticket 77", "dead letter 1, payment.requested"} {
		if !strings.Contains(got, want) {
			t.Errorf("show does not say %q:\n%s", want, got)
		}
	}

	// The same of a payment that is there.
	w.bury(events.PaymentReturned, "gone \x1b[2J mad", []byte(`{"merchant": "classic", "order_id": "replay01"}`), nil)
	shown := w.dead(exitDone, "show", "2").out
	if !strings.Contains(shown, "replayed by alice@desk") || !strings.Contains(shown, events.PaymentPrepared) {
		t.Errorf("show of a letter has no history:\n%s", shown)
	}
	w.dead(exitDone, "drop", "2", "--by", "bob")
	got = settledRuns(t.Context(), "show", "--config", w.file, "classic", "replay01").out
	if !strings.Contains(got, "dropped by bob") || strings.Contains(got, "\x1b") {
		t.Errorf("show:\n%s", got)
	}
	var private int
	db := storetest.DB(t, w.postgres)
	if err := db.QueryRowContext(t.Context(), `select count(*) from events where type like 'dead.%' and private`).Scan(&private); err != nil || private != 2 {
		t.Errorf("%d notes, %v", private, err)
	}
	if told := w.all("dead.replayed", ""); len(told) > 0 {
		t.Error("a note was published")
	}
}

// What really parks a notify: a merchant that this configuration does not have.
func TestANotifyThatDiedCompletesItsPaymentWhenItIsReplayed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	stop := w.serve()
	w.publish(events.PaymentRequested, order("notify01", nil))
	prepared := w.expect(events.PaymentPrepared, "notify01")
	stop()
	whole, err := os.ReadFile(w.file)
	if err != nil {
		t.Fatal(err)
	}
	without := regexp.MustCompile(`(?s)\n  classic:\n.*?\n  other:`).ReplaceAllString(string(whole), "\n  other:")
	without = strings.Replace(without, "merchants: [classic, ", "merchants: [", 1)
	stopIngress := w.serveParts(parts{ingress: true})
	write := func(text []byte) {
		if err := os.WriteFile(w.file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write([]byte(without))
	stop = w.serveParts(parts{workers: true})
	w.customerPays(prepared)
	w.until("the notify is dead", func() bool { return w.kept(bus.Dead) > 0 })
	stop()
	stopIngress()
	write(whole)
	shown := w.dead(exitDone, "show", "1").out
	if !strings.Contains(shown, "notify01") || !strings.Contains(shown, "not configured") || !strings.Contains(shown, "payment notify of classic") {
		t.Errorf("show:\n%s", shown)
	}
	if would := w.dead(exitDone, "replay", "--dry-run", "--order", "notify01").out; !strings.Contains(would, "from prepared to completed") {
		t.Errorf("dry run: %s", would)
	}
	w.dead(exitDone, "replay", "--order", "notify01", "--by", "carol")
	w.serveParts(parts{workers: true})
	w.expect(events.PaymentCompleted, "notify01")
	if got := settledRuns(t.Context(), "show", "--config", w.file, "classic", "notify01").out; !strings.Contains(got, "replayed by carol") {
		t.Errorf("show:\n%s", got)
	}
}
