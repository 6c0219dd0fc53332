package bus_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled/events"
	"settled/events/bus"
)

func TestTheSameIDIsOneMessage(t *testing.T) {
	t.Parallel()
	w := onShared(t)
	for range 3 {
		w.send(1)
	}
	w.send(2)
	stream, err := w.client.Stream(t.Context(), w.streamName(bus.Orders))
	if err != nil {
		t.Fatal(err)
	}
	if kept := stream.CachedInfo().State.Msgs; kept != 2 {
		t.Errorf("the stream keeps %d messages, want 2", kept)
	}
	m, err := stream.GetMsg(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if m.Subject != w.cfg.Prefix+events.PaymentRequested || m.Header.Get(events.HeaderID) != "id-1" {
		t.Errorf("published as %s with %v", m.Subject, m.Header)
	}
}

func TestTheEventsOfAnOrderKeepTheirOrder(t *testing.T) {
	t.Parallel()
	w := onShared(t)
	var envelopes []events.Envelope
	var want []string
	for n := range 30 {
		envelopes = append(envelopes, events.Envelope{
			ID: fmt.Sprintf("e-%d", n), Type: events.PaymentPrepared, Merchant: "classic", OrderID: fmt.Sprintf("order%d", n%3), Data: []byte("{}"),
		})
	}
	_, failures := w.PublishAll(t.Context(), envelopes)
	for _, err := range failures {
		if err != nil {
			t.Fatal(err)
		}
	}
	stream, err := w.client.Stream(t.Context(), w.streamName(bus.Out))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for sequence := uint64(1); sequence <= stream.CachedInfo().State.LastSeq; sequence++ {
		m, err := stream.GetMsg(t.Context(), sequence)
		if err != nil {
			t.Fatal(err)
		}
		got[m.Header.Get("ce-subject")] = append(got[m.Header.Get("ce-subject")], m.Header.Get(events.HeaderID))
	}
	for order := range 3 {
		want = nil
		for n := order; n < 30; n += 3 {
			want = append(want, fmt.Sprintf("e-%d", n))
		}
		if diff := cmp.Diff(want, got[fmt.Sprintf("order%d", order)]); diff != "" {
			t.Errorf("order%d (-want +got):\n%s", order, diff)
		}
	}
}

func TestAfterAFailureTheLaterEventsOfTheOrderWait(t *testing.T) {
	t.Parallel()
	w := onShared(t)
	bad := make([]byte, 2<<20) // more than the server takes
	_, failures := w.PublishAll(t.Context(), []events.Envelope{
		{ID: "a1", Type: events.PaymentPrepared, Merchant: "classic", OrderID: "a", Data: bad},
		{ID: "b1", Type: events.PaymentPrepared, Merchant: "classic", OrderID: "b", Data: []byte("{}")},
		{ID: "a2", Type: events.PaymentCompleted, Merchant: "classic", OrderID: "a", Data: []byte("{}")},
		{ID: "b2", Type: events.PaymentCompleted, Merchant: "classic", OrderID: "b", Data: []byte("{}")},
	})
	if failures[0] == nil || failures[1] != nil || !errors.Is(failures[2], bus.ErrSkipped) || failures[3] != nil {
		t.Errorf("failures %v", failures)
	}
}

func TestAFullStreamRefusesAndIsTrimmed(t *testing.T) {
	t.Parallel()
	server := ownServer(t)
	w := onServer(t, server, bus.Config{MaxMessages: 10})
	for n := range 10 {
		w.send(n)
	}
	if err := w.Publish(t.Context(), requested(10)); !errors.Is(err, bus.ErrFull) {
		t.Fatalf("the eleventh message: %v, want ErrFull", err)
	}
	if err := w.Trim(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.Publish(t.Context(), requested(10)); !errors.Is(err, bus.ErrFull) {
		t.Fatalf("what nobody has handled was trimmed: %v", err)
	}
	seen, _ := w.consume(events.Consumer{}, func(context.Context, delivery) error { return nil })
	for range 10 {
		w.next(seen)
	}
	w.settledDown("prepare")
	if err := w.Trim(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.send(10)
	w.next(seen)
}

func TestPublishGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	server := ownServer(t)
	w := onServer(t, server, bus.Config{})
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := w.Publish(ctx, requested(1)); err == nil {
		t.Error("published without a server")
	}
}

func TestRepliesFindTheirWaiter(t *testing.T) {
	t.Parallel()
	w := onShared(t)
	subject, replies, done := w.Expect()
	other, others, doneOther := w.Expect()
	defer doneOther()
	want := events.Reply{Kind: events.ReplyRecorded, Data: []byte("{}")}
	if err := w.Reply(subject, want); err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-replies:
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("reply (-want +got):\n%s", diff)
		}
	case <-time.After(patience):
		t.Fatal("no reply")
	}
	done()
	if err := w.Reply(subject, want); err != nil { // nobody waits any more
		t.Error(err)
	}
	if err := w.Reply(other, want); err != nil {
		t.Fatal(err)
	}
	select {
	case <-others:
	case <-time.After(patience):
		t.Fatal("no reply to the other")
	}
	if len(replies) != 0 {
		t.Error("who no longer waits got a reply")
	}
}

// Whoever asks names where the reply goes, and must not borrow our permissions by it.
func TestAReplyGoesToAnInboxAlone(t *testing.T) {
	t.Parallel()
	w := onShared(t)
	for _, subject := range []string{
		"payment.completed", w.cfg.Prefix + "payment.completed", "$JS.API.STREAM.DELETE.SETTLED_OUT", "", "_INBOX", "_INBOX.>", "_INBOX.*", "_INBOX.a\r\nPUB x 0",
	} {
		if err := w.Reply(subject, events.Reply{Kind: "completed"}); !errors.Is(err, bus.ErrNoInbox) {
			t.Errorf("a reply to %q: %v", subject, err)
		}
	}
}
