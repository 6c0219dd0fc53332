package embedded_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"settled/embedded"
)

func startNATS(t *testing.T, cfg embedded.NATSConfig) *embedded.NATS {
	t.Helper()
	server, err := embedded.StartNATS(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// stream returns a stream of the server; with make, it is created first.
func stream(t *testing.T, server *embedded.NATS, create bool) (jetstream.JetStream, error) {
	t.Helper()
	conn, err := nats.Connect(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	if create {
		_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "KEPT", Subjects: []string{"kept"}})
		return js, err
	}
	_, err = js.Stream(t.Context(), "KEPT")
	return js, err
}

func TestNATSKeepsItsStreamsUntilItIsWiped(t *testing.T) {
	t.Parallel()
	for name, syncAlways := range map[string]bool{"synced": true, "not synced": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startNATS(t, embedded.NATSConfig{SyncAlways: syncAlways})
			url := server.URL()
			js, err := stream(t, server, true)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := js.Publish(t.Context(), "kept", nil); err != nil {
				t.Fatal(err)
			}

			if err := server.Restart(); err != nil {
				t.Fatal(err)
			}
			if _, err := stream(t, server, false); err != nil {
				t.Errorf("after a restart: %v", err)
			}

			if err := server.Wipe(); err != nil {
				t.Fatal(err)
			}
			if _, err := stream(t, server, false); err == nil {
				t.Error("after a wipe the stream is still there")
			}
			if server.URL() != url {
				t.Errorf("it moved from %s to %s", url, server.URL())
			}
		})
	}
}

func TestTwoNATSServersDoNotShareAFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	startNATS(t, embedded.NATSConfig{Dir: dir})
	_, err := embedded.StartNATS(embedded.NATSConfig{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "used by another server") {
		t.Errorf("the second server: %v", err)
	}
}

func TestNATSIsPutBackToAnOlderCopy(t *testing.T) {
	t.Parallel()
	server, copied := startNATS(t, embedded.NATSConfig{}), t.TempDir()
	if _, err := stream(t, server, true); err != nil {
		t.Fatal(err)
	}
	if err := server.Copy(copied); err != nil {
		t.Fatal(err)
	}
	js, err := stream(t, server, false) // over a new connection: the copy ended the old one
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteStream(t.Context(), "KEPT"); err != nil {
		t.Fatal(err)
	}
	if err := server.PutBack(copied); err != nil {
		t.Fatal(err)
	}
	if _, err := stream(t, server, false); err != nil {
		t.Errorf("after the copy was put back: %v", err)
	}
}

func TestNATSOnABadDisk(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name         string
		withoutIndex bool
		left         []string
	}{
		{"with its index it leaves out what it can't read", false, []string{"one", "three"}},
		{"without it the stream ends before", true, []string{"one"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			server := startNATS(t, embedded.NATSConfig{})
			js, err := stream(t, server, true)
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range []string{"one", "two-two", "three"} {
				if _, err := js.Publish(t.Context(), "kept", []byte(text)); err != nil {
					t.Fatal(err)
				}
			}
			if err := server.Damage("two-two", row.withoutIndex); err != nil {
				t.Fatal(err)
			}
			if js, err = stream(t, server, false); err != nil {
				t.Fatal(err)
			}
			var left []string
			for sequence := range uint64(3) {
				kept, err := js.Stream(t.Context(), "KEPT")
				if err != nil {
					t.Fatal(err)
				}
				if m, err := kept.GetMsg(t.Context(), sequence+1); err == nil {
					left = append(left, string(m.Data))
				}
			}
			if !slices.Equal(left, row.left) {
				t.Errorf("%v are left, want %v", left, row.left)
			}
			if err := server.Damage("nobody wrote this", false); err == nil {
				t.Error("a text that nobody wrote was damaged")
			}
		})
	}
}
