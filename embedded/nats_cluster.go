package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// NATSCluster is three nats-servers as children of this process, with JetStream. Any one of
// them may be gone and streams of three replicas go on.
type NATSCluster struct {
	folder folder
	nodes  []*NATSNode
}

// nodes are as many as a stream has replicas at the most, if one of them may be gone.
const nodes = 3

// NATSNode is one server of a cluster.
type NATSNode struct {
	name    string
	program string
	folder  string
	port    int    // for clients
	health  string // URL that tells whether it has caught up with the others

	child
}

// StartNATSCluster starts three servers of a nats-server program, and returns when they are
// one cluster. ctx bounds the start only.
func StartNATSCluster(ctx context.Context, program string) (*NATSCluster, error) {
	place, err := openFolder("", "nats-cluster")
	if err != nil {
		return nil, fmt.Errorf("start a nats cluster: %w", err)
	}
	c := &NATSCluster{folder: place}
	for range attempts {
		if err = c.start(ctx, program); !errors.Is(err, errPortTaken) {
			break
		}
		c.kill()
	}
	if err != nil {
		c.kill()
		return nil, errors.Join(fmt.Errorf("start a nats cluster: %w", err), place.discard())
	}
	return c, nil
}

// URL is where the servers listen: all of them, with commas between.
func (c *NATSCluster) URL() string {
	var urls []string
	for _, n := range c.nodes {
		urls = append(urls, "nats://"+address(n.port))
	}
	return strings.Join(urls, ",")
}

// Nodes are the servers, running or not.
func (c *NATSCluster) Nodes() []*NATSNode { return c.nodes }

// Whole waits until every server runs, and has all that the others have.
func (c *NATSCluster) Whole(ctx context.Context) error {
	for _, n := range c.nodes {
		if err := n.whole(ctx); err != nil {
			return fmt.Errorf("wait for %s: %w", n.name, err)
		}
	}
	return nil
}

// Stop ends the servers and removes what they hold.
func (c *NATSCluster) Stop() error {
	c.kill()
	return c.folder.discard()
}

func (c *NATSCluster) kill() {
	for _, n := range c.nodes {
		n.Kill()
	}
}

// clusterConfiguration is that of a node: its name, where clients, people and other nodes find
// it, where it keeps its streams, and where it finds the others.
const clusterConfiguration = `
server_name: "%s"
listen: "%s"
http: "%s"
jetstream {store_dir: "%s", max_file_store: 16GB}
cluster {name: "embedded", listen: "%s", routes: [%s]}
`

func (c *NATSCluster) start(ctx context.Context, program string) error {
	c.nodes = nil
	var routes []string
	ports := make([][3]int, nodes)
	for i := range ports {
		for j := range ports[i] {
			var err error
			if ports[i][j], err = freePort(); err != nil {
				return err
			}
		}
		routes = append(routes, `"nats-route://`+address(ports[i][2])+`"`)
	}
	if err := errors.Join(os.RemoveAll(c.folder.path), c.folder.restore()); err != nil { // an attempt before may have left a log
		return err
	}
	for i, port := range ports {
		n := &NATSNode{
			name: fmt.Sprintf("node-%d", i+1), program: program, port: port[0],
			health: "http://" + address(port[1]) + "/healthz",
		}
		n.folder = filepath.Join(c.folder.path, n.name)
		if err := os.MkdirAll(n.folder, 0o700); err != nil {
			return err
		}
		text := fmt.Sprintf(clusterConfiguration, n.name, address(port[0]), address(port[1]), filepath.Join(n.folder, "jetstream"),
			address(port[2]), strings.Join(routes, ", "))
		if err := os.WriteFile(n.configuration(), []byte(text), 0o600); err != nil {
			return err
		}
		c.nodes = append(c.nodes, n)
		if err := n.start(); err != nil {
			return err
		}
	}
	return c.Whole(ctx)
}

// Name is what the server calls itself.
func (n *NATSNode) Name() string { return n.name }

// Restart starts the server again on the same ports and the same streams, after Kill too. It
// does not wait until the server has caught up: Whole does.
func (n *NATSNode) Restart(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	n.process.stop(ctx, syscall.SIGTERM)
	if err := n.start(); err != nil {
		return fmt.Errorf("restart %s: %w", n.name, err)
	}
	return nil
}

func (n *NATSNode) configuration() string { return filepath.Join(n.folder, "nats.conf") }

func (n *NATSNode) log() string { return filepath.Join(n.folder, "log") }

// start starts the server. The lock is held, or nobody else knows of the node yet.
func (n *NATSNode) start() error {
	log, err := os.OpenFile(n.log(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()                          // the child has its own handle
	command := exec.Command(n.program, "-c", n.configuration()) //nolint:gosec,noctx // the caller's program; Kill ends it
	command.Stdout, command.Stderr = log, log
	n.process, err = launch(command)
	return err
}

// whole waits until the server says that it is well: it knows the cluster's leader, and its
// streams and consumers are where the others' are.
func (n *NATSNode) whole(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	n.mu.Lock()
	child := n.process
	n.mu.Unlock()
	if !child.running() {
		return n.ended()
	}
	client := http.Client{Timeout: time.Second}
	err := child.await(ctx, func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, n.health, nil)
		if err != nil {
			return err
		}
		answer, err := client.Do(request)
		if err != nil {
			return err
		}
		defer func() { _ = answer.Body.Close() }()
		if answer.StatusCode != http.StatusOK {
			return errors.New(answer.Status)
		}
		return nil
	})
	if errors.Is(err, errEnded) {
		return n.ended()
	}
	return err
}

// ended is why the server does not run.
func (n *NATSNode) ended() error {
	said, _ := os.ReadFile(n.log()) // without it, that it does not run has to do
	if bytes.Contains(said, []byte("address already in use")) {
		return errPortTaken
	}
	return fmt.Errorf("%w\n%s", errEnded, said)
}
