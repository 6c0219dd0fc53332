package simulator

import (
	"context"
	"net/http"
)

// WeChat's hosts, as far as they fail by themselves.
const (
	MainHost   = "main"
	BackupHost = "backup"
)

type hostKey struct{}

// Host returns WeChat as one of its hosts, MainHost or BackupHost: both know the same, and
// each may be down by itself (gateway.main_down, gateway.backup_down). The Simulator is its
// own main host.
func (s *Simulator) Host(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mux.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), hostKey{}, name)))
	})
}

// hostDown is the chance that the host of a call is down.
func (s GatewaySwitches) hostDown(r *http.Request) float64 {
	if r.Context().Value(hostKey{}) == BackupHost {
		return s.BackupDown
	}
	return s.MainDown
}
