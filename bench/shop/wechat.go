package shop

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"

	"settled/bench/rig"
	"settled/wechat/simulator"
)

// WeChat starts the simulator as a process of its own, which knows the merchants of a
// configuration that names it, and waits until it listens.
func WeChat(ctx context.Context, r *rig.Round, file, at string) (*rig.Process, error) {
	keys := filepath.Join(r.Folder, "keys")
	if err := writeWeChatKey(keys); err != nil {
		return nil, err
	}
	process, err := r.Settled("simulator", "simulator", "--listen", at, "--config", file, "--keys", keys, "--log-level", "error")
	if err != nil {
		return nil, err
	}
	return process, Listening(ctx, process, at)
}

// Serve starts settled, ingress and workers in one process, and waits until it works.
func Serve(ctx context.Context, r *rig.Round, file string, s Settings) (*rig.Process, error) {
	process, err := r.Settled("settled", "serve", "--config", file, "--log-level", "error")
	if err != nil {
		return nil, err
	}
	process.Admin = s.Admin
	if err := working(ctx, r, process); err != nil {
		return nil, err
	}
	return process, Listening(ctx, process, s.Ingress)
}

// Books asks the simulator what has happened.
func Books(ctx context.Context, at string) (books simulator.Stats, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+at+"/simulator/orders", nil)
	if err != nil {
		return books, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return books, fmt.Errorf("ask the simulator: %w", err)
	}
	defer func() { _ = answer.Body.Close() }() // it was read to its end
	if err := json.NewDecoder(answer.Body).Decode(&books); err != nil {
		return books, fmt.Errorf("ask the simulator: %w", err)
	}
	return books, nil
}

// Calls are settled's calls to WeChat among the counters of its metrics.
func Calls(counters map[string]float64) (calls float64) {
	for name, value := range counters {
		if strings.HasPrefix(name, "settled_wechat_calls_total{") {
			calls += value
		}
	}
	return calls
}
