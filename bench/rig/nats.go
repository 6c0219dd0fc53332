package rig

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
)

// NATS is a nats-server as a process of its own.
type NATS struct {
	URL string

	process *Process
}

// natsConfiguration is what is not the server's default.
const natsConfiguration = `
listen: "%s"
jetstream {
  store_dir: "%s"
  sync_interval: always
  max_file_store: 64GB
}
`

// natsPackage is the server's own program; go.mod pins it as a tool.
const natsPackage = "github.com/nats-io/nats-server/v2"

func startNATS(ctx context.Context, folder string) (*NATS, error) {
	program := filepath.Join(folder, "nats-server")
	if err := build(ctx, ".", program, natsPackage); err != nil {
		return nil, err
	}
	address, err := FreeAddress(ctx)
	if err != nil {
		return nil, fmt.Errorf("find a port for nats: %w", err)
	}
	file := filepath.Join(folder, "nats.conf")
	text := fmt.Sprintf(natsConfiguration, address, filepath.Join(folder, "jetstream"))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("write the configuration of nats: %w", err)
	}
	n := &NATS{URL: "nats://" + address}
	n.process, err = start("nats-server", folder, exec.Command(program, "-c", file)) //nolint:gosec,noctx // Stop ends it
	if err != nil {
		return nil, err
	}
	bound, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return n, n.process.Until(bound, 20*time.Millisecond, func(context.Context) (bool, error) {
		nc, err := nats.Connect(n.URL)
		if err != nil {
			return false, nil
		}
		nc.Close()
		return true, nil
	})
}

// FreeAddress is one that nobody listens at.
func FreeAddress(ctx context.Context) (string, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
