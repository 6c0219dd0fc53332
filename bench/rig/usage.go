package rig

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit in which Linux counts CPU time for everybody.
const tick = 10 * time.Millisecond

// Usage is the CPU time that a contestant and its servers have used.
type Usage struct {
	Contestant, Postgres, NATS time.Duration
}

// Usage tells what has been used so far. It is all zero where there is no /proc.
func (r *Round) Usage(ctx context.Context, of ...*Process) (Usage, error) {
	var used Usage
	var backend int
	if err := r.DB.QueryRowContext(ctx, "select pg_backend_pid()").Scan(&backend); err != nil {
		return used, fmt.Errorf("ask for the backend's process: %w", err)
	}
	own, known := stat(backend)
	if !known {
		return used, nil
	}
	used.Postgres = family(own.parent)
	used.NATS = family(r.Servers.NATS.process.command.Process.Pid)
	for _, p := range of {
		used.Contestant += family(p.command.Process.Pid)
	}
	return used, nil
}

// Since are the columns of what was used between two moments, for each of so many
// operations.
func (u Usage) Since(before Usage, operations int) map[string]float64 {
	each := func(used time.Duration) float64 { return float64(used.Microseconds()) / float64(max(1, operations)) }
	own, postgres, nats := u.Contestant-before.Contestant, u.Postgres-before.Postgres, u.NATS-before.NATS
	return map[string]float64{
		"CPU µs: its own": each(own), "CPU µs: PostgreSQL": each(postgres), "CPU µs: NATS": each(nats),
		"CPU µs: together": each(own + postgres + nats),
	}
}

// process is what the kernel tells of one.
type process struct {
	parent int
	used   time.Duration // by itself and by its children that have ended
}

// stat reads what the kernel tells of a process (proc_pid_stat(5)).
func stat(pid int) (process, bool) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return process{}, false
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	const parent, firstTime, lastTime = 1, 11, 14 // counted behind the name
	if len(fields) <= lastTime {
		return process{}, false
	}
	var p process
	p.parent, _ = strconv.Atoi(fields[parent])
	for _, field := range fields[firstTime : lastTime+1] {
		ticks, _ := strconv.Atoi(field)
		p.used += time.Duration(ticks) * tick
	}
	return p, true
}

// family is what a process and its children have used.
func family(pid int) time.Duration {
	own, _ := stat(pid)
	sum := own.used
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		other, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if p, known := stat(other); known && p.parent == pid {
			sum += p.used
		}
	}
	return sum
}
