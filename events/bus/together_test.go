package bus_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"settled/events"
	"settled/events/bus"
)

// kept are the messages of a stream, oldest first.
func (w *world) kept(name string) []*jetstream.RawStreamMsg {
	w.t.Helper()
	stream, err := w.client.Stream(w.t.Context(), w.streamName(name))
	if err != nil {
		w.t.Fatal(err)
	}
	var kept []*jetstream.RawStreamMsg
	for sequence := uint64(1); sequence <= stream.CachedInfo().State.LastSeq; sequence++ {
		m, err := stream.GetMsg(w.t.Context(), sequence)
		if err != nil {
			w.t.Fatal(err)
		}
		kept = append(kept, m)
	}
	return kept
}

func idsOf(kept []*jetstream.RawStreamMsg) (ids []string) {
	for _, m := range kept {
		ids = append(ids, m.Header.Get(events.HeaderID))
	}
	return ids
}

// writesOf counts the writes by which messages came that share one, and those that came alone.
func writesOf(kept []*jetstream.RawStreamMsg) (shared, alone int) {
	batches := map[string]bool{}
	for _, m := range kept {
		if batch := m.Header.Get("Nats-Batch-Id"); batch != "" {
			batches[batch] = true
		} else {
			alone++
		}
	}
	return len(batches), alone
}

// told are events of a few orders.
func told(first, last int) (envelopes []events.Envelope, ids []string) {
	for n := first; n <= last; n++ {
		id := fmt.Sprintf("e-%d", n)
		envelopes = append(envelopes, events.Envelope{
			ID: id, Type: events.PaymentPrepared, Merchant: "classic", OrderID: fmt.Sprintf("order%d", n%3), Data: []byte("{}"),
		})
		ids = append(ids, id)
	}
	return envelopes, ids
}

// publishAll publishes what must succeed.
func (w *world) publishAll(envelopes []events.Envelope) (last uint64) {
	w.t.Helper()
	last, failures := w.PublishAll(w.t.Context(), envelopes)
	if err := errors.Join(failures...); err != nil {
		w.t.Fatal(err)
	}
	return last
}

// Many share a write; a few are stored sooner one after the other than all together.
func TestManyEventsAreStoredWithOneWriteAndAFewAlone(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ events, shared, alone int }{
		"many": {50, 1, 0},
		"few":  {9, 0, 9},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := onShared(t)
			envelopes, ids := told(1, test.events)
			if last := w.publishAll(envelopes); last != uint64(test.events) { //nolint:gosec // a few
				t.Errorf("the last one has sequence %d", last)
			}
			kept := w.kept(bus.Out)
			if diff := cmp.Diff(ids, idsOf(kept)); diff != "" {
				t.Errorf("stored (-want +got):\n%s", diff)
			}
			if shared, alone := writesOf(kept); shared != test.shared || alone != test.alone {
				t.Errorf("%d shared writes, and %d of their own", shared, alone)
			}
		})
	}
}

// The relay died between publishing and committing: some of what it publishes next is there
// already.
func TestWhatIsThereAlreadyKeepsNothingElseOut(t *testing.T) {
	t.Parallel()
	w := onShared(t)
	before, _ := told(40, 45)
	w.publishAll(before)
	all, ids := told(1, 60)
	if last := w.publishAll(all); last != 60 {
		t.Errorf("the last one has sequence %d", last)
	}
	got := idsOf(w.kept(bus.Out))
	slices.Sort(got)
	slices.Sort(ids)
	if diff := cmp.Diff(ids, got); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
	fresh, _ := told(61, 120)
	if last := w.publishAll(fresh); last != 120 {
		t.Errorf("afterwards the last one has sequence %d", last)
	}
}

func TestAStreamThatAllowsNoBatchesTakesSingleMessages(t *testing.T) {
	t.Parallel()
	w := onShared(t)
	stream, err := w.client.Stream(t.Context(), w.streamName(bus.Out))
	if err != nil {
		t.Fatal(err)
	}
	cfg := stream.CachedInfo().Config
	cfg.AllowAtomicPublish = false
	if _, err := w.client.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	before, _ := told(1, 50)
	w.publishAll(before)
	if err := w.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, _ := told(51, 100)
	w.publishAll(after)
	if shared, alone := writesOf(w.kept(bus.Out)); shared != 1 || alone != 50 {
		t.Errorf("%d shared writes, and %d of their own", shared, alone)
	}
}

func TestWhoPublishesAtTheSameMomentSharesAWrite(t *testing.T) {
	t.Parallel()
	w := onShared(t)
	const many = 2000
	var want []string
	var publishers sync.WaitGroup
	for n := range many {
		want = append(want, requested(n).ID)
		publishers.Go(func() {
			for range 2 { // the second is a repeat
				if err := w.Publish(t.Context(), requested(n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	publishers.Wait()
	kept := w.kept(bus.Orders)
	got := idsOf(kept)
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
	if shared, alone := writesOf(kept); shared == 0 || alone > many*3/4 {
		t.Errorf("%d messages took %d shared writes and %d of their own", many, shared, alone)
	}
}

func TestAFullStreamRefusesWhatIsPublishedTogether(t *testing.T) {
	t.Parallel()
	w := onServer(t, ownServer(t), bus.Config{MaxMessages: 10})
	var mu sync.Mutex
	var stored []string
	var publishers sync.WaitGroup
	for n := range 50 {
		publishers.Go(func() {
			err := w.Publish(t.Context(), requested(n))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				stored = append(stored, requested(n).ID)
			case !errors.Is(err, bus.ErrFull):
				t.Error(err)
			}
		})
	}
	publishers.Wait()
	got := idsOf(w.kept(bus.Orders))
	slices.Sort(got)
	slices.Sort(stored)
	if diff := cmp.Diff(stored, got); diff != "" || len(got) > 10 {
		t.Errorf("%d are kept of 10; said to be stored, and kept:\n%s", len(got), diff)
	}
}
