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

// Usage is what a contestant and its servers have used so far.
type Usage struct {
	CPU map[string]time.Duration // by whose it is
	// Counters are what the contestant's own processes count at /metrics, by series.
	Counters   map[string]float64
	statements float64 // that PostgreSQL was given by others than the rig; 0: not counted
	written    float64 // bytes of PostgreSQL's log
	syncs      float64 // of it, as far as they have been told
	flushes    float64 // of the disk, whoever asked for them
}

// Beside counts a process of the round that is nobody's own by its name.
func (r *Round) Beside(p *Process) { r.beside = append(r.beside, p) }

// Usage tells what has been used so far. What only /proc tells is zero where there is none.
func (r *Round) Usage(ctx context.Context, of ...*Process) (Usage, error) {
	used := Usage{CPU: map[string]time.Duration{}, Counters: map[string]float64{}, flushes: flushes(r.Servers.Folder)}
	if err := r.usedByPostgres(ctx, &used); err != nil {
		return used, err
	}
	used.CPU["NATS"] = family(r.Servers.NATS.process.command.Process.Pid)
	for _, p := range r.beside {
		used.CPU[p.Name] += family(p.command.Process.Pid)
	}
	for _, p := range of {
		used.CPU["its own"] += family(p.command.Process.Pid)
		if p.Admin == "" {
			continue
		}
		if err := addCounters(ctx, used.Counters, p.Admin); err != nil {
			return used, err
		}
	}
	return used, nil
}

func (r *Round) usedByPostgres(ctx context.Context, used *Usage) error {
	var backend int
	// What this connection has counted by itself belongs to what was before.
	err := r.DB.QueryRowContext(ctx, `select pg_backend_pid(), pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0'), wal_sync,
		pg_stat_force_next_flush() is null from pg_stat_wal`).Scan(&backend, &used.written, &used.syncs, new(bool))
	if err != nil {
		return fmt.Errorf("ask postgres what it has done: %w", err)
	}
	if own, known := stat(backend); known {
		used.CPU["PostgreSQL"] = family(own.parent)
	}
	if !r.Servers.statements {
		return nil
	}
	if err := r.DB.QueryRowContext(ctx, "select coalesce(sum(calls), 0) from public.pg_stat_statements").Scan(&used.statements); err != nil {
		return fmt.Errorf("count statements: %w", err)
	}
	return nil
}

// Since is what was used between two moments for each of so many operations, as figures of a
// Measure's cost.
func (u Usage) Since(before Usage, operations int) map[string]float64 {
	each := func(used float64) float64 { return used / float64(max(1, operations)) }
	cost, together := map[string]float64{}, time.Duration(0)
	for who, used := range u.CPU {
		used -= before.CPU[who]
		cost["CPU µs: "+who], together = each(float64(used.Microseconds())), together+used
	}
	cost["CPU µs: together"] = each(float64(together.Microseconds()))
	cost["bytes of PostgreSQL's log"] = each(u.written - before.written)
	if u.statements > 0 {
		cost["SQL statements"] = each(u.statements - before.statements)
	}
	if u.flushes > 0 {
		cost["flushes of the disk"] = each(u.flushes - before.flushes)
	}
	for head, series := range map[string]string{"Go: bytes allocated": "go_memstats_alloc_bytes_total", "Go: objects allocated": "go_memstats_mallocs_total"} {
		if u.Counters[series] > 0 {
			cost[head] = each(u.Counters[series] - before.Counters[series])
		}
	}
	return cost
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
