package embedded_test

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"settled/embedded"
)

// parentVariable makes a run of this test binary the parent that is killed.
const parentVariable = "EMBEDDED_TEST_PARENT"

func TestServersDieWithTheirParent(t *testing.T) {
	if os.Getenv(parentVariable) != "" {
		beParent(t)
	}
	t.Parallel()
	parent := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestServersDieWithTheirParent$")
	parent.Env = append(os.Environ(), parentVariable+"=1", "TMPDIR="+openTempDir(t))
	var complaint bytes.Buffer
	parent.Stderr = &complaint
	output, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	urls, _ := bufio.NewReader(output).ReadString('\n')
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()

	servers := strings.Fields(urls)
	if len(servers) != 2 {
		t.Fatalf("the parent started %q\n%s", servers, complaint.String())
	}
	for _, server := range servers {
		awaitDeath(t, server)
	}
}

// beParent starts a server of each kind, says where, and waits to be killed.
func beParent(t *testing.T) {
	postgres, err := embedded.StartPostgres(t.Context(), embedded.PostgresConfig{})
	if err != nil {
		t.Fatal(err)
	}
	redis, err := embedded.StartRedisServer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, _ = os.Stdout.WriteString(postgres.URL() + " " + redis.URL() + "\n")
	select {}
}

// openTempDir is a folder for what the killed parent can't remove, open to the user that
// PostgreSQL runs as.
func openTempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "settled-parent-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // a dying server may still be writing
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return dir
}

// awaitDeath waits until nobody listens at the server's address.
func awaitDeath(t *testing.T, server string) {
	t.Helper()
	address, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address.Host)
		if err != nil {
			return
		}
		_ = conn.Close()
	}
	t.Errorf("%s outlives its parent", address.Host)
}
