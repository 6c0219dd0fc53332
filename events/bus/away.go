package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// away is why there is no connection, as far as anybody has said. The client goes on trying
// by itself, and tells whoever asks no more than that it is disconnected.
type away struct {
	mu    sync.Mutex
	cause error
	known chan struct{} // closed once there is a cause
}

func newAway() *away { return &away{known: make(chan struct{})} }

// note takes down why an attempt failed. That of all servers none is left is no cause: the
// client says so of those that refuse, and finds out more with the next attempt.
func (a *away) note(err error) {
	switch {
	case err == nil, errors.Is(err, nats.ErrNoServers):
		return
	case strings.EqualFold(err.Error(), nats.ErrAuthorization.Error()):
		err = nats.ErrAuthorization // the client hands on the server's words, too
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.cause == nil {
		close(a.known)
	}
	a.cause = err
}

// over forgets the cause: there is a connection.
func (a *away) over() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.cause != nil {
		a.cause, a.known = nil, make(chan struct{})
	}
}

// why waits a moment for a cause that nobody has noted yet.
func (a *away) why(ctx context.Context) error {
	a.mu.Lock()
	known := a.known
	a.mu.Unlock()
	select {
	case <-known:
	case <-ctx.Done():
	case <-time.After(time.Second):
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.cause != nil:
		return a.cause
	case ctx.Err() != nil:
		return ctx.Err()
	default:
		return nats.ErrDisconnected
	}
}

// connected reports why there is no connection.
func (b *Bus) connected(ctx context.Context) error {
	if b.nc.IsConnected() {
		return nil
	}
	if err := b.nc.LastError(); err != nil {
		b.away.note(err) // of an attempt that came as far as the server
	}
	if err := b.away.why(ctx); !b.nc.IsConnected() {
		return unnamed{err}
	}
	return nil
}

// unnamed is an error of the client without the name of NATS, which whoever reads it is told
// besides.
type unnamed struct{ error }

func (u unnamed) Error() string { return strings.TrimPrefix(u.error.Error(), "nats: ") }

func (u unnamed) Unwrap() error { return u.error }

// Cluster is the name of the cluster that the server is part of; empty if it stands alone.
func (b *Bus) Cluster() string { return b.nc.ConnectedClusterName() }

// Ready reports whether JetStream answers.
func (b *Bus) Ready(ctx context.Context) error {
	if err := b.connected(ctx); err != nil {
		return err
	}
	if _, err := b.js.AccountInfo(ctx); err != nil {
		return fmt.Errorf("ask jetstream: %w", unnamed{err})
	}
	return nil
}
