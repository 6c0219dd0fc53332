package bus_test

import (
	"errors"
	"testing"
	"time"

	"settled/embedded"
	"settled/events"
	"settled/events/bus"
)

func (w *world) streams() map[string]events.Stream {
	w.t.Helper()
	found := map[string]events.Stream{}
	w.until("the streams are seen", func() bool {
		all, err := w.Streams(w.t.Context())
		for _, s := range all {
			found[s.Name] = s
		}
		return err == nil
	})
	return found
}

func TestAStreamIsKnownAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		happens func(n *embedded.NATS, copied string) error
		same    bool
		last    uint64
	}{
		"after a restart":         {func(n *embedded.NATS, _ string) error { return n.Restart() }, true, 2},
		"made anew":               {func(n *embedded.NATS, _ string) error { return n.Wipe() }, false, 0},
		"shorter than it was":     {(*embedded.NATS).PutBack, true, 1},
		"though nothing happened": {func(*embedded.NATS, string) error { return nil }, true, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, copied := ownServer(t), t.TempDir()
			w := onServer(t, server, bus.Config{Prefix: "shop."})
			w.send(1)
			if err := server.Copy(copied); err != nil {
				t.Fatal(err)
			}
			w.send(2)
			before := w.streams()
			if len(before) != 4 || !before["shop_SETTLED_OUT"].Outputs || before["shop_SETTLED_ORDERS"].Outputs || before["shop_SETTLED_ORDERS"].Last != 2 {
				t.Errorf("the streams are %+v", before)
			}
			if err := c.happens(server, copied); err != nil {
				t.Fatal(err)
			}
			w.until("connected", func() bool { return w.Ready(t.Context()) == nil })
			was, is := before["shop_SETTLED_ORDERS"], w.streams()["shop_SETTLED_ORDERS"]
			if same := was.Created.Equal(is.Created); same != c.same || is.Last != c.last {
				t.Errorf("was %+v, is %+v", was, is)
			}
			if is.Created.IsZero() || !is.Created.Equal(is.Created.Truncate(time.Microsecond)) {
				t.Errorf("created %s", is.Created)
			}
		})
	}
}

// After the connection was lost nothing is told until somebody has looked at the streams:
// an event must not come before older ones that are gone.
func TestNothingIsToldOverAConnectionThatNobodyHasLookedAt(t *testing.T) {
	t.Parallel()
	server := ownServer(t)
	w := onServer(t, server, bus.Config{})
	event := []events.Envelope{{ID: "a", Type: events.PaymentPrepared, Merchant: "m", OrderID: "o", Data: []byte("{}")}}
	if last, failures := w.PublishAll(t.Context(), event); last != 1 || failures[0] != nil {
		t.Fatalf("PublishAll = %d, %v", last, failures)
	}
	if last, failures := w.PublishAll(t.Context(), event); last != 1 || failures[0] != nil {
		t.Errorf("the same again: %d, %v", last, failures)
	}
	if err := server.Wipe(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-w.Reconnected():
	case <-time.After(patience):
		t.Fatal("nobody says that the connection is back")
	}
	if _, failures := w.PublishAll(t.Context(), event); !errors.Is(failures[0], bus.ErrUnseen) {
		t.Errorf("PublishAll = %v", failures)
	}
	w.streams()
	if last, failures := w.PublishAll(t.Context(), event); last != 1 || failures[0] != nil {
		t.Errorf("after a look: %d, %v", last, failures)
	}
}
