package rig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// Process is a program that runs beside this one.
type Process struct {
	Name  string
	Admin string // the address of its /metrics; empty if it has none

	command *exec.Cmd
	log     string
	ended   chan struct{}
	failed  error // once it has ended
}

// start runs a command whose output goes to a file in the folder.
func start(name, folder string, command *exec.Cmd) (*Process, error) {
	p := &Process{Name: name, command: command, log: filepath.Join(folder, name+".log"), ended: make(chan struct{})}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer func() { _ = log.Close() }() // the process has its own handle
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt of the terminal is ours to pass on
	tie(command.SysProcAttr)
	started := make(chan error)
	go p.run(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return p, nil
}

// run starts the process and waits for its end. To the kernel its parent is the thread
// that started it, and not all of this process, so that one has to live on.
func (p *Process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.command.Start()
	started <- err
	if err == nil {
		p.failed = p.command.Wait()
	}
	close(p.ended)
}

// Stop asks the process to end and waits until it has; one that does not within the bound
// is killed.
func (p *Process) Stop() error {
	if p == nil {
		return nil
	}
	_ = p.command.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
		_ = p.command.Process.Kill() // likewise
		<-p.ended
		return fmt.Errorf("%s had to be killed: %s", p.Name, p.lastWords())
	}
	if p.failed != nil {
		return fmt.Errorf("%s ended: %w: %s", p.Name, p.failed, p.lastWords())
	}
	return nil
}

// lastWords is the end of the log.
func (p *Process) lastWords() string {
	const most = 2000
	said, _ := os.ReadFile(p.log) // not there: it said nothing
	return string(said[max(0, len(said)-most):])
}

// Until waits for a condition that nobody signals, and fails if the process ends before.
func (p *Process) Until(ctx context.Context, every time.Duration, holds func(context.Context) (bool, error)) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		if held, err := holds(ctx); err != nil || held {
			return err
		}
		select {
		case <-ticker.C:
		case <-p.ended:
			return errors.Join(fmt.Errorf("%s ended: %s", p.Name, p.lastWords()), p.failed)
		case <-ctx.Done():
			return fmt.Errorf("%s: %w: %s", p.Name, ctx.Err(), p.lastWords())
		}
	}
}
