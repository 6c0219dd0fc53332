package embedded

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// NATSConfig says what kind of NATS server to start.
type NATSConfig struct {
	// Dir keeps the streams; those that are there are used again. Empty: a temporary
	// folder, removed by Stop.
	Dir string
	// Port of 127.0.0.1 to listen on; 0 for a free one, which stays the same from then on.
	Port int
	// SyncAlways makes the server write to the disk before it acknowledges anything.
	SyncAlways bool
	// MaxStore bounds all streams together, in bytes; default 4 GiB.
	MaxStore int64
	Log      *slog.Logger // hears the server's warnings and errors; default: silent
}

// NATS is a NATS server with JetStream inside this process.
type NATS struct {
	cfg    NATSConfig
	folder folder

	mu     sync.Mutex
	port   int
	server *server.Server // nil while it is stopped
	lock   *os.File       // held while it runs
}

// StartNATS starts a server and returns when it takes connections.
func StartNATS(cfg NATSConfig) (*NATS, error) {
	if cfg.MaxStore == 0 {
		cfg.MaxStore = 4 << 30
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	place, err := openFolder(cfg.Dir, "nats")
	if err != nil {
		return nil, fmt.Errorf("start nats: %w", err)
	}
	n := &NATS{cfg: cfg, folder: place}
	if err := n.startOnPort(); err != nil {
		return nil, errors.Join(fmt.Errorf("start nats: %w", err), place.discard())
	}
	return n, nil
}

// URL is where the server listens: nats://127.0.0.1:PORT.
func (n *NATS) URL() string { return "nats://" + address(n.port) }

// Stop ends the server. A temporary folder is removed, and the streams with it.
func (n *NATS) Stop() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stop()
	return n.folder.discard()
}

// Restart starts the server again on the same port and the same streams, after Stop too;
// a running one is stopped first.
func (n *NATS) Restart() error {
	return n.atRest("restart", func() error { return nil })
}

// Wipe loses every stream and every consumer: the server is stopped, its store removed,
// and started again on the same port.
func (n *NATS) Wipe() error {
	return n.atRest("wipe", func() error { return os.RemoveAll(n.store()) })
}

// Copy keeps a copy of the store as it is now, in dir; the server is restarted. PutBack
// then makes the streams what they were: an older copy, as after a bad restore.
func (n *NATS) Copy(dir string) error {
	return n.atRest("copy", func() error { return os.CopyFS(dir, os.DirFS(n.store())) })
}

// PutBack replaces the store by the copy in dir.
func (n *NATS) PutBack(dir string) error {
	return n.atRest("put back", func() error {
		if err := os.RemoveAll(n.store()); err != nil {
			return err
		}
		return os.CopyFS(n.store(), os.DirFS(dir))
	})
}

// Damage overwrites a text wherever the streams hold it, as a bad disk would, and starts the
// server again. A server that still has its index of the blocks leaves out the messages it can't
// read, and says nothing of it; without the index it ends the stream before the first of them.
func (n *NATS) Damage(text string, withoutIndex bool) error {
	return n.atRest("damage", func() error {
		damaged := 0
		err := filepath.WalkDir(n.store(), func(file string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil || entry.IsDir():
				return err
			case withoutIndex && entry.Name() == "index.db":
				return os.Remove(file)
			case filepath.Ext(file) != ".blk":
				return nil
			}
			held, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			damaged += bytes.Count(held, []byte(text))
			return os.WriteFile(file, bytes.ReplaceAll(held, []byte(text), bytes.Repeat([]byte("?"), len(text))), 0o600)
		})
		if err == nil && damaged == 0 {
			err = errors.New("nothing holds the text")
		}
		return err
	})
}

// atRest does something to the store while the server is stopped, and starts it again if that
// went well.
func (n *NATS) atRest(what string, do func() error) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stop()
	err := do()
	if err == nil {
		err = whenFree(n.start)
	}
	if err != nil {
		return fmt.Errorf("%s nats: %w", what, err)
	}
	return nil
}

// store is where the streams are.
func (n *NATS) store() string { return filepath.Join(n.folder.path, server.JetStreamStoreDir) }

func (n *NATS) startOnPort() error {
	if n.cfg.Port != 0 {
		n.port = n.cfg.Port
		return n.start()
	}
	return onFreePort(func(port int) error {
		n.port = port
		return n.start()
	})
}

func (n *NATS) start() (err error) {
	if err := n.folder.restore(); err != nil {
		return err
	}
	if err := n.takeLock(); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			n.stop()
		}
	}()
	n.server, err = server.NewServer(n.options())
	if err != nil {
		return err
	}
	n.server.SetLoggerV2(serverLog{n.cfg.Log}, false, false, false)
	n.server.Start()
	return n.check()
}

func (n *NATS) options() *server.Options {
	return &server.Options{
		ServerName: "settled-embedded",
		Host:       "127.0.0.1",
		Port:       n.port,
		NoSigs:     true,

		JetStream:              true,
		StoreDir:               n.folder.path,
		SyncAlways:             n.cfg.SyncAlways,
		JetStreamMaxMemory:     64 << 20,
		JetStreamMaxStore:      n.cfg.MaxStore,
		DisableJetStreamBanner: true,
	}
}

// check reports whether the server is what was asked for. It listens by now, or never
// will.
func (n *NATS) check() error {
	effective := n.server.JetStreamConfig()
	switch {
	case effective == nil:
		return errors.New("JetStream did not start")
	case effective.SyncAlways != n.cfg.SyncAlways:
		return fmt.Errorf("sync always is %t, asked for was %t", effective.SyncAlways, n.cfg.SyncAlways)
	case n.server.Addr() == nil:
		return fmt.Errorf("listen on %s: %w", address(n.port), errPortTaken)
	case !n.server.ReadyForConnections(10 * time.Second):
		return errors.New("the server does not take connections")
	}
	return nil
}

func (n *NATS) stop() {
	if n.server != nil {
		n.server.Shutdown()
		n.server.WaitForShutdown()
		n.server = nil
	}
	if n.lock != nil {
		// Closing alone would not do: a program that is being started at this moment has a
		// copy of the file until it runs.
		_ = syscall.Flock(int(n.lock.Fd()), syscall.LOCK_UN)
		_ = n.lock.Close() // nothing was written to it
		n.lock = nil
	}
}

// takeLock keeps a second server out of the folder: NATS itself would let both of them
// write to it.
func (n *NATS) takeLock() error {
	file, err := os.OpenFile(filepath.Join(n.folder.path, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return errors.Join(fmt.Errorf("%s is used by another server: %w", n.folder.path, err), file.Close())
	}
	n.lock = file
	return nil
}
