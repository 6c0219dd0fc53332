package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// said is the log of a command that runs.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

// line returns the first line with a message.
func (s *said) line(message string) (fields map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for line := range strings.Lines(s.text.String()) {
		fields = map[string]any{}
		if err := json.Unmarshal([]byte(line), &fields); err == nil && fields["msg"] == message {
			return fields
		}
	}
	return nil
}

// begins runs a command until the test ends, and returns what it says once it works.
func (w *world) begins(arguments ...string) *said {
	w.t.Helper()
	log, ended := &said{}, make(chan int, 1)
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	go func() { ended <- run(ctx, arguments, streams{in: strings.NewReader(""), out: log, err: log}) }()
	w.t.Cleanup(func() {
		cancel()
		if code := <-ended; code != exitDone {
			w.t.Errorf("settled %s: exit %d\n%s", arguments[0], code, log.text.String())
		}
	})
	w.until(arguments[0]+" works", func() bool { return log.line("settled works") != nil || len(ended) > 0 })
	return log
}

// One file may be that of an ingress and of several workers on one machine.
func TestProcessesOfOneFileShareAMachine(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	taken := strings.TrimPrefix(w.admin, "http://")
	first := w.begins("ingress", "--config", w.file)
	if got := first.line("settled works")["admin"]; got != taken {
		t.Errorf("the first one has its admin at %v, want %s", got, taken)
	}
	for range 2 {
		log := w.begins("worker", "--config", w.file, "--pools", "sweep")
		warning := log.line("admin address is taken, another one is used")
		address, _ := warning["address"].(string)
		if warning["level"] != "WARN" || warning["configured"] != taken || address == taken || !strings.HasPrefix(address, "127.0.0.1:") {
			t.Fatalf("it says %v", warning)
		}
		if got := w.callAt("http://"+address+"/healthz", http.MethodGet, nil).status; got != http.StatusOK {
			t.Errorf("/healthz at %s: %d", address, got)
		}
	}
	if got := settledRuns(t.Context(), "serve", "--config", w.file); got.code != exitFailed || !strings.Contains(got.err, taken) {
		t.Errorf("serve beside them: exit %d\n%s", got.code, got.err)
	}
}

func TestAnAdminAddressForOneProcess(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	own := freeAddress(t)
	log := w.begins("worker", "--config", w.file, "--pools", "sweep", "--admin", own)
	if got := log.line("settled works")["admin"]; got != own {
		t.Errorf("the admin is at %v, want %s", got, own)
	}
	for name, row := range map[string]struct {
		address string
		code    int
		says    string
	}{
		"is taken":                        {own, exitFailed, own},
		"is none":                         {"here", exitUsage, "--admin must be host:port"},
		"is everybody's, without a guard": {"0.0.0.0:0", exitUsage, "--admin must be a loopback address"},
		"is every address":                {":0", exitUsage, "--admin must be a loopback address"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, command := range []string{"serve", "ingress", "worker"} {
				got := settledRuns(t.Context(), command, "--config", w.file, "--admin", row.address)
				if got.code != row.code || !strings.Contains(got.err, row.says) {
					t.Errorf("settled %s: exit %d\n%s", command, got.code, got.err)
				}
			}
		})
	}
}
