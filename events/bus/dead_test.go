package bus_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"settled/events"
	"settled/events/bus"
)

// buried puts a message among the dead letters.
func (w *world) buried(subject string, header nats.Header, data string) {
	w.t.Helper()
	m := &nats.Msg{Subject: w.cfg.Prefix + events.DeadPrefix + subject, Header: header, Data: []byte(data)}
	if _, err := w.client.PublishMsg(w.t.Context(), m); err != nil {
		w.t.Fatal(err)
	}
}

// Whoever replays letters drops them, and those that die again come behind the last.
func TestLettersThatComeAndGoMeanwhileStopNobody(t *testing.T) {
	t.Parallel()
	w := onShared(t)
	const many = 250
	for n := range many {
		w.buried(events.PaymentRequested, nil, fmt.Sprint(n))
	}
	read := 0
	for letter, err := range w.DeadLetters(t.Context(), bus.Letters{}) {
		if err != nil {
			t.Fatal(err)
		}
		if read++; string(letter.Data) != fmt.Sprint(read-1) {
			t.Fatalf("letter %d is %s", read, letter.Data)
		}
		w.buried(events.PaymentRequested, nil, "again")
		if err := w.DropDead(t.Context(), letter.Sequence); err != nil {
			t.Fatal(err)
		}
	}
	if read != many {
		t.Errorf("read %d letters, want %d", read, many)
	}
	if n := w.consumers(bus.Dead); n != 0 {
		t.Errorf("%d consumers are left", n)
	}
}

func TestADroppedLetterIsNotDroppedAgain(t *testing.T) {
	t.Parallel()
	w := onShared(t)
	w.buried(events.PaymentRequested, nil, "1")
	letter := w.letters(1)[0]
	if err := w.DropDead(t.Context(), letter.Sequence); err != nil {
		t.Fatal(err)
	}
	if err := w.DropDead(t.Context(), letter.Sequence); !errors.Is(err, bus.ErrNoLetter) {
		t.Errorf("dropped twice: %v", err)
	}
}

// A forged letter must not make settled tell that something was paid.
func TestOnlyWhatWorkersReadIsReplayed(t *testing.T) {
	t.Parallel()
	w := onShared(t)
	w.buried(events.PaymentCompleted, nil, `{}`)
	if err := w.ReplayDead(t.Context(), w.letters(1)[0]); !errors.Is(err, bus.ErrUnread) {
		t.Errorf("a forged event was replayed: %v", err)
	}
	w.letters(1)
}

// What a client says to JetStream about one stream must not keep its message out of
// another.
func TestHeadersForTheStreamStayThere(t *testing.T) {
	t.Parallel()
	w := onShared(t)
	seen, _ := w.consume(events.Consumer{}, func(context.Context, delivery) error { return events.Park(errBroken) })
	m := &nats.Msg{Subject: w.cfg.Prefix + events.PaymentRequested, Data: []byte("1"), Header: nats.Header{
		"Nats-Expected-Stream": {w.streamName(bus.Orders)}, "ce-id": {"kept"},
	}}
	if _, err := w.client.PublishMsg(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	w.next(seen)
	letter := w.letters(1)[0]
	if len(letter.Header["Nats-Expected-Stream"]) > 0 || letter.Header["ce-id"][0] != "kept" {
		t.Errorf("headers %v", letter.Header)
	}
}

// A message may be as large as NATS takes, and what a letter says besides has to fit in, too.
func TestALetterThatDoesNotFitIsCut(t *testing.T) {
	t.Parallel()
	const most = 1 << 20 // the server's max_payload
	for name, test := range map[string]struct {
		header string // of the message
		body   int
		kept   int // at least so much of the body
		cut    bool
	}{
		"the largest body":    {"", most - 100, most * 9 / 10, true},
		"the largest headers": {strings.Repeat("h", 1<<16-100), 4, 4, true},
		"both":                {strings.Repeat("h", 1<<15), most - 1<<15 - 100, most / 2, true},
		"half of the largest": {"", most / 2, most / 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := onShared(t)
			seen, _ := w.consume(events.Consumer{}, func(context.Context, delivery) error { return events.Park(errBroken) })
			m := &nats.Msg{
				Subject: w.cfg.Prefix + events.PaymentRequested, Data: append(bytes.Repeat([]byte(" "), test.body-1), '1'),
				Header: nats.Header{"X": {test.header}, events.HeaderCut: {"0"}},
			}
			if err := w.client.Conn().PublishMsg(m); err != nil {
				t.Fatal(err)
			}
			w.next(seen)
			letter := w.letters(1)[0]
			if letter.Reason != errBroken.Error() || len(letter.Data) < test.kept || letter.Cut() != test.cut {
				t.Errorf("a letter with %d of %d bytes, because of %q, cut: %t", len(letter.Data), test.body, letter.Reason, letter.Cut())
			}
			if err := w.ReplayDead(t.Context(), letter); errors.Is(err, bus.ErrCut) != test.cut {
				t.Errorf("replayed: %v", err)
			}
		})
	}
}
