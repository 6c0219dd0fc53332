package main

import (
	"net/http"
	"strings"
	"testing"
)

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
