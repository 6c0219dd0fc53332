package rig

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
)

// Report is everything that was measured, and where.
type Report struct {
	Date     string            `json:"date"`
	Revision string            `json:"revision"`
	Machine  map[string]string `json:"machine"`
	Versions map[string]string `json:"versions"`
	Settings map[string]string `json:"settings"`
	Rounds   int               `json:"rounds"`
	Size     int               `json:"size"`
	Results  []Result          `json:"results"`
}

// Describe fills in the machine, the versions and the settings, as the kernel and the
// servers tell them.
func (r *Report) Describe(ctx context.Context, s *Servers, parts []Part) error {
	r.Machine = machine(s.Folder)
	r.Versions = versions(parts)
	r.Settings = map[string]string{
		"nats-server": "one server, file storage, replicas 1, sync_interval: always; a process of its own",
		"PostgreSQL":  "a server of its own, on a TCP socket of this machine, with what stands below and its defaults otherwise",
	}
	server := &Round{Servers: s, Name: "public"}
	if err := server.openDatabase("public"); err != nil {
		return err
	}
	defer func() { _ = server.DB.Close() }() // nothing was written
	for _, name := range []string{
		"server_version", "fsync", "synchronous_commit", "full_page_writes", "wal_sync_method", "shared_buffers", "max_wal_size",
	} {
		var value string
		if err := server.DB.QueryRowContext(ctx, "select current_setting($1)", name).Scan(&value); err != nil {
			return fmt.Errorf("ask postgres for %s: %w", name, err)
		}
		if name == "server_version" {
			r.Versions["PostgreSQL"] = value
			continue
		}
		r.Settings["PostgreSQL "+name] = value
	}
	return nil
}

// versions are those of Go, of the server that was built from source, and of what the parts
// stand on.
func versions(parts []Part) map[string]string {
	told := map[string]string{"Go": runtime.Version()}
	modules := []string{natsPackage}
	for _, p := range parts {
		modules = append(modules, p.Modules...)
	}
	if built, ok := debug.ReadBuildInfo(); ok {
		for _, m := range built.Deps {
			if slices.Contains(modules, m.Path) {
				told[m.Path] = m.Version
			}
		}
	}
	return told
}

// loadBefore is how many processes wanted a core in the last minute before the run.
const loadBefore = "load before the run"

// machine is what runs all of it, with no name of its own.
func machine(folder string) map[string]string {
	told := map[string]string{
		"system": runtime.GOOS + "/" + runtime.GOARCH, "cores": fmt.Sprint(runtime.NumCPU()), "file system": fileSystem(folder),
	}
	if kernel, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		told["kernel"] = strings.TrimSpace(string(kernel))
	}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == "model name" {
				told["CPU"] = strings.TrimSpace(value)
			}
		}
	}
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		if fields := strings.Fields(string(text)); len(fields) > 2 { // MemTotal: N kB
			told["memory"] = fields[1] + " " + fields[2]
		}
	}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		told[loadBefore], _, _ = strings.Cut(string(text), " ")
	}
	return told
}

// fileSystem is the kind of file system that a folder is on, in the words of stat(1).
func fileSystem(folder string) string {
	said, err := exec.Command("stat", "-f", "-c", "%T", folder).Output() //nolint:gosec,noctx // its own folder, and over at once
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(said))
}
