package embedded

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"time"
)

// Ports are taken from below the range that Linux and the BSDs give to outgoing
// connections. A server that is down for a moment thus finds its port free when it comes
// back, and a client that dials it meanwhile can't end up connected to itself. Those below are
// left to what tests start beside the servers.
const (
	firstPort = 15000
	lastPort  = 31999
)

// attempts is how often a server is started anew because another process was faster to
// take its port.
const attempts = 5

var errPortTaken = errors.New("the port is taken")

// freePort finds a port of 127.0.0.1 that nobody listens on at this moment.
func freePort() (int, error) {
	for range 100 {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		listener, err := net.Listen("tcp", address(port)) //nolint:noctx // nothing to wait for
		if err != nil {
			continue
		}
		return port, listener.Close()
	}
	return 0, errors.New("no free port on 127.0.0.1")
}

// onFreePort calls start with a free port, and again with another one if somebody else
// took that port in between.
func onFreePort(start func(port int) error) error {
	var err error
	for range attempts {
		var port int
		if port, err = freePort(); err != nil {
			return err
		}
		if err = start(port); !errors.Is(err, errPortTaken) {
			return err
		}
	}
	return fmt.Errorf("after %d attempts: %w", attempts, err)
}

// whenFree starts a server of this process again, on the port that it had. A program that this
// process is just starting holds whatever is open here, listeners too, until it has begun.
func whenFree(start func() error) error {
	const tries, pause = 100, 10 * time.Millisecond
	for range tries - 1 {
		if err := start(); !errors.Is(err, errPortTaken) {
			return err
		}
		time.Sleep(pause)
	}
	return start()
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
