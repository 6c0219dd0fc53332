package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"settled/events"
	"settled/events/bus"
)

// Whatever a stranger wrote, the terminal of whoever reads it obeys nobody else.
func TestHostileLettersDoNotReachTheTerminal(t *testing.T) {
	t.Parallel()
	w := deadWorld(t)
	const evil = "\x1b]0;owned\x07\x1b[2J\u009b31m\u202e\r\x00"
	w.bury(events.PaymentRequested, "why"+"\x1b[2J\u009b31m\u202e", []byte(evil+`{"order_id":`), nats.Header{
		"Authorization": {"Bearer a-secret"}, "X-Evil": {"\x1b[2J"},
	})
	body, _ := json.Marshal(map[string]any{"merchant": evil, "order_id": evil})
	w.bury(events.PaymentReturned, "why", body, nil)
	notify, _ := json.Marshal(events.Notify{
		Merchant: "no" + evil, Query: evil, Body: []byte(evil + "<xml>seen</xml>\xff"),
		Headers: map[string][]string{"Authorization": {"Bearer a-secret"}, "X" + evil: {evil}},
	})
	w.bury(events.NotifyReceived, "why", notify, nil)
	w.bury(events.PaymentCompleted, "forged", []byte(`{}`), nil)
	said := ""
	for _, arguments := range [][]string{
		{"list"}, {"list", "--json"}, {"show", "--all"}, {"show", "--all", "--json"}, {"replay", "--all", "--dry-run"}, {"drop", "--all", "--dry-run"},
	} {
		got := w.dead(exitDone, arguments...)
		said += got.out
	}
	got := w.dead(exitFailed, "replay", "--all") // the forged one
	if !strings.Contains(got.out, "no worker reads this subject") {
		t.Errorf("a forged event was replayed:\n%s", got.out)
	}
	said += got.out + got.err + w.dead(exitDone, "drop", "--all").out
	for _, r := range said {
		if r != '\n' && r != '\t' && printable(string(r)) != string(r) {
			t.Fatalf("%U reaches the terminal:\n%q", r, said)
		}
	}
	if strings.Contains(said, "a-secret") {
		t.Error("a secret is shown")
	}
	if !strings.Contains(said, "<xml>seen</xml>") {
		t.Error("the notify's body is not readable")
	}
}

// pulse looks at the heap with every thousandth line.
type pulse struct {
	lines   int
	highest uint64
}

func (p *pulse) Write(line []byte) (int, error) {
	if p.lines++; p.lines%1000 == 0 {
		p.highest = max(p.highest, heap())
	}
	return len(line), nil
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// It runs while no other test does: they would share the heap.
func TestManyLettersTakeNoMoreMemoryThanFew(t *testing.T) { //nolint:paralleltest // see above
	w := deadWorld(t)
	const many, size = 20_000, 4 << 10
	filler := strings.Repeat("x", size)
	w.deaf.Store(true) // what this world hears would be on the heap
	for n := range many {
		m := &nats.Msg{Subject: "dead." + events.PaymentRequested, Data: order(fmt.Sprintf("many%06d", n), map[string]any{"attach": filler})}
		if _, err := w.stream.PublishMsgAsync(m); err != nil {
			t.Fatal(err)
		}
	}
	<-w.stream.PublishAsyncComplete()
	if n := w.kept(bus.Dead); n != many {
		t.Fatalf("%d letters", n)
	}
	before, p := heap(), &pulse{}
	if code := run(t.Context(), []string{"dead", "list", "--config", w.file}, streams{out: p, err: io.Discard}); code != exitDone || p.lines != many {
		t.Fatalf("exit %d, %d lines", code, p.lines)
	}
	if grown := int64(p.highest) - int64(before); grown > many*size/3 { //nolint:gosec // a heap is smaller
		t.Errorf("the heap grew by %d MB", grown>>20)
	}
}
