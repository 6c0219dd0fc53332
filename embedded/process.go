package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a running child. It dies with this process, however this process ends.
type process struct {
	pid  int
	done chan struct{} // closed once the child has ended
}

// launch starts the command.
func launch(command *exec.Cmd) (*process, error) {
	if command.SysProcAttr == nil {
		command.SysProcAttr = &syscall.SysProcAttr{}
	}
	tie(command.SysProcAttr)
	command.SysProcAttr.Setpgid = true // Ctrl-C in a terminal is for us, not for the child
	command.WaitDelay = time.Second

	p := &process{done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel means the thread when it speaks of a child's parent: the thread that
		// starts the child has to live as long as the child does.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := command.Start()
		started <- err
		if err != nil {
			return
		}
		_ = command.Wait() // how it ended is in its log
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	p.pid = command.Process.Pid
	return p, nil
}

// await tries answers until it succeeds, the child ends or ctx is over.
func (p *process) await(ctx context.Context, answers func(context.Context) error) error {
	pause := time.NewTicker(10 * time.Millisecond)
	defer pause.Stop()
	for {
		err := answers(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return errEnded
		case <-ctx.Done():
			return fmt.Errorf("%w; last answer: %w", ctx.Err(), err)
		case <-pause.C:
		}
	}
}

var errEnded = errors.New("the server ended by itself")

// running reports whether the child has not ended yet.
func (p *process) running() bool {
	if p == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// stop asks the child to end, and kills it when ctx is over first.
func (p *process) stop(ctx context.Context, signal syscall.Signal) {
	if !p.running() {
		return
	}
	p.resume()
	_ = syscall.Kill(p.pid, signal) // if it has ended, done says so
	select {
	case <-p.done:
	case <-ctx.Done():
		p.kill()
	}
}

// kill ends the child and its own children at once, as a crash of the machine would.
func (p *process) kill() {
	if !p.running() {
		return
	}
	family := p.pause()
	for _, pid := range family {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	<-p.done
	awaitEnd(family[1:])
}

// awaitEnd waits until processes that were killed have let go of their memory: PostgreSQL
// does not start while a backend of the server before still holds the shared one.
func awaitEnd(family []int) {
	pause := time.NewTicker(time.Millisecond)
	defer pause.Stop()
	for _, pid := range family {
		for alive(pid) {
			<-pause.C
		}
	}
}

// alive reports whether a process has neither ended nor only its parent's word to wait
// for.
func alive(pid int) bool {
	fields := stat(pid)
	return len(fields) > 0 && fields[0] != "Z" && fields[0] != "X"
}

// stat is what the kernel tells of a process, from its state on: "S", its parent's id and
// so on. Nothing if there is no such process.
func stat(pid int) []string {
	line, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return nil
	}
	// proc(5): "pid (name) state ppid …"; the name may hold spaces and brackets.
	return strings.Fields(string(line[max(0, bytes.LastIndexByte(line, ')')+1):]))
}

// pause stops the child and then, when it can't make any more, its own children. It
// returns all of their ids, the child's first.
func (p *process) pause() []int {
	_ = syscall.Kill(p.pid, syscall.SIGSTOP)
	family := append([]int{p.pid}, children(p.pid)...)
	for _, pid := range family {
		_ = syscall.Kill(pid, syscall.SIGSTOP)
	}
	return family
}

// resume lets everything that pause stopped go on.
func (p *process) resume() {
	for _, pid := range append(children(p.pid), p.pid) {
		_ = syscall.Kill(pid, syscall.SIGCONT)
	}
}

// children lists the processes that the process pid has started. They are found by their
// parent, because PostgreSQL gives every backend a process group of its own.
func children(pid int) []int {
	folders, _ := filepath.Glob("/proc/[0-9]*")
	var found []int
	for _, folder := range folders {
		child, err := strconv.Atoi(filepath.Base(folder))
		if err != nil {
			continue
		}
		if fields := stat(child); len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			found = append(found, child)
		}
	}
	return found
}
