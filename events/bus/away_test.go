package bus_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"settled/events/bus"
)

// locked is a server that lets nobody in but whom the options say.
func locked(t *testing.T, options server.Options) *server.Server {
	t.Helper()
	options.Host, options.Port, options.NoSigs, options.NoLog = "127.0.0.1", server.RANDOM_PORT, true, true
	options.JetStream, options.StoreDir = options.Cluster.Name == "", t.TempDir() // one server alone is no quorum
	s, err := server.NewServer(&options)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(patience) {
		t.Fatal("the server does not take connections")
	}
	return s
}

// What is wrong with the way to NATS is told by whoever needs it, and not only that it is
// wrong.
func TestABusSaysWhyThereIsNoConnection(t *testing.T) {
	t.Parallel()
	at := locked(t, server.Options{Username: "settled", Password: "right"}).Addr().String()
	broken := filepath.Join(t.TempDir(), "broken.creds")
	if err := os.WriteFile(broken, []byte("no credentials"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		cfg  bus.Config
		says string
	}{
		"a wrong password":   {bus.Config{URL: "nats://settled:wrong@" + at}, "authorization violation"},
		"no password":        {bus.Config{URL: "nats://" + at}, "authorization violation"},
		"a refused port":     {bus.Config{URL: "nats://127.0.0.1:1"}, "connection refused"},
		"several of them":    {bus.Config{URL: "nats://127.0.0.1:1,nats://127.0.0.1:2"}, "connection refused"},
		"broken credentials": {bus.Config{URL: "nats://" + at, Credentials: broken}, "seed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			row.cfg.Log = slog.New(slog.DiscardHandler)
			b, err := bus.Connect(t.Context(), row.cfg)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = b.Close(context.Background()) })
			for what, ask := range map[string]func(context.Context) error{"ready": b.Ready, "ensure": b.Ensure} {
				if err := ask(t.Context()); err == nil || !strings.Contains(err.Error(), row.says) || strings.Contains(err.Error(), "nats: ") {
					t.Errorf("%s: %v, want %q without the name of NATS", what, err, row.says)
				}
			}
		})
	}
}

// late lets nobody in the first times.
type late struct{ refused, times atomic.Int64 }

func (l *late) Check(server.ClientAuthentication) bool {
	if l.refused.Load() >= l.times.Load() {
		return true
	}
	l.refused.Add(1)
	return false
}

// A server that learns of its user later lets in a process that has been waiting for it.
func TestABusThatIsNotLetInGoesOnTrying(t *testing.T) {
	t.Parallel()
	guard := &late{}
	guard.times.Store(4) // the client would give up by itself after the second time
	s := locked(t, server.Options{CustomClientAuthentication: guard})
	b, err := bus.Connect(t.Context(), bus.Config{URL: "nats://" + s.Addr().String(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close(context.Background()) })
	if err := b.Ready(t.Context()); !errors.Is(err, nats.ErrAuthorization) {
		t.Errorf("not let in: %v", err)
	}
	for deadline := time.Now().Add(patience); b.Ready(t.Context()) != nil; {
		if time.Now().After(deadline) {
			t.Fatalf("refused %d times, and not let in afterwards", guard.refused.Load())
		}
	}
}

func TestABusKnowsItsCluster(t *testing.T) {
	t.Parallel()
	for name, cluster := range map[string]server.ClusterOpts{
		"":      {},
		"three": {Name: "three", Host: "127.0.0.1", Port: server.RANDOM_PORT},
	} {
		s := locked(t, server.Options{Cluster: cluster})
		b, err := bus.Connect(t.Context(), bus.Config{URL: "nats://" + s.Addr().String(), Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		if got := b.Cluster(); got != name {
			t.Errorf("the cluster is %q, want %q", got, name)
		}
		_ = b.Close(t.Context())
	}
}
