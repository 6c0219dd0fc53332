package rig

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// addCounters adds what a process counts at its /metrics, in Prometheus's text.
func addCounters(ctx context.Context, counters map[string]float64, admin string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/metrics", nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("read metrics: %w", err)
	}
	defer func() { _ = answer.Body.Close() }() // what was read is read
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		at := strings.LastIndexByte(lines.Text(), ' ')
		if at < 0 || strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		if value, err := strconv.ParseFloat(lines.Text()[at+1:], 64); err == nil {
			counters[lines.Text()[:at]] += value
		}
	}
	return lines.Err()
}

// Syncs ends processes and tells how often PostgreSQL has synced its log since for each of so
// many operations: a connection's syncs are counted when it ends.
func (r *Round) Syncs(ctx context.Context, before Usage, operations int, processes ...*Process) (each float64, err error) {
	for _, p := range processes {
		if err := p.Stop(); err != nil {
			return 0, err
		}
	}
	const others = "select exists (select from pg_stat_activity where backend_type = 'client backend' and application_name <> $1)"
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for left := true; left; {
		if err := r.DB.QueryRowContext(ctx, others, ownConnections).Scan(&left); err != nil {
			return 0, fmt.Errorf("look for connections: %w", err)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return 0, fmt.Errorf("wait for connections to end: %w", ctx.Err())
		}
	}
	var syncs float64
	if err := r.DB.QueryRowContext(ctx, "select wal_sync from pg_stat_wal").Scan(&syncs); err != nil {
		return 0, fmt.Errorf("count syncs: %w", err)
	}
	return (syncs - before.syncs) / float64(max(1, operations)), nil
}

// countStatements has PostgreSQL count statements, if its contrib modules are installed. The
// server has to be started anew for it.
func (s *Servers) countStatements(ctx context.Context) error {
	public := &Round{Servers: s, Name: "public"}
	if err := public.openDatabase("public"); err != nil {
		return err
	}
	defer func() { _ = public.DB.Close() }() // its statements have been answered
	const module = "pg_stat_statements"
	err := public.DB.QueryRowContext(ctx, "select exists (select from pg_available_extensions where name = $1)", module).Scan(&s.statements)
	if err != nil || !s.statements {
		return err
	}
	if _, err := public.DB.ExecContext(ctx, "alter system set shared_preload_libraries = "+module); err != nil {
		return fmt.Errorf("have statements counted: %w", err)
	}
	if err := s.Postgres.Restart(ctx); err != nil {
		return err
	}
	if _, err := public.DB.ExecContext(ctx, "create extension "+module+" schema public"); err != nil {
		return fmt.Errorf("have statements counted: %w", err)
	}
	return nil
}

// flushes is how often the disk that a folder is on was told to write down what it keeps
// in its cache (the kernel's Documentation/admin-guide/iostats.rst).
func flushes(folder string) float64 {
	info, err := os.Stat(folder)
	if err != nil {
		return 0
	}
	on, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0
	}
	disks, err := os.ReadFile("/proc/diskstats")
	if err != nil {
		return 0
	}
	device := uint64(on.Dev)
	major, minor := fmt.Sprint(device>>8&0xfff), fmt.Sprint(device&0xff|device>>12&0xfff00)
	for line := range strings.Lines(string(disks)) {
		const flushed = 18
		if fields := strings.Fields(line); len(fields) > flushed && fields[0] == major && fields[1] == minor {
			count, _ := strconv.ParseFloat(fields[flushed], 64)
			return count
		}
	}
	return 0
}

// Memory is how many MiB of memory a process has had at most, and has now; zero where there
// is no /proc.
func (p *Process) Memory() (most, now float64) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.command.Process.Pid), "status"))
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		kib, _ := strconv.ParseFloat(fields[1], 64)
		switch fields[0] {
		case "VmHWM:":
			most = kib / 1024
		case "VmRSS:":
			now = kib / 1024
		}
	}
	return most, now
}
