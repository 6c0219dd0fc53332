package crash

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"settled/failpoint"
)

// Arm is where and how a process is to die. The zero Arm lets it live.
type Arm struct {
	Point string
	Way   failpoint.Way
	Nth   int // the time that counts; 0 means the first
}

// Process is settled as a process of its own.
type Process struct {
	Name  string
	Kind  failpoint.Process
	Ahead time.Duration // how wrong its clock is
	Pools string        // that a worker runs; default all but the relay

	world   *World
	file    string // the configuration
	command *exec.Cmd
	ended   chan struct{} // closed when it has ended
	starts  int
	hits    string // the file that tells of points that were hit
}

// workerPools are what a worker runs. The relay, of which one is at work at a time, is a
// process of its own.
const workerPools = "prepare,finalize,reconcile,refund,acknowledge,sweep,audit"

func (p *Process) arguments() []string {
	common := []string{"--config", p.file, "--log-level", "info"}
	switch p.Kind {
	case failpoint.Ingress:
		return append([]string{"ingress"}, common...)
	case failpoint.Relay:
		return append([]string{"worker", "--pools", "relay"}, common...)
	default:
		return append([]string{"worker", "--pools", cmp.Or(p.Pools, workerPools)}, common...)
	}
}

// Start starts the process, again after it has died, armed or not. It does not wait until
// it works.
func (p *Process) Start(arm Arm) error {
	p.starts++
	log, err := os.Create(filepath.Join(p.world.folder, fmt.Sprintf("%s.%03d.log", p.Name, p.starts)))
	if err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	defer func() { _ = log.Close() }() // the process has its own handle
	p.hits = filepath.Join(p.world.folder, fmt.Sprintf("%s.%03d.hits", p.Name, p.starts))
	p.command = exec.Command(p.world.servers.program, p.arguments()...) //nolint:gosec,noctx // its own program; killed at the end
	p.command.Stdout, p.command.Stderr = log, log
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.command.Env = append(os.Environ(), failpoint.ReportVariable+"="+p.hits, failpoint.AheadVariable+"="+p.Ahead.String())
	if arm.Point != "" {
		p.command.Env = append(p.command.Env, fmt.Sprintf("%s=%s:%s:%d", failpoint.Variable, arm.Point, arm.Way, max(1, arm.Nth)))
	}
	if err := p.command.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	command, ended := p.command, make(chan struct{})
	p.ended = ended
	go func() {
		_ = command.Wait() // how it ended is what the run is about
		close(ended)
	}()
	return nil
}

// Running reports whether the process has not ended.
func (p *Process) Running() bool {
	if p.ended == nil {
		return false
	}
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// Kill ends the process at once, frozen or not.
func (p *Process) Kill() {
	if p.Running() {
		_ = p.command.Process.Kill() // it may have ended meanwhile
		<-p.ended
	}
}

// Stop asks the process to end, and waits until it has.
func (p *Process) Stop(ctx context.Context) error {
	if !p.Running() {
		return nil
	}
	_ = p.command.Process.Signal(syscall.SIGTERM) // it may have ended meanwhile
	select {
	case <-p.ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop %s: %w", p.Name, ctx.Err())
	}
}

// Freeze stops the process as it stands, as a machine that hangs.
func (p *Process) Freeze() error { return p.command.Process.Signal(syscall.SIGSTOP) }

// Thaw lets a frozen process go on with whatever it had in hand.
func (p *Process) Thaw() error { return p.command.Process.Signal(syscall.SIGCONT) }

// Frozen reports whether the process is stopped.
func (p *Process) Frozen() bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.command.Process.Pid))
	if err != nil {
		return false
	}
	fields := strings.Fields(string(status[bytes.LastIndexByte(status, ')')+1:]))
	return len(fields) > 0 && fields[0] == "T"
}

// ErrNotHit says that a process did not come to the point it was armed for.
var ErrNotHit = errors.New("the point was not hit")

// AwaitHit waits until the process has come to its point, and has died there or hangs. A
// panic may have been caught: then the process goes on.
func (p *Process) AwaitHit(ctx context.Context, arm Arm) error {
	want := arm.Point + ":" + string(arm.Way)
	err := until(ctx, func() bool {
		said, _ := os.ReadFile(p.hits) // not there: not hit
		return strings.TrimSpace(string(said)) == want
	})
	if err != nil {
		return fmt.Errorf("%s, armed with %s: %w: %w", p.Name, want, ErrNotHit, err)
	}
	bound, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	switch arm.Way {
	case failpoint.Kill:
		err = until(bound, func() bool { return !p.Running() })
	case failpoint.Hang:
		err = until(bound, p.Frozen)
	case failpoint.Panic:
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_ = until(short, func() bool { return !p.Running() })
	}
	if err != nil {
		return fmt.Errorf("%s came to %s and did not die: %w", p.Name, want, err)
	}
	return nil
}

// until waits for a condition that nobody signals.
func until(ctx context.Context, holds func() bool) error {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !holds() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
