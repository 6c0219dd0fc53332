package rig

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// The variables by which this program tells itself what to be.
const (
	roleVariable = "SETTLED_BENCH_ROLE"
	taskVariable = "SETTLED_BENCH_TASK"
)

// Played plays the role that this process was started for, if there is one. It is the
// first thing that a main or TestMain does; the process ends with what it returns.
func Played(parts []Part) (played bool, err error) {
	name := os.Getenv(roleVariable)
	if name == "" {
		return false, nil
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	for _, p := range parts {
		if role, ok := p.Roles[name]; ok {
			return true, role(ctx, []byte(os.Getenv(taskVariable)))
		}
	}
	return true, fmt.Errorf("there is no role %q", name)
}

// Play starts this program once more, in a role of the part. It ends with the round.
func (r *Round) Play(role string, task any) (*Process, error) {
	text, err := json.Marshal(task)
	if err != nil {
		return nil, fmt.Errorf("write the task of %s: %w", role, err)
	}
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	command := exec.Command(program) //nolint:gosec,noctx // itself; the round ends it
	command.Env = append(os.Environ(), roleVariable+"="+role, taskVariable+"="+string(text))
	return r.keep(start(role, r.Folder, command))
}

// said is the file that a role writes its report to.
const said = "said.json"

// Tell writes what a role has to say into the folder that its task names, all at once.
func Tell(folder string, what any) error {
	text, err := json.Marshal(what)
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	whole := filepath.Join(folder, said)
	if err := os.WriteFile(whole+".part", text, 0o600); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return os.Rename(whole+".part", whole)
}

// Hear waits until a role has said what it has to say.
func (p *Process) Hear(ctx context.Context, folder string, what any) error {
	var text []byte
	err := p.Until(ctx, 5*time.Millisecond, func(context.Context) (held bool, err error) {
		text, err = os.ReadFile(filepath.Join(folder, said))
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		return err == nil, err
	})
	if err != nil {
		return fmt.Errorf("wait for the report of %s: %w", p.Name, err)
	}
	if err := json.Unmarshal(text, what); err != nil {
		return fmt.Errorf("read the report of %s: %w", p.Name, err)
	}
	return nil
}

// Settled starts settled, as built from this tree. It ends with the round.
func (r *Round) Settled(name string, arguments ...string) (*Process, error) {
	return r.keep(start(name, r.Folder, exec.Command(r.Servers.settled, arguments...))) //nolint:gosec,noctx // its own program; the round ends it
}

func (r *Round) keep(p *Process, err error) (*Process, error) {
	if err == nil {
		r.processes = append(r.processes, p)
	}
	return p, err
}
