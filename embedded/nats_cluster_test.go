package embedded_test

import (
	"context"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"settled/embedded"
)

// A stream of three replicas outlives the death of the server that leads it; one of a server
// that comes back has what was stored meanwhile.
func TestAClusterOutlivesAServer(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "nats-server")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "github.com/nats-io/nats-server/v2")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	cluster, err := embedded.StartNATSCluster(t.Context(), program)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	nc, err := nats.Connect(cluster.URL(), nats.MaxReconnects(-1), nats.ReconnectWait(10*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		_, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}, Replicas: 3})
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
	var dead *embedded.NATSNode
	for n := range 20 {
		publish(t, ctx, js)
		if n == 10 {
			dead = leader(t, ctx, js, cluster)
			dead.Kill()
		}
	}
	if err := dead.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	if err := cluster.Whole(ctx); err != nil {
		t.Fatal(err)
	}
	leader(t, ctx, js, cluster).Kill()
	publish(t, ctx, js)
	stream, err := js.Stream(ctx, "S")
	if err != nil {
		t.Fatal(err)
	}
	if last := stream.CachedInfo().State.LastSeq; last < 21 {
		t.Errorf("the stream has %d messages, and took 21", last)
	}
}

// publish publishes until the stream has it.
func publish(t *testing.T, ctx context.Context, js jetstream.JetStream) {
	t.Helper()
	for {
		try, cancel := context.WithTimeout(ctx, time.Second)
		_, err := js.Publish(try, "s", nil)
		cancel()
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}

func leader(t *testing.T, ctx context.Context, js jetstream.JetStream, cluster *embedded.NATSCluster) *embedded.NATSNode {
	t.Helper()
	stream, err := js.Stream(ctx, "S")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range cluster.Nodes() {
		if n.Name() == stream.CachedInfo().Cluster.Leader {
			return n
		}
	}
	t.Fatalf("nobody is %s", stream.CachedInfo().Cluster.Leader)
	return nil
}
