package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"settled"
	"settled/cmd/settled/config"
	"settled/console"
	"settled/events"
)

// lookedAt is a process that shows the page beside those that work.
func (w *world) lookedAt() (*process, console.Ledger, console.Letters, console.Health) {
	w.t.Helper()
	cfg, err := config.Load(w.file, os.LookupEnv)
	if err != nil {
		w.t.Fatal(err)
	}
	p, err := open(w.t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = p.close(w.t.Context()) })
	a := &admin{dependencies: p.dependencies(), metrics: p.metrics, log: p.log}
	ledger, letters, health := p.store, p.consoleLetters(), &consoleHealth{process: p, admin: a}
	return p, ledger, letters, health
}

// Whoever looks at a payment later finds each call that was made for it, and what WeChat heard.
func TestTheJournalOfAPayment(t *testing.T) {
	t.Parallel()
	for protocol, request := range map[string]map[string]any{
		"legacy": {}, "v2": {"merchant": "shop2", "trade_type": "APP"}, "v3": {"merchant": "shop3", "trade_type": "APP"},
	} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, worldConfig{})
			stop := w.serve()
			w.publish(events.PaymentRequested, order("journal1", request))
			w.customerPays(w.expect(events.PaymentPrepared, "journal1"))
			w.expect(events.PaymentCompleted, "journal1")
			w.until("the notify is answered", func() bool {
				return w.metric(`settled_notifies_total{merchant="`+merchantOf(request)+`",result="success"}`) == "1"
			})
			stop()
			_, ledger, _, _ := w.lookedAt()
			found, err := ledger.Search(t.Context(), "journal1")
			if err != nil || len(found) != 1 {
				t.Fatal(found, err)
			}
			lines, err := ledger.Journal(t.Context(), found[0].ID)
			if err != nil {
				t.Fatal(err)
			}
			var said []string
			for _, l := range lines {
				said = append(said, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", l.Kind, l.Host, l.Outcome, l.Code)))
				if l.OrderID != "journal1" || l.Merchant != found[0].Merchant || l.Took <= 0 || time.Since(l.At) > time.Minute {
					t.Errorf("%+v", l)
				}
			}
			if diff := cmp.Diff([]string{"call main done", "notify  success"}, said); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			o, err := ledger.Overview(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			here := slices.IndexFunc(o.Lines, func(l settled.Line) bool { return l.Merchant == found[0].Merchant && l.Host == "main" })
			if here < 0 || o.Lines[here].Calls == 0 || o.Lines[here].Failed != 0 || o.Notifies.OnTime != 1 {
				t.Errorf("%+v %+v", o.Lines, o.Notifies)
			}
		})
	}
}

func merchantOf(request map[string]any) string {
	if name, ok := request["merchant"].(string); ok {
		return name
	}
	return "classic"
}

// An operator's close goes the whole way: to WeChat, into the history, and to whoever listens.
func TestAnOperatorClosesAnOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	w.serve()
	w.publish(events.PaymentRequested, order("close001", map[string]any{"merchant": "shop3", "trade_type": "APP"}))
	w.expect(events.PaymentPrepared, "close001")
	_, ledger, _, _ := w.lookedAt()
	found, err := ledger.Search(t.Context(), "close001")
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	a := settled.Act{Kind: settled.ActClose, PaymentID: found[0].ID, By: "mei", Comment: "ordered \x1b[31mtwice", At: time.Now()}
	if done, err := ledger.Act(t.Context(), a); err != nil || !done {
		t.Fatal(done, err)
	}
	if body := w.expect(events.PaymentClosed, "close001"); body["reason"] != "requested" {
		t.Errorf("told %v", body)
	}
	shown := settledRuns(t.Context(), "show", "--config", w.file, "shop3", "close001")
	if shown.code != exitDone || !strings.Contains(shown.out, "operator.close") ||
		!strings.Contains(shown.out, "the order is to be closed, as mei wanted; comment: ordered \uFFFD[31mtwice") {
		t.Errorf("%d %s%s", shown.code, shown.out, shown.err)
	}
	audited := settledRuns(t.Context(), "audit", "--config", w.file)
	if audited.code != exitDone {
		t.Errorf("the audit says %d:\n%s%s", audited.code, audited.out, audited.err)
	}
}

func TestTheLettersOfThePage(t *testing.T) {
	t.Parallel()
	w := deadWorld(t)
	const many = 12
	for n := range many {
		w.bury(events.PaymentRequested, "a bug", order(fmt.Sprintf("letter%02d", n%3), nil), nil)
	}
	_, ledger, letters, health := w.lookedAt()
	var numbers []uint64
	for before := uint64(0); ; {
		page, next, err := letters.Letters(t.Context(), before, 5)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range page {
			numbers = append(numbers, l.Sequence)
			if l.Merchant != "classic" || l.OrderID != fmt.Sprintf("letter%02d", (l.Sequence-1)%3) || l.Reason != "a bug" || l.Attempts != 8 {
				t.Errorf("%+v", l)
			}
		}
		if before = next; before == 0 {
			break
		}
	}
	if !slices.IsSortedFunc(numbers, func(a, b uint64) int { return int(b) - int(a) }) || len(numbers) != many {
		t.Errorf("listed %v", numbers)
	}
	of := func() (found []uint64) {
		t.Helper()
		page, err := letters.LettersOf(t.Context(), "classic", "letter02")
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range page {
			found = append(found, l.Sequence)
		}
		return found
	}
	if diff := cmp.Diff([]uint64{12, 9, 6, 3}, of()); diff != "" {
		t.Errorf("of the order (-want +got):\n%s", diff)
	}
	letter, would, err := letters.Would(t.Context(), 12)
	if err != nil || letter.OrderID != "letter02" || !strings.Contains(would, "would record the payment") {
		t.Errorf("%+v %q, %v", letter, would, err)
	}
	if err := letters.Replay(t.Context(), 12, "mei", "the bug is mended"); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"Replay": letters.Replay(t.Context(), 12, "mei", ""),
		"Would":  func() error { _, _, err := letters.Would(t.Context(), 12); return err }(),
	} {
		if !errors.Is(err, settled.ErrNotFound) {
			t.Errorf("%s of a letter that is gone: %v", name, err)
		}
	}
	w.bury(events.PaymentRequested, "a bug", order("letter02", nil), nil)
	if diff := cmp.Diff([]uint64{13, 9, 6, 3}, of()); diff != "" {
		t.Errorf("of the order, later (-want +got):\n%s", diff)
	}
	w.serve()
	w.expect(events.PaymentPrepared, "letter02")
	found, err := ledger.Search(t.Context(), "letter02")
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	if n := health.DeadLetters(); n != -1 {
		t.Errorf("%d letters, though nobody has counted", n)
	}
}

// What somebody put there to see what breaks is listed like any other.
func TestHostileLettersAreListed(t *testing.T) {
	t.Parallel()
	w := deadWorld(t)
	bodies := []string{"", "\x00\xff", `{"merchant": "<script>", "order_id": "' or 1=1"}`, `{"payment_id": "\u0000"}`, `[]`, strings.Repeat("{", 10_000)}
	for _, body := range bodies {
		w.bury("payment.<script>", "<img src=x>\x00", []byte(body), nats.Header{"Ce-Subject": {"\x1b[2J"}})
	}
	_, _, letters, _ := w.lookedAt()
	page, next, err := letters.Letters(t.Context(), 0, 100)
	if err != nil || next != 0 || len(page) != len(bodies) {
		t.Errorf("%d letters, %v", len(page), err)
	}
	for _, l := range page {
		_, would, err := letters.Would(t.Context(), l.Sequence)
		if err != nil || !strings.Contains(would, "would be refused") {
			t.Errorf("%q, %v", would, err)
		}
		if err := letters.Replay(t.Context(), l.Sequence, "mei", "\x00"); err == nil {
			t.Errorf("letter %d of %q was replayed", l.Sequence, l.Subject)
		}
	}
}

func TestThePageHearsWhenTheServersAreGone(t *testing.T) {
	t.Parallel()
	w := deadWorld(t)
	_, _, letters, health := w.lookedAt()
	if failing := health.Failing(t.Context()); len(failing) != 0 {
		t.Errorf("%v fail", failing)
	}
	if err := w.nats.Stop(); err != nil {
		t.Fatal(err)
	}
	if failing := health.Failing(t.Context()); !slices.Contains(failing, "nats") {
		t.Errorf("%v fail", failing)
	}
	began := time.Now()
	if _, _, err := letters.Letters(t.Context(), 0, 10); !errors.Is(err, settled.ErrUnavailable) {
		t.Errorf("Letters: %v", err)
	}
	if _, err := letters.LettersOf(t.Context(), "classic", "order001"); !errors.Is(err, settled.ErrUnavailable) {
		t.Errorf("LettersOf: %v", err)
	}
	again := time.Now()
	if _, err := letters.LettersOf(t.Context(), "classic", "order001"); !errors.Is(err, settled.ErrUnavailable) || time.Since(again) > time.Second {
		t.Errorf("LettersOf, asked again: %v after %s", err, time.Since(again))
	}
	if took := time.Since(began); took > patience {
		t.Errorf("it took %s", took)
	}
}

func TestThePageKnowsKeysAndQueues(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	p, _, _, health := w.lookedAt()
	state := func(merchant, what string) string {
		for _, k := range health.Keys() {
			if k.Merchant == merchant && k.What == what {
				return k.State
			}
		}
		return "not told of"
	}
	if got := state("classic", "access token"); got != keyNotHeld {
		t.Errorf("the token is %s before the first call", got)
	}
	if _, err := p.merchants["classic"].Query(t.Context(), settled.Payment{OrderID: "nobody"}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.account(p.cfg.Merchants["classic"]); err != nil { // of a changed file that is refused in the end
		t.Fatal(err)
	}
	p.sights.host("shop3", "main", true, time.Now())
	for _, want := range [][3]string{
		{"classic", "access token", keyGood}, {"classic", "host main", keyGood}, {"classic", "host backup", "not told of"},
		{"shop3", "public key", keyGood}, {"shop3", "host main", keyLeftAlone}, {"shop2", "host main", keyGood},
	} {
		if got := state(want[0], want[1]); got != want[2] {
			t.Errorf("%s %s is %s, want %s", want[0], want[1], got, want[2])
		}
	}
	p.sights.forget("shop3")
	if got := state("shop3", "host main"); got != keyGood {
		t.Errorf("the host is %s after a reload", got)
	}
	if err := p.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := p.bus.Measure(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := health.DeadLetters(); n != 0 {
		t.Errorf("%d dead letters", n)
	}
	p.metrics.Waiting("prepare", 7, 3)
	if queues := health.Queues(); !slices.Contains(queues, console.Queue{Consumer: "prepare", Pending: 7, InHand: 3}) {
		t.Errorf("%+v", queues)
	}
}

// A page that everybody in the network could open is not served.
func TestAnOpenPageIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	text, err := os.ReadFile(w.file)
	if err != nil {
		t.Fatal(err)
	}
	open := strings.Replace(string(text), `admin: {listen: "127.0.0.1`, `admin: {listen: "0.0.0.0`, 1)
	if err := os.WriteFile(w.file, []byte(open), 0o600); err != nil {
		t.Fatal(err)
	}
	got := settledRuns(t.Context(), "serve", "--config", w.file)
	if got.code != exitUsage || !strings.Contains(got.err, ":12: admin.listen: must be a loopback address") {
		t.Errorf("%d %s", got.code, got.err)
	}
}
