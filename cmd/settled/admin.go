package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/pprof"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"settled/console"
)

// dependency is something the process stands on.
type dependency struct {
	name  string
	ready func(ctx context.Context) error
}

// admin answers the people and programs that look after the process.
type admin struct {
	dependencies []dependency
	metrics      *metrics
	profile      bool
	page         *console.Console // nil until it is opened
	log          *slog.Logger
}

// handler routes /healthz, /readyz and /metrics, the operator's page, and Go's profiles if they
// are wanted.
func (a *admin) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answerJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /readyz", a.readyz)
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.metrics.registry, promhttp.HandlerOpts{}))
	if a.page != nil {
		mux.Handle("/", a.page)
	}
	if a.profile {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	return mux
}

// readyz asks every dependency at once and names those that do not answer.
func (a *admin) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	failing := a.ask(ctx)
	if len(failing) == 0 {
		answerJSON(w, http.StatusOK, map[string]any{"status": "ready"})
		return
	}
	names := slices.Sorted(maps.Keys(failing))
	answerJSON(w, http.StatusServiceUnavailable, map[string]any{
		"status": "not ready", "failing": names, "detail": strings.Join(names, ", ") + " does not answer",
	})
}

// ask returns the dependencies that do not answer, with their errors.
func (a *admin) ask(ctx context.Context) map[string]error {
	failing := map[string]error{}
	var mu sync.Mutex
	var wait sync.WaitGroup
	for _, d := range a.dependencies {
		wait.Go(func() {
			err := d.ready(ctx)
			up := 1.0
			if err != nil {
				up = 0
				mu.Lock()
				failing[d.name] = err
				mu.Unlock()
			}
			a.metrics.dependencies.WithLabelValues(d.name).Set(up)
		})
	}
	wait.Wait()
	return failing
}

// watch asks every dependency again and again, so that the metrics tell and each change
// is said once in the log.
func (a *admin) watch(ctx context.Context, every time.Duration) {
	down := map[string]bool{}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		asked, cancel := context.WithTimeout(ctx, every)
		failing := a.ask(asked)
		cancel()
		if ctx.Err() != nil {
			return
		}
		for _, d := range a.dependencies {
			err, fails := failing[d.name]
			switch {
			case fails && !down[d.name]:
				a.log.WarnContext(ctx, "dependency does not answer", "dependency", d.name, "error", err)
			case !fails && down[d.name]:
				a.log.InfoContext(ctx, "dependency answers again", "dependency", d.name)
			}
			down[d.name] = fails
		}
	}
}

// serve answers on the listener until it is stopped.
func (a *admin) serve(listener net.Listener) (stop func(ctx context.Context) error) {
	server := &http.Server{Handler: a.handler(), ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug)}
	if a.page != nil {
		server.RegisterOnShutdown(a.page.Stop)
	}
	go func() { _ = server.Serve(listener) }() // it ends when it is shut down
	return server.Shutdown
}

func answerJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller has gone if this fails
}
