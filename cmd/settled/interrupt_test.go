package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"settled/events"
)

// interrupted runs settled as a process of its own, tells it to stop once it is far enough,
// and returns what it said. It has to be done then.
func (w *world) interrupted(signal os.Signal, environment []string, far func(), arguments ...string) (said string) {
	w.t.Helper()
	self, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	command := exec.CommandContext(w.t.Context(), self, arguments...) //nolint:gosec // this very program
	command.Env = append(append(os.Environ(), asSettled+"=1"), environment...)
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	if err := command.Start(); err != nil {
		w.t.Fatal(err)
	}
	far()
	if err := command.Process.Signal(signal); err != nil {
		w.t.Fatal(err)
	}
	if err := command.Wait(); err != nil {
		w.t.Errorf("settled %s ended with %v:\n%s", arguments[0], err, out.String())
	}
	return out.String()
}

func TestWhoWaitsForAnAnswerMayGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldConfig{})
	stop := w.serve()
	if got := settledRuns(t.Context(), "pay", "--config", w.file, "--merchant", "shop3", "--order", "gone00001", "--amount", "1999"); got.code != exitDone {
		t.Fatalf("pay: exit %d\n%s%s", got.code, got.out, got.err)
	}
	w.customerPays(w.expect(events.PaymentPrepared, "gone00001"))
	w.expect(events.PaymentCompleted, "gone00001")
	stop() // from now on nobody answers

	asked := func(subject, order string) func() { return func() { w.expect(subject, order) } }
	said := w.interrupted(os.Interrupt, nil, asked(events.PaymentRequested, "gone00002"),
		"pay", "--config", w.file, "--merchant", "shop3", "--order", "gone00002", "--amount", "1999", "--wait", "1m")
	said += w.interrupted(syscall.SIGTERM, nil, asked(events.RefundRequested, "gone00001"),
		"refund", "--config", w.file, "--merchant", "shop3", "--order", "gone00001", "--refund", "gone00001-R1", "--amount", "500", "--wait", "1m")
	for _, end := range []string{"settled pay: interrupted", "settled refund: interrupted"} {
		if !strings.Contains(said, end) {
			t.Errorf("it says %s", said)
		}
	}
}

// Whoever starts the demo and thinks better of it leaves nothing behind, wherever it was.
func TestTheDemoMayBeInterruptedWhileItStarts(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		signal os.Signal
		far    string // the file that is there by then
	}{
		"with a folder":         {os.Interrupt, "settled-postgres-*"},
		"while initdb runs":     {syscall.SIGTERM, "settled-postgres-*/data/*"},
		"with PostgreSQL's log": {os.Interrupt, "settled-postgres-*/log"},
		"with a configuration":  {syscall.SIGTERM, "settled-demo-*/settled.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &world{t: t}
			folder := openFolder(t)
			far := func() {
				w.until(row.far, func() bool {
					found, err := filepath.Glob(filepath.Join(folder, row.far))
					return err == nil && len(found) > 0
				})
			}
			if said := w.interrupted(row.signal, []string{"TMPDIR=" + folder}, far, "demo"); !strings.HasSuffix(said, "settled demo: interrupted\n") {
				t.Errorf("it says %s", said)
			}
			left, err := os.ReadDir(folder)
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v (%v)", left, err)
			}
		})
	}
}
